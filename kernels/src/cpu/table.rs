//! What becomes of each value of a sample.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256")]

use crate::PixelFormat;
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
        match format {
            PixelFormat::Rgba8 => look_up_rgba(level, self, from, to),
            PixelFormat::Rgb8 if !self.is_one() => look_up_rgb(level, self, from, to),
            _ => look_up(level, self, from, to),
        }
    }

    fn is_one(&self) -> bool {
        let [red, green, blue] = &self.0;
        red == green && green == blue
    }
}

simd_levels! {
    fn look_up(table: &Table, from: &[u8], to: &mut [u8]) {
        let [list, ..] = &table.0;
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
