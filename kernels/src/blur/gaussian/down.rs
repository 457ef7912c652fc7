//! Down the columns: the weighted sum of the samples above one another, less 2^15.

use super::separable::{HALF, LARGE_HALF, ZERO, starts};
use crate::simd::{Words, simd_levels};

simd_levels! {
    /// Every position of `sums` is the weighted sum of the samples there.
    pub(super) fn down<I>(isa, rows: &[&[u8]], weights: &[u16], sums: &mut [u16]) {
        // Short kernels in loops of known length, which the compiler unrolls, over rows of one
        // length, whose ends it need not look for each time.
        let len = sums.len();
        match (rows, weights) {
            ([a, b, c], [u, v, w]) => {
                if let Some(rows) = cut(len, [a, b, c]) {
                    taps::<_, 2>(isa, &rows, &[*u, *v, *w], sums);
                }
            }
            ([a, b, c, d, e], [u, v, w, x, y]) => {
                if let Some(rows) = cut(len, [a, b, c, d, e]) {
                    taps::<_, 3>(isa, &rows, &[*u, *v, *w, *x, *y], sums);
                }
            }
            _ if weights.len() < 2 * HALF => taps::<_, HALF>(isa, rows, weights, sums),
            _ => taps::<_, LARGE_HALF>(isa, rows, weights, sums),
        }
    }
}

/// So much of each.
#[inline(always)]
fn cut<const ROWS: usize>(len: usize, mut rows: [&[u8]; ROWS]) -> Option<[&[u8]; ROWS]> {
    for row in &mut rows {
        *row = row.get(..len)?;
    }
    Some(rows)
}

/// The weights up to the middle one, each in all lanes: the other half is the same. There is room
/// for `H` of them; more than needed costs time in every row.
#[inline(always)]
fn half<W: Words, const H: usize>(isa: W, weights: &[u16]) -> [W::Lanes; H] {
    let mut half = [isa.splat(0); H];
    let pairs = half.iter_mut().zip(weights).take(weights.len().div_ceil(2));
    pairs.for_each(|(lanes, weight)| *lanes = isa.splat(*weight));
    half
}

#[inline(always)]
fn taps<W: Words, const H: usize>(isa: W, rows: &[&[u8]], weights: &[u16], sums: &mut [u16]) {
    if sums.len() < W::LANES {
        for (at, sum) in sums.iter_mut().enumerate() {
            let samples = rows.iter().map(|row| row.get(at).copied().map_or(0, u16::from));
            let total: u16 = samples.zip(weights).map(|(sample, weight)| sample * weight).sum();
            *sum = total.wrapping_sub(ZERO);
        }
        return;
    }
    let half: [_; H] = half(isa, weights);
    let (first, last) = rows.split_at(rows.len() / 2);
    for at in starts(sums.len(), W::LANES) {
        let mut total = isa.splat(ZERO);
        // From both ends to the middle, where both are the same row.
        for ((above, below), weight) in first.iter().zip(last.iter().rev()).zip(&half) {
            let both = isa.add(isa.load_bytes(above, at), isa.load_bytes(below, at));
            total = isa.add(total, isa.mul_low(both, *weight));
        }
        if let (Some(middle), Some(weight)) = (last.first(), half.get(rows.len() / 2)) {
            total = isa.add(total, isa.mul_low(isa.load_bytes(middle, at), *weight));
        }
        isa.store(total, sums, at);
    }
}
