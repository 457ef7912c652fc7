//! The first pass: weighted sums down the columns, less 2^15.
//!
//! One instruction multiplies pairs of bytes, and adds both products, if these fit 15 bits. So they
//! do: all weights sum up to 256, and the two next to the middle each have half of it in their
//! pair, which is at most 128 in all. Each of the others, less than 64, has its mirror image.

use super::sums::{ZERO, starts};
use super::weights::{HALF, LARGE_HALF};
use super::words::Words;
use crate::simd::simd_levels;

simd_levels! {
    /// Sets every position of `sums` to the weighted sum of the samples at that position in at
    /// least three rows.
    pub(super) fn down<I: Words>(isa, rows: &[&[u8]], weights: &[u16], sums: &mut [u16]) {
        match weights.len() {
            3 => known::<_, 3, 1>(isa, rows, weights, sums),
            5 => known::<_, 5, 2>(isa, rows, weights, sums),
            7 => known::<_, 7, 3>(isa, rows, weights, sums),
            _ if weights.len() <= 2 * HALF => taps::<_, HALF>(isa, rows, weights, sums),
            _ => taps::<_, LARGE_HALF>(isa, rows, weights, sums),
        }
    }
}

/// Processes short kernels in loops of known length, which the compiler unrolls, over rows of one
/// length, so that it need not check their ends each time.
#[inline(always)]
fn known<W: Words, const TAPS: usize, const H: usize>(
    isa: W,
    rows: &[&[u8]],
    weights: &[u16],
    sums: &mut [u16],
) {
    let (Some(rows), Some(weights)) = (rows.first_chunk::<TAPS>(), weights.first_chunk::<TAPS>())
    else {
        return;
    };
    let mut rows = *rows;
    for row in &mut rows {
        let Some(whole) = row.get(..sums.len()) else { return };
        *row = whole;
    }
    taps::<_, H>(isa, &rows, weights, sums);
}

/// Each weight twice. There is room for `H` weights; more room than needed costs time in every row.
#[inline(always)]
fn twice<W: Words, const H: usize>(isa: W, weights: &[u16]) -> [W::Pair; H] {
    let mut pairs = [isa.byte_pair([0; 2]); H];
    let all = pairs.iter_mut().zip(weights);
    all.for_each(|(pair, weight)| *pair = isa.byte_pair([*weight as u8; 2]));
    pairs
}

#[inline(always)]
fn taps<W: Words, const H: usize>(isa: W, rows: &[&[u8]], weights: &[u16], sums: &mut [u16]) {
    let samples = 2 * W::LANES;
    if sums.len() < samples {
        sums.fill(ZERO);
        for (row, weight) in rows.iter().zip(weights) {
            let sums = sums.iter_mut().zip(*row);
            sums.for_each(|(sum, sample)| *sum = sum.wrapping_add(u16::from(*sample) * weight));
        }
        return;
    }
    // From the ends to the middle.
    let ([first @ .., above], [middle, below, last @ ..]) = rows.split_at(rows.len() / 2) else {
        return;
    };
    let ([outer @ .., next], [half, ..]) = weights.split_at(weights.len() / 2) else { return };
    let (outer, inner) =
        (twice::<_, H>(isa, outer), isa.byte_pair([*next as u8, (half / 2) as u8]));
    for at in starts(sums.len(), samples) {
        let mut total = [isa.splat(ZERO); 2];
        for ((first, last), weights) in first.iter().zip(last.iter().rev()).zip(&outer) {
            let both = [isa.load_bytes(first, at), isa.load_bytes(last, at)];
            total = isa.weigh(total, both, *weights);
        }
        let middle = isa.load_bytes(middle, at);
        total = isa.weigh(total, [isa.load_bytes(above, at), middle], inner);
        total = isa.weigh(total, [isa.load_bytes(below, at), middle], inner);
        let [low, high] = isa.in_order(total);
        isa.store(low, sums, at);
        isa.store(high, sums, at + W::LANES);
    }
}
