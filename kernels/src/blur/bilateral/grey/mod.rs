//! The bilateral filter for grey images and small discs, where weights and sums are integers.
//!
//! Such sums are the same in any order, so that vectors may add as it suits them, and there are
//! but 256 differences of samples: where one instruction finds many weights in a table, that is
//! four times as fast as to compute them, and elsewhere they are computed, with the same result.
//! Beyond [`MAX_RADIUS`], that the many least weights round to zero could show.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use super::cpu::nearest;
use super::weight::{WHOLE, Weights, whole};
use crate::blur::edge::Ring;
use crate::border::Border;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Of the greatest disc: 113 pixels, in which the rounding of all weights shifts the mean by less
/// than half a level.
pub(super) const MAX_RADIUS: usize = 6;

/// Rows that a disc reaches.
const MAX_ROWS: usize = 2 * MAX_RADIUS + 1;

/// Pixels whose sums are kept at a time.
const BLOCK: usize = 1024;

/// What the samples around count for.
#[derive(Debug)]
pub(super) struct Grey {
    radius: usize,
    /// What the difference squared is multiplied by: an exponent of two.
    factor: f32,
    /// All pixels of the disc except its centre.
    fours: Vec<Four>,
}

/// Four pixels of the disc that quarter turns take into each other: they are equally far away.
#[derive(Debug)]
struct Four {
    /// Row and column in the square around the disc.
    places: [(usize, usize); 4],
    /// What they count for by their distance: an exponent of two.
    exponent: f32,
    /// For each difference of samples, the weight: its upper bits, its lower eight.
    #[cfg(target_arch = "x86_64")]
    lists: [[u8; 256]; 2],
}

impl Grey {
    /// `None` if the disc is too large.
    pub(super) fn new(radius: usize, weights: &Weights) -> Option<Self> {
        if radius > MAX_RADIUS {
            return None;
        }
        let factor = weights.colour;
        let quarter = weights.taps.iter().filter(|tap| tap.across > 0 && tap.down >= 0);
        let fours = quarter.map(|tap| {
            let (x, y, exponent) = (tap.across, tap.down, tap.exponent);
            let place =
                |x: i32, y: i32| ((radius as i32 + y) as usize, (radius as i32 + x) as usize);
            Four {
                places: [place(x, y), place(-y, x), place(-x, -y), place(y, -x)],
                exponent,
                #[cfg(target_arch = "x86_64")]
                lists: lists(factor, exponent),
            }
        });
        Some(Self { radius, factor, fours: fours.collect() })
    }

    /// Makes rows `rows` of the result.
    pub(super) fn render(
        &self,
        cpu: &Cpu,
        border: Border,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        let (level, radius, width) = (cpu.level(), self.radius, input.width());
        let mut ring = Ring::new(cpu, input, (radius, radius), border, rows.start);
        let mut sums = Sums { weights: [0; BLOCK], greys: [0; BLOCK] };
        for (y, output) in cpu.watched(rows, width).zip(output.chunks_exact_mut(width)) {
            ring.advance(input, y);
            let mut around: [&[u8]; MAX_ROWS] = [&[]; MAX_ROWS];
            for (row, around) in around.iter_mut().take(2 * radius + 1).enumerate() {
                *around = ring.row((y + row) as isize - radius as isize);
            }
            #[cfg(target_arch = "x86_64")]
            if self.row_by_tables(level, &around, output) {
                continue;
            }
            self.row(level, &around, &mut sums, output);
        }
    }

    /// Returns whether there are instructions for it.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
    fn row_by_tables(&self, level: Level, around: &[&[u8]; MAX_ROWS], output: &mut [u8]) -> bool {
        matches!(level.instructions(), Instructions::Avx512(_))
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vnni")
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI and
            // VNNI were just now.
            && unsafe { x86::row(self, around, output) }
    }

    fn row(&self, level: Level, around: &[&[u8]; MAX_ROWS], sums: &mut Sums, output: &mut [u8]) {
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let samples = |(row, column): (usize, usize)| {
                let row = around.get(row).and_then(|row| row.get(block * BLOCK + column..));
                row.and_then(|row| row.get(..output.len())).unwrap_or_default()
            };
            let here = samples((self.radius, self.radius));
            start(level, here, sums);
            for four in &self.fours {
                add(level, here, four.places.map(samples), self.factor, four.exponent, sums);
            }
            divide(level, sums, output);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn lists(factor: f32, exponent: f32) -> [[u8; 256]; 2] {
    let mut lists = [[0; 256]; 2];
    let [upper, lower] = &mut lists;
    for (difference, (upper, lower)) in (0_u8..=255).zip(upper.iter_mut().zip(lower)) {
        let difference = f32::from(difference);
        [*upper, *lower] = whole(difference * difference * factor + exponent).to_be_bytes();
    }
    lists
}

/// Of a block, for each pixel.
struct Sums {
    weights: [u32; BLOCK],
    greys: [u32; BLOCK],
}

simd_levels! {
    /// The pixels themselves count, too.
    fn start(here: &[u8], sums: &mut Sums) {
        sums.weights.fill(WHOLE.into());
        for (here, grey) in here.iter().zip(&mut sums.greys) {
            *grey = u32::from(WHOLE) * u32::from(*here);
        }
    }
}

simd_levels! {
    fn add(here: &[u8], near: [&[u8]; 4], factor: f32, exponent: f32, sums: &mut Sums) {
        let [a, b, c, d] = near;
        let near = a.iter().zip(b).zip(c).zip(d);
        let sums = sums.weights.iter_mut().zip(&mut sums.greys);
        for ((here, (((a, b), c), d)), (weights, grey)) in here.iter().zip(near).zip(sums) {
            for near in [*a, *b, *c, *d] {
                let difference = f32::from(near) - f32::from(*here);
                let weight = whole(difference * difference * factor + exponent);
                *weights += u32::from(weight);
                *grey += u32::from(weight) * u32::from(near);
            }
        }
    }
}

simd_levels! {
    fn divide(sums: &Sums, output: &mut [u8]) {
        for ((out, sum), weights) in output.iter_mut().zip(&sums.greys).zip(&sums.weights) {
            // Signed: what vectors convert. Sums stay below 2^30.
            *out = nearest(*sum as i32 as f32 / *weights as i32 as f32);
        }
    }
}
