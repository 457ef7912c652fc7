//! Along a row of sums: what is weighted and summed up a second time, rounded.
//!
//! One instruction multiplies pairs of words, and adds both products. A vector from an even
//! position on holds the first two taps of all even samples of grey, and one from the next position
//! those of the odd ones; of colours, whose neighbours are further away, two vectors make one.

use super::separable::{HALF, LARGE_HALF, ZERO, starts};
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, Words, simd_levels};

/// What all products are added to: what all sums are less by, which weights of 256 in all make as
/// many times as much, and a half, so that the result is the nearest.
const START: i32 = ((ZERO as i32) << 8) + (1 << 15);

/// Pairs of taps that are added without a look at where they end.
const GROUP: usize = 4;

/// Every position of `output` is the weighted sum from there on, `channels` apart. There are sums
/// for as many more, and `channels` beyond.
#[allow(unsafe_code, reason = "an instruction beyond the baseline, proved by a Level")]
pub(super) fn along(
    level: Level,
    sums: &[u16],
    weights: &[u16],
    channels: usize,
    output: &mut [u8],
) {
    #[cfg(target_arch = "x86_64")]
    if let Instructions::Avx512(isa) = level.instructions()
        && let Some(isa) = isa.vnni()
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
        fn vnni(isa: impl Words, sums: &[u16], weights: &[u16], channels: usize, to: &mut [u8]) {
            row(isa, sums, weights, channels, to);
        }

        // SAFETY: `isa` exists only where these were detected.
        return unsafe { vnni(isa, sums, weights, channels, output) };
    }
    without_vnni(level, sums, weights, channels, output);
}

simd_levels! {
    fn without_vnni<I>(
        isa,
        sums: &[u16],
        weights: &[u16],
        channels: usize,
        output: &mut [u8],
    ) {
        row(isa, sums, weights, channels, output);
    }
}

#[inline(always)]
fn row(isa: impl Words, sums: &[u16], weights: &[u16], channels: usize, output: &mut [u8]) {
    match channels {
        1 => apart::<_, 1>(isa, sums, weights, output),
        3 => apart::<_, 3>(isa, sums, weights, output),
        _ => apart::<_, 4>(isa, sums, weights, output),
    }
}

/// With neighbours so far apart.
#[inline(always)]
fn apart<W: Words, const APART: usize>(isa: W, sums: &[u16], weights: &[u16], output: &mut [u8]) {
    if output.len() < W::LANES {
        for (at, out) in output.iter_mut().enumerate() {
            let sums = sums.get(at..).unwrap_or_default().iter().step_by(APART);
            let products = sums
                .zip(weights)
                .map(|(sum, weight)| u32::from(sum.wrapping_add(ZERO)) * u32::from(*weight));
            *out = ((products.sum::<u32>() + (1 << 15)) >> 16) as u8;
        }
        return;
    }
    match weights.len() {
        // Short kernels in loops of known length, which the compiler unrolls.
        3 => few::<_, APART, 2>(isa, sums, weights, output),
        5 => few::<_, APART, 3>(isa, sums, weights, output),
        7 => few::<_, APART, 4>(isa, sums, weights, output),
        _ if weights.len() <= 2 * HALF => many::<_, APART, HALF>(isa, sums, weights, output),
        _ => many::<_, APART, LARGE_HALF>(isa, sums, weights, output),
    }
}

/// Two weights each, by turns. There is room for `PAIRS`; more than needed costs time in every row.
#[inline(always)]
fn pairs<W: Words, const PAIRS: usize>(isa: W, weights: &[u16]) -> [W::Lanes; PAIRS] {
    let mut pairs = [isa.splat(0); PAIRS];
    for (lanes, pair) in pairs.iter_mut().zip(weights.chunks(2)) {
        *lanes = isa.splat_pair([0, 1].map(|at| pair.get(at).copied().unwrap_or_default()));
    }
    pairs
}

#[inline(always)]
fn few<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    weights: &[u16],
    output: &mut [u8],
) {
    let pairs: [_; PAIRS] = pairs(isa, weights);
    for at in starts(output.len(), W::LANES) {
        let totals = [isa.sums(START); 2];
        let [even, odd] = dots::<_, APART, PAIRS>(isa, sums, at, &pairs, totals);
        isa.store_bytes(isa.upper(even, odd), output, at);
    }
}

#[inline(always)]
fn many<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    weights: &[u16],
    output: &mut [u8],
) {
    let pairs: [_; PAIRS] = pairs(isa, weights);
    let pairs = pairs.get(..weights.len().div_ceil(2)).unwrap_or_default();
    let (groups, rest) = pairs.as_chunks::<GROUP>();
    for at in starts(output.len(), W::LANES) {
        let (mut totals, mut from) = ([isa.sums(START); 2], at);
        for group in groups {
            totals = dots::<_, APART, GROUP>(isa, sums, from, group, totals);
            from += 2 * APART * GROUP;
        }
        for pair in rest {
            totals = dots::<_, APART, 1>(isa, sums, from, &[*pair], totals);
            from += 2 * APART;
        }
        let [even, odd] = totals;
        isa.store_bytes(isa.upper(even, odd), output, at);
    }
}

/// Adds to the totals of even and of odd samples from that position on.
#[inline(always)]
fn dots<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    from: usize,
    weights: &[W::Lanes; PAIRS],
    [mut even, mut odd]: [W::Sums; 2],
) -> [W::Sums; 2] {
    // Of known length: whether all is there is asked but once.
    let len = W::LANES + (2 * PAIRS - 1) * APART;
    let Some(sums) = sums.get(from..from + len) else { return [even, odd] };
    for (pair, weights) in weights.iter().enumerate() {
        let load = |next: usize| isa.load(sums, 2 * pair * APART + next);
        // Of grey, the other half of a vector already is what the other one has there.
        let both = |first: usize, second: usize| match APART {
            1 => load(first),
            _ => isa.by_turns(load(first), load(second - 1)),
        };
        even = isa.dot(even, both(0, APART), *weights);
        odd = isa.dot(odd, both(1, APART + 1), *weights);
    }
    [even, odd]
}
