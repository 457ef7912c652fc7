//! What becomes of each value of a sample.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256")]

mod prepared;
#[cfg(target_arch = "x86_64")]
mod quads;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use prepared::Prepared;

use crate::PixelFormat;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// For each value of a sample, what becomes of it; one list for each colour. Grey has the first
/// list; alpha stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table([[u8; 256]; 3]);

impl Table {
    /// The same for each colour.
    #[must_use]
    pub fn new(each: impl FnMut(u8) -> u8) -> Self {
        let mut each = each;
        let mut list = [0; 256];
        list.iter_mut().zip(0..=255).for_each(|(to, from)| *to = each(from));
        Self([list; 3])
    }

    /// One list each for red (and grey), green and blue.
    #[must_use]
    pub const fn of_colours(lists: [[u8; 256]; 3]) -> Self {
        Self(lists)
    }

    /// The lists for red (and grey), green and blue.
    #[must_use]
    pub const fn lists(&self) -> &[[u8; 256]; 3] {
        &self.0
    }

    /// This one, then that one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut both = self.clone();
        for (list, next) in both.0.iter_mut().zip(&next.0) {
            for value in list {
                *value = next.get(usize::from(*value)).copied().unwrap_or_default();
            }
        }
        both
    }

    /// Looks some pixels up.
    pub(crate) fn pixels(&self, level: Level, format: PixelFormat, from: &[u8], to: &mut [u8]) {
        let done = self.vectors(level, format, from, to);
        let (Some(from), Some(to)) = (from.get(done..), to.get_mut(done..)) else { return };
        match format {
            PixelFormat::Rgba8 => look_up_rgba(level, self, from, to),
            PixelFormat::Rgb8 if !self.is_one() => look_up_rgb(level, self, from, to),
            _ => each(level, &self.0[0], from, to),
        }
    }

    /// Does the first bytes, whole pixels, where there is code for it; how many.
    #[cfg(not(target_arch = "x86_64"))]
    fn vectors(&self, _: Level, _: PixelFormat, _: &[u8], _: &mut [u8]) -> usize {
        0
    }

    /// Does the first bytes, whole pixels, where there is code for it; how many.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
    fn vectors(&self, level: Level, format: PixelFormat, from: &[u8], to: &mut [u8]) -> usize {
        let [red, green, blue] = &self.0;
        let one = self.is_one();
        let alpha = format == PixelFormat::Rgba8;
        match (level.instructions(), format) {
            (Instructions::Avx512(_), PixelFormat::Rgb8)
                if !one && is_x86_feature_detected!("avx512vbmi") =>
            {
                // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI
                // was just now.
                unsafe { x86::three_lists(red, green, blue, from, to) }
            }
            (Instructions::Avx512(_), PixelFormat::Rgba8)
                if is_x86_feature_detected!("avx512vbmi") =>
            {
                // SAFETY: as above.
                unsafe { x86::three_lists_and_alpha(red, green, blue, from, to) }
            }
            _ if one || format == PixelFormat::Gray8 => one_list(level, red, alpha, from, to),
            _ => 0,
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.0.iter().all(|list| list.iter().zip(0..=255).all(|(to, from)| *to == from))
    }

    /// Whether all colours have the same list.
    #[must_use]
    pub fn is_one(&self) -> bool {
        let [red, green, blue] = &self.0;
        red == green && green == blue
    }
}

/// Looks samples up in a list.
pub(crate) fn look_up(level: Level, list: &[u8; 256], from: &[u8], to: &mut [u8]) {
    let done = one_list(level, list, false, from, to);
    if let (Some(from), Some(to)) = (from.get(done..), to.get_mut(done..)) {
        each(level, list, from, to);
    }
}

/// Does the first bytes where there is code for it; how many.
#[cfg(not(target_arch = "x86_64"))]
fn one_list(_: Level, _: &[u8; 256], _: bool, _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// Does the first bytes where there is code for it; how many. With `alpha`, every fourth sample
/// stays.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn one_list(level: Level, list: &[u8; 256], alpha: bool, from: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Avx512(_) if !alpha && is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI was
            // just now.
            unsafe { x86::one_list(list, from, to) }
        }
        Instructions::Avx512(_) | Instructions::Avx2(_) => {
            // SAFETY: such levels exist only where AVX2 was detected: a CPU with AVX-512 has it.
            unsafe { x86::one_list_by_nibbles(list, alpha, from, to) }
        }
        _ => 0,
    }
}

/// Looks some pixels up, all colours in the same list, if there is code for it; whether.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn by_quads(
    level: Level,
    quads: &quads::Quads,
    format: PixelFormat,
    from: &[u8],
    to: &mut [u8],
) -> bool {
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI was
            // just now.
            unsafe { x86::one_list_by_quads(quads, format == PixelFormat::Rgba8, from, to) > 0 }
        }
        _ => false,
    }
}

simd_levels! {
    fn each(list: &[u8; 256], from: &[u8], to: &mut [u8]) {
        for (from, to) in from.iter().zip(to) {
            *to = list[usize::from(*from)];
        }
    }
}

simd_levels! {
    fn look_up_rgb(table: &Table, from: &[u8], to: &mut [u8]) {
        let [red, green, blue] = &table.0;
        for (from, to) in from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0) {
            let [r, g, b] = from.map(usize::from);
            *to = [red[r], green[g], blue[b]];
        }
    }
}

simd_levels! {
    fn look_up_rgba(table: &Table, from: &[u8], to: &mut [u8]) {
        let [red, green, blue] = &table.0;
        for (from, to) in from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0) {
            let [r, g, b, _] = from.map(usize::from);
            *to = [red[r], green[g], blue[b], from[3]];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_images::any_image;

    fn any_list() -> impl Strategy<Value = [u8; 256]> {
        any::<u32>().prop_map(|mut state| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_level_looks_each_sample_up(
            image in any_image(150),
            lists in proptest::array::uniform3(any_list()),
            one in any::<bool>(),
        ) {
            let [first, ..] = lists;
            let table = Table::of_colours(if one { [first; 3] } else { lists });
            let (format, channels) = (image.format(), image.format().channels());
            for row in image.rows() {
                let expected: Vec<u8> = row
                    .iter()
                    .enumerate()
                    .map(|(at, sample)| match table.0.get(at % channels) {
                        Some(list) => list[usize::from(*sample)],
                        None => *sample,
                    })
                    .collect();
                for level in Level::all() {
                    let mut is = vec![0; row.len()];
                    table.pixels(level, format, row, &mut is);
                    prop_assert_eq!(&is, &expected, "{}", level.name());
                    // What a CPU without VBMI does.
                    #[cfg(target_arch = "x86_64")]
                    if is_x86_feature_detected!("avx2") && (one || channels == 1) {
                        is.fill(0);
                        #[allow(unsafe_code, reason = "just detected")]
                        // SAFETY: AVX2 was just detected.
                        let done = unsafe {
                            x86::one_list_by_nibbles(&table.0[0], channels == 4, row, &mut is)
                        };
                        prop_assert_eq!(done, if row.len() < 32 { 0 } else { row.len() });
                        prop_assert_eq!(&is[..done], &expected[..done]);
                    }
                }
            }
        }
    }
}
