//! Differences of opposite neighbours, a row at a time.

#![allow(
    clippy::indexing_slicing,
    reason = "rows have a whole width, and neighbours of inner pixels are in the row"
)]

use std::ops::Range;

use super::Emboss;
use crate::alpha;
use crate::border::Border;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Makes rows `rows` of the result.
pub(super) fn render(
    emboss: &Emboss,
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (width, channels, row_bytes) = (input.width(), input.channels(), input.shape().row_bytes());
    // Only a constant border needs it.
    let mut zeros = cpu.take(if emboss.border == Border::Constant { row_bytes } else { 0 });
    zeros.fill(0);
    for (y, to) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let row = |down: isize| {
            let y = y as isize + down;
            input.bordered_row(y, emboss.border).unwrap_or(&zeros)
        };
        let around = [row(-1), row(0), row(1)];
        if width > 2 {
            let inner = channels..row_bytes - channels;
            let part = |(across, down): (isize, isize)| {
                let start = inner.start.saturating_add_signed(across * channels as isize);
                &around[(down + 1) as usize][start..start + inner.len()]
            };
            let opposite = |(across, down): (isize, isize)| part((-across, -down));
            let plus = emboss.offsets.map(part);
            let minus = emboss.offsets.map(opposite);
            relief(cpu.level(), plus, minus, emboss.strength, &mut to[inner.clone()]);
        }
        for x in [0, width - 1] {
            edge(emboss, &around, x, channels, width, to);
        }
        if channels == 4 {
            alpha::keep(cpu.level(), input.row(y), to);
        }
    }
}

#[inline(always)]
fn shade(difference: i16, strength: i16) -> u8 {
    // A difference is at most 4 × 255, so this fits for any strength up to 10.
    (128 + difference * strength).clamp(0, 255) as u8
}

simd_levels! {
    fn relief(plus: [&[u8]; 3], minus: [&[u8]; 3], strength: i16, to: &mut [u8]) {
        let [a, b, c] = plus.map(|part| &part[..to.len()]);
        let [d, e, f] = minus.map(|part| &part[..to.len()]);
        for (at, to) in to.iter_mut().enumerate() {
            let [a, b, c] = [a[at], b[at], c[at]].map(i16::from);
            let [d, e, f] = [d[at], e[at], f[at]].map(i16::from);
            *to = shade((a - d) + 2 * (b - e) + (c - f), strength);
        }
    }
}

/// A pixel whose neighbours may be beyond the edge.
fn edge(
    emboss: &Emboss,
    around: &[&[u8]; 3],
    x: usize,
    channels: usize,
    width: usize,
    to: &mut [u8],
) {
    for channel in 0..channels {
        let sample = |across: isize, down: isize| {
            let column = emboss.border.index(x as isize + across, width);
            let row = around[(down + 1) as usize];
            column.map_or(0, |x| i16::from(row[x * channels + channel]))
        };
        let difference = emboss.offsets.iter().zip([1, 2, 1]).map(|((across, down), weight)| {
            weight * (sample(*across, *down) - sample(-across, -down))
        });
        to[x * channels + channel] = shade(difference.sum(), emboss.strength);
    }
}
