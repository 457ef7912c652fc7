//! Tables: a result for each value of a sample.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256")]

mod prepared;
#[cfg(target_arch = "x86_64")]
mod quads;
mod shape;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub(super) use prepared::Prepared;
use shape::Shape;

use crate::PixelFormat;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// A result for each value of a sample, with one list for each colour. Grey uses the first list;
/// alpha is not changed.
#[derive(Clone, Debug)]
pub struct Table {
    lists: [[u8; 256]; 3],
    /// The shape of the list that all colours share. It is looked for when it is first needed.
    shape: OnceLock<Option<Shape>>,
}

/// For fewer samples than this, a shape is not looked for.
const SHAPELESS: usize = 512;

/// How many bytes ahead of the stores memory is prefetched.
const AHEAD: usize = 1024;

impl Table {
    /// A table with the same list for each colour.
    #[must_use]
    pub fn new(each: impl FnMut(u8) -> u8) -> Self {
        let mut each = each;
        let mut list = [0; 256];
        list.iter_mut().zip(0..=255).for_each(|(to, from)| *to = each(from));
        Self::of_colours([list; 3])
    }

    /// A table with one list each for red (and grey), green and blue.
    #[must_use]
    pub const fn of_colours(lists: [[u8; 256]; 3]) -> Self {
        Self { lists, shape: OnceLock::new() }
    }

    /// The lists for red (and grey), green and blue.
    #[must_use]
    pub const fn lists(&self) -> &[[u8; 256]; 3] {
        &self.lists
    }

    /// The table that applies this one, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut both = self.lists;
        for (list, next) in both.iter_mut().zip(&next.lists) {
            for value in list {
                *value = next.get(usize::from(*value)).copied().unwrap_or_default();
            }
        }
        Self::of_colours(both)
    }

    /// Applies the table to some pixels.
    pub(crate) fn pixels(&self, level: Level, format: PixelFormat, from: &[u8], to: &mut [u8]) {
        if !in_registers(level)
            && let Some(shape) = self.shape(from.len())
        {
            return shape.samples(level, format == PixelFormat::Rgba8, from, to);
        }
        let done = self.vectors(level, format, from, to);
        let (Some(from), Some(to)) = (from.get(done..), to.get_mut(done..)) else { return };
        match format {
            PixelFormat::Rgba8 => look_up_rgba(level, self, from, to),
            PixelFormat::Rgb8 if !self.is_one() => look_up_rgb(level, self, from, to),
            _ => each(level, &self.lists[0], from, to),
        }
    }

    /// The shape of the list that all colours share, if it is worth using for that many samples.
    fn shape(&self, samples: usize) -> Option<&Shape> {
        let [list, ..] = &self.lists;
        let find = || if self.is_one() { Shape::of(list) } else { None };
        match samples {
            ..SHAPELESS => self.shape.get()?.as_ref(),
            _ => self.shape.get_or_init(find).as_ref(),
        }
    }

    /// Processes the first bytes, in whole pixels, as far as there are instructions for it; returns
    /// their number.
    #[cfg(not(target_arch = "x86_64"))]
    fn vectors(&self, _: Level, _: PixelFormat, _: &[u8], _: &mut [u8]) -> usize {
        0
    }

    /// Processes the first bytes, in whole pixels, as far as there are instructions for it; returns
    /// their number.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
    fn vectors(&self, level: Level, format: PixelFormat, from: &[u8], to: &mut [u8]) -> usize {
        let [red, green, blue] = &self.lists;
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

    /// Whether the table changes nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.lists.iter().all(|list| list.iter().zip(0..=255).all(|(to, from)| *to == from))
    }

    /// Whether all colours have the same list.
    #[must_use]
    pub fn is_one(&self) -> bool {
        let [red, green, blue] = &self.lists;
        red == green && green == blue
    }
}

/// Whether looking up in a whole list takes so few instructions that no shape saves any.
fn in_registers(level: Level) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Instructions::Avx512(_) = level.instructions() {
        return is_x86_feature_detected!("avx512vbmi");
    }
    let _ = level;
    false
}

/// Replaces samples by their entries in a list.
pub(crate) fn look_up(level: Level, list: &[u8; 256], from: &[u8], to: &mut [u8]) {
    let done = one_list(level, list, false, from, to);
    if let (Some(from), Some(to)) = (from.get(done..), to.get_mut(done..)) {
        each(level, list, from, to);
    }
}

/// Processes the first bytes as far as there are instructions for it; returns their number.
#[cfg(not(target_arch = "x86_64"))]
fn one_list(_: Level, _: &[u8; 256], _: bool, _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// Processes the first bytes as far as there are instructions for it; returns their number. With
/// `alpha`, every fourth sample is kept.
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

/// Processes some pixels, with the same list for all colours, if there are instructions for it;
/// returns whether there are.
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
        let [red, green, blue] = &table.lists;
        for (from, to) in from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0) {
            let [r, g, b] = from.map(usize::from);
            *to = [red[r], green[g], blue[b]];
        }
    }
}

simd_levels! {
    fn look_up_rgba(table: &Table, from: &[u8], to: &mut [u8]) {
        let [red, green, blue] = &table.lists;
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
                    .map(|(at, sample)| match table.lists.get(at % channels) {
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
                            x86::one_list_by_nibbles(&table.lists[0], channels == 4, row, &mut is)
                        };
                        prop_assert_eq!(done, if row.len() < 32 { 0 } else { row.len() });
                        prop_assert_eq!(&is[..done], &expected[..done]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_shape_is_that_of_all_colours_and_found_when_it_pays() {
        let [inverse, other] = [255, 15].map(|by| Table::new(move |value| value ^ by));
        assert_eq!(inverse.shape(SHAPELESS - 1), None);
        assert_eq!(inverse.shape(SHAPELESS), Shape::of(&inverse.lists[0]).as_ref());
        assert!(inverse.shape(1).is_some());
        let both = inverse.then(&other);
        assert_eq!(both.shape(SHAPELESS), Shape::of(&both.lists[0]).as_ref());
        assert_ne!(both.shape(1), inverse.shape(1));
        let [red, blue] = [inverse, other].map(|table| table.lists[0]);
        assert_eq!(Table::of_colours([red, red, blue]).shape(SHAPELESS), None);
    }

    proptest! {
        #[test]
        fn every_level_gives_what_a_shape_is_of(
            image in any_image(400),
            factor in -3.0..3.0_f64,
            offset in -300.0..500.0_f64,
            threshold in any::<Option<u8>>(),
        ) {
            let table = Table::new(|value| match threshold {
                Some(threshold) if value > threshold => 200,
                Some(_) => value,
                None => (f64::from(value) * factor + offset).round() as u8,
            });
            let channels = image.format().channels();
            for row in image.rows() {
                let samples = row.iter().enumerate();
                let expected: Vec<u8> = samples
                    .map(|(at, from)| if at % 4 == 3 && channels == 4 {
                        *from
                    } else {
                        table.lists[0][usize::from(*from)]
                    })
                    .collect();
                for level in Level::all() {
                    let mut is = vec![0; row.len()];
                    table.pixels(level, image.format(), row, &mut is);
                    prop_assert_eq!(&is, &expected, "{}", level.name());
                }
            }
        }
    }
}
