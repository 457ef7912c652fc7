//! The second pass: weighted sums along a row of sums, rounded to samples.

use super::sums::{ZERO, starts};
use super::weights::{HALF, LARGE_HALF};
#[cfg(target_arch = "x86_64")]
use super::words::Vnni;
use super::words::Words;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// The number that products are added to: the bias of the sums times the sum of all weights, which
/// is 256, plus a half, so that the result is rounded to nearest.
const START: i32 = ((ZERO as i32) << 8) + (1 << 15);

/// Pairs of taps that are added without a bounds check in between.
const GROUP: usize = 4;

/// Sets every position of `output` to the weighted sum of the sums from there on, `channels` apart.
/// `sums` has to hold one sum more than that needs.
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
        && let Some(isa) = Vnni::detect(isa)
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
    fn without_vnni<I: Words>(
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

/// Processes a row whose neighbours are `APART` words apart.
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
        3 => few::<_, APART, 1>(isa, sums, weights, output),
        5 => few::<_, APART, 2>(isa, sums, weights, output),
        7 => few::<_, APART, 3>(isa, sums, weights, output),
        _ if weights.len() <= 2 * HALF => many::<_, APART, HALF>(isa, sums, weights, output),
        _ => many::<_, APART, LARGE_HALF>(isa, sums, weights, output),
    }
}

/// The weights in pairs, and the last weight alone. There is room for `PAIRS`; more room than
/// needed costs time in every row.
#[inline(always)]
fn pairs<W: Words, const PAIRS: usize>(isa: W, weights: &[u16]) -> ([W::Pair; PAIRS], W::Pair) {
    let mut pairs = [isa.word_pair([0; 2]); PAIRS];
    let (all, last) = weights.as_chunks();
    pairs.iter_mut().zip(all).for_each(|(pair, weights)| *pair = isa.word_pair(*weights));
    (pairs, isa.word_pair([last.first().copied().unwrap_or_default(), 0]))
}

#[inline(always)]
fn few<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    weights: &[u16],
    output: &mut [u8],
) {
    let (pairs, last): ([_; PAIRS], _) = pairs(isa, weights);
    for at in starts(output.len(), W::LANES) {
        let totals = dots::<_, APART, PAIRS>(isa, sums, at, &pairs, isa.totals(START));
        let totals = dots::<_, 1, 1>(isa, sums, at + 2 * PAIRS * APART, &[last], totals);
        isa.store_bytes(isa.upper(totals), output, at);
    }
}

#[inline(always)]
fn many<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    weights: &[u16],
    output: &mut [u8],
) {
    let (pairs, last): ([_; PAIRS], _) = pairs(isa, weights);
    let pairs = pairs.get(..weights.len() / 2).unwrap_or_default();
    let (groups, rest) = pairs.as_chunks::<GROUP>();
    for at in starts(output.len(), W::LANES) {
        let (mut totals, mut from) = (isa.totals(START), at);
        for group in groups {
            totals = dots::<_, APART, GROUP>(isa, sums, from, group, totals);
            from += 2 * APART * GROUP;
        }
        for pair in rest {
            totals = dots::<_, APART, 1>(isa, sums, from, &[*pair], totals);
            from += 2 * APART;
        }
        totals = dots::<_, 1, 1>(isa, sums, from, &[last], totals);
        isa.store_bytes(isa.upper(totals), output, at);
    }
}

/// Adds the products of those weights and the sums from position `from` on.
#[inline(always)]
fn dots<W: Words, const APART: usize, const PAIRS: usize>(
    isa: W,
    sums: &[u16],
    from: usize,
    weights: &[W::Pair; PAIRS],
    mut totals: W::Totals,
) -> W::Totals {
    // Of known length: whether all is there is asked but once.
    let len = W::LANES + (2 * PAIRS - 1) * APART;
    let Some(sums) = sums.get(from..from + len) else { return totals };
    for (pair, weights) in weights.iter().enumerate() {
        totals = isa.dot::<APART>(totals, sums, 2 * pair * APART, *weights);
    }
    totals
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::blur::gaussian::weights::Kernel;

    proptest! {
        /// Also what a CPU with AVX-512, but without VNNI, does.
        #[test]
        fn every_way_gives_the_exact_result(
            radius in 1..40_usize,
            width in 1..90_usize,
            channels in proptest::sample::select(vec![1, 3, 4]),
            seed in any::<u32>(),
        ) {
            let kernel = Kernel::gaussian(2 * radius + 1, 100.0);
            let weights = kernel.weights();
            let len = (width + weights.len() - 1) * channels + 1;
            // No sum of samples is more.
            let sum = |at: u32| (seed.wrapping_mul(2 * at + 1) >> 16) * 65_280 / 65_535;
            let sums: Vec<u32> = (0..).map(sum).take(len).collect();
            let expected: Vec<u8> = (0..width * channels)
                .map(|at| {
                    let sums = sums[at..].iter().step_by(channels);
                    let total: u32 = sums.zip(weights).map(|(sum, by)| sum * u32::from(*by)).sum();
                    ((total + (1 << 15)) >> 16) as u8
                })
                .collect();
            let sums: Vec<u16> = sums.iter().map(|sum| (*sum as u16).wrapping_sub(ZERO)).collect();
            for level in Level::all() {
                for way in [along, without_vnni] {
                    let mut is = vec![0; expected.len()];
                    way(level, &sums, weights, channels, &mut is);
                    prop_assert_eq!(&is, &expected, "{}", level.name());
                }
            }
        }
    }
}
