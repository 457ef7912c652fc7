//! Sums along rows and down columns with AVX2 and AVX-512.

#![allow(unsafe_code, reason = "vector loads and stores")]

mod down;
mod pixels;
mod quads;
mod samples;
mod wide;

use std::arch::x86_64::*;

use super::across::Across;
use super::taps::Taps;
use crate::simd::Level;
pub(super) use down::convolve;
use pixels::Pixels;
use quads::{Quads, ROWS};
use samples::{Far, Near};

/// Up to this many pixels of one channel, each sum has its own lane, so that no lanes have to be
/// added up.
const MOST_NEAR: usize = 6;

/// The way in which the sums of a row are computed.
#[derive(Debug)]
pub(super) enum Vectors {
    /// Taps of many pixels.
    Quads(Quads),
    /// Taps of two or four pixels of three or four channels.
    Pixels(Pixels),
    /// Taps of few pixels that are near each other; not for four channels.
    Near(Near),
    /// All other taps.
    Far(Far),
}

impl Vectors {
    pub(super) fn new(taps: &Taps, channels: usize, width: usize) -> Self {
        let quads = || Self::Quads(Quads::new(taps, channels));
        let near = || Near::new(taps, channels, width).map(Self::Near);
        let pixels = || Pixels::new(taps, channels, width).map(Self::Pixels);
        match channels {
            3.. if taps.count > 4 => quads(),
            // All lanes make a sum then, not only three of four.
            3 if taps.count == 2 => near().or_else(pixels).unwrap_or_else(quads),
            3.. => pixels().unwrap_or_else(quads),
            1 if taps.count > MOST_NEAR => quads(),
            _ => match near() {
                Some(near) => near,
                None if channels == 1 && taps.count > 2 => quads(),
                None => Self::Far(Far::new(taps, channels, width)),
            },
        }
    }

    /// Rows that are best done together.
    pub(super) fn rows_at_once(&self) -> usize {
        if matches!(self, Self::Quads(_)) { ROWS } else { 1 }
    }

    /// Elements of memory that it works in.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Quads(quads) => quads.memory(),
            _ => 0,
        }
    }

    /// Returns the number of sums of each row that were computed. There is `Across::room` at each
    /// place.
    pub(super) fn rows(
        &self,
        level: Level,
        across: &Across,
        from: &[&[u8]],
        memory: &mut [i16],
        to: &mut [i16],
        places: &[usize],
    ) -> usize {
        if let Self::Quads(quads) = self {
            let (Some(last), Some(last_place)) = (from.last(), places.last()) else { return 0 };
            // The last one stands for those that are missing, too.
            let from = std::array::from_fn(|row| *from.get(row).unwrap_or(last));
            let places = std::array::from_fn(|row| *places.get(row).unwrap_or(last_place));
            return quads.rows(level, across, from, memory, to, places);
        }
        let mut done = 0;
        for (from, place) in from.iter().zip(places) {
            let to = to.get_mut(*place..place + across.room()).unwrap_or_default();
            done = match self {
                Self::Quads(_) => 0,
                Self::Pixels(pixels) => pixels.row(level, across, from, to),
                Self::Near(near) => near.row(level, across, from, to),
                Self::Far(far) => far.row(level, across, from, to),
            };
        }
        done
    }
}

/// The number of bits in the form that shifts take.
fn shift_by(bits: u32) -> __m128i {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { _mm_cvtsi32_si128(bits.cast_signed()) }
}
