//! Against a Gaussian average, in floats as OpenCV has it: rows first, then columns.

#![allow(clippy::indexing_slicing, reason = "rows were made as long as they are indexed")]

use std::ops::Range;

use super::Rule;
use crate::border::Border;
use crate::colour::spaces::hsv::round;
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Samples whose sums are kept at a time.
const BLOCK: usize = 64;

/// The weights from the middle of the bell to its end, as OpenCV has them when sigma is 0.
pub(super) fn weights(size: usize) -> Vec<f32> {
    let fitted: Option<&[f64]> = match size {
        3 => Some(&[0.5, 0.25]),
        5 => Some(&[0.375, 0.25, 0.0625]),
        7 => Some(&[0.28125, 0.21875, 0.109_375, 0.03125]),
        9 => Some(&[60. / 256., 51. / 256., 30. / 256., 13. / 256., 4. / 256.]),
        _ => None,
    };
    if let Some(fitted) = fitted {
        return fitted.iter().map(|weight| *weight as f32).collect();
    }
    let sigma = 0.3 * ((size as f64 - 1.0) * 0.5 - 1.0) + 0.8;
    let bell = |at: usize| (-(at as f64).powi(2) / (2.0 * sigma * sigma)).exp();
    let radius = size / 2;
    let sum = 1.0 + 2.0 * (1..=radius).map(bell).sum::<f64>();
    (0..=radius).map(|at| (bell(at) / sum) as f32).collect()
}

/// Makes rows `rows` of the result.
pub(super) fn render(
    cpu: &Cpu,
    weights: &[f32],
    rule: Rule,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, width, radius) = (cpu.level(), input.width(), weights.len() - 1);
    let size = 2 * radius + 1;
    // Rows are made up to whole blocks.
    let stride = width.next_multiple_of(BLOCK);
    let mut padded = Scratch::<f32>::take(cpu.pool(), stride + 2 * radius);
    let padded = padded.as_mut();
    padded.fill(0.0);
    // Blurred rows, as many as the neighbourhood is high: row y lies at y modulo that.
    let mut ring = Scratch::<f32>::take(cpu.pool(), size * stride);
    let ring = ring.as_mut();
    let slot = |y: isize| y.rem_euclid(size as isize) as usize * stride;
    let mut fill = |ring: &mut [f32], y: isize| {
        let row = input.bordered_row(y, Border::Replicate).unwrap_or_default();
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
        padded[..radius].fill(f32::from(*first));
        padded[radius + width..2 * radius + width].fill(f32::from(*last));
        widen(level, row, &mut padded[radius..radius + width]);
        let start = slot(y);
        blur_row(level, padded, weights, &mut ring[start..start + stride]);
    };
    let (start, reach) = (rows.start as isize, radius as isize);
    cpu.watched(start - reach..start + reach, width).for_each(|y| fill(ring, y));
    for (y, to) in cpu.watched(rows, width).zip(output.chunks_exact_mut(width)) {
        fill(ring, y as isize + reach);
        let place = |by: isize| slot(y as isize + by);
        compare(level, ring, &place, weights, rule, input.row(y), to);
    }
}

simd_levels! {
    fn widen(from: &[u8], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from);
        }
    }
}

simd_levels! {
    fn blur_row(padded: &[f32], weights: &[f32], to: &mut [f32]) {
        let radius = weights.len() - 1;
        for (at, to) in to.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let middle = at * BLOCK + radius;
            let mut sums = [0.0_f32; BLOCK];
            for (sum, sample) in sums.iter_mut().zip(&padded[middle..middle + BLOCK]) {
                *sum = *sample * weights[0];
            }
            for (by, weight) in weights.iter().enumerate().skip(1) {
                let before = &padded[middle - by..][..BLOCK];
                let after = &padded[middle + by..][..BLOCK];
                for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
                    *sum += (*before + *after) * *weight;
                }
            }
            *to = sums;
        }
    }
}

simd_levels! {
    fn compare(
        ring: &[f32],
        place: &dyn Fn(isize) -> usize,
        weights: &[f32],
        rule: Rule,
        samples: &[u8],
        to: &mut [u8],
    ) {
        let Rule { offset, above, below } = rule;
        for (at, (to, samples)) in to.chunks_mut(BLOCK).zip(samples.chunks(BLOCK)).enumerate() {
            let row = |by: isize| &ring[place(by) + at * BLOCK..][..BLOCK];
            let mut sums = [0.0_f32; BLOCK];
            for (sum, sample) in sums.iter_mut().zip(row(0)) {
                *sum = *sample * weights[0];
            }
            for (by, weight) in weights.iter().enumerate().skip(1) {
                let (before, after) = (row(-(by as isize)), row(by as isize));
                for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
                    *sum += (*before + *after) * *weight;
                }
            }
            for ((to, sample), sum) in to.iter_mut().zip(samples).zip(&sums) {
                let is_above = i32::from(*sample) + offset > round(*sum);
                *to = if is_above { above } else { below };
            }
        }
    }
}
