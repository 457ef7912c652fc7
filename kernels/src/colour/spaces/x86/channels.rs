//! Three interleaved channels apart, together, and in another order; samples looked up in a list.
//! Each does the first pixels, as many as fill vectors, and says how many.

use std::arch::x86_64::*;

use crate::colour::spaces::block::Block;

/// Which byte of which of three vectors each byte of another vector is.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    /// Where it is in its vector.
    position: [u8; 64],
    /// Which bytes come from each of the vectors.
    from: [u64; 3],
}

impl Choice {
    /// From positions that count through all three vectors.
    const fn new(source: [u8; 64]) -> Self {
        let (mut position, mut from) = ([0; 64], [0; 3]);
        let mut at = 0;
        while at < 64 {
            position[at] = source[at] % 64;
            from[(source[at] / 64) as usize] |= 1 << at;
            at += 1;
        }
        Self { position, from }
    }

    /// A vector of 64 of those bytes. Three permutations with a mask take half as long as two of
    /// two vectors each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    pub(crate) fn choose(&self, [first, second, third]: [__m512i; 3]) -> __m512i {
        let position = load(&self.position);
        let chosen = _mm512_permutexvar_epi8(position, first);
        let chosen = _mm512_mask_permutexvar_epi8(chosen, self.from[1], position, second);
        _mm512_mask_permutexvar_epi8(chosen, self.from[2], position, third)
    }
}

/// The byte of pixel `at` of a channel lies at `3 * at + channel`.
const fn apart(channel: u8) -> Choice {
    let mut source = [0; 64];
    let mut at = 0;
    while at < 64 {
        source[at] = (3 * at) as u8 + channel;
        at += 1;
    }
    Choice::new(source)
}

/// The three vectors of interleaved pixels, from a vector of each channel; `order` is where each
/// pixel lies in those.
pub(crate) const fn together(order: [u8; 64]) -> [Choice; 3] {
    let mut source = [[0; 64]; 3];
    let mut byte = 0;
    while byte < 192 {
        // Channel `byte % 3` of pixel `byte / 3`.
        source[byte / 64][byte % 64] = (64 * (byte % 3)) as u8 + order[byte / 3];
        byte += 1;
    }
    [Choice::new(source[0]), Choice::new(source[1]), Choice::new(source[2])]
}

/// Of interleaved pixels, those with their first and their third channel swapped.
const fn swapped() -> [Choice; 3] {
    let mut source = [[0; 64]; 3];
    let mut byte = 0;
    while byte < 192 {
        source[byte / 64][byte % 64] = (byte + 2 - 2 * (byte % 3)) as u8;
        byte += 1;
    }
    [Choice::new(source[0]), Choice::new(source[1]), Choice::new(source[2])]
}

/// 0, 1, 2, …
const IN_ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at] = at as u8;
        at += 1;
    }
    order
};

static APART: [Choice; 3] = [apart(0), apart(1), apart(2)];
static TOGETHER: [Choice; 3] = together(IN_ORDER);
static SWAPPED: [Choice; 3] = swapped();

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn store(to: &mut [u8; 64], vector: __m512i) {
    // SAFETY: there is room for 64 bytes.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load3(bytes: &[u8; 192]) -> [__m512i; 3] {
    match bytes.as_chunks::<64>().0 {
        [low, middle, high] => [load(low), load(middle), load(high)],
        _ => [_mm512_setzero_si512(); 3],
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn split3(from: &[u8], block: &mut Block) -> usize {
    let [a, b, c, _] = &mut block.0;
    let channels = (a.as_chunks_mut::<64>().0.iter_mut())
        .zip(b.as_chunks_mut::<64>().0)
        .zip(c.as_chunks_mut::<64>().0);
    let mut done = 0;
    for (from, ((a, b), c)) in from.as_chunks::<192>().0.iter().zip(channels) {
        let vectors = load3(from);
        for (to, choice) in [a, b, c].into_iter().zip(&APART) {
            store(to, choice.choose(vectors));
        }
        done += 64;
    }
    done
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn join3(block: &Block, to: &mut [u8]) -> usize {
    let [a, b, c, _] = &block.0;
    let channels =
        (a.as_chunks::<64>().0.iter()).zip(b.as_chunks::<64>().0).zip(c.as_chunks::<64>().0);
    let mut done = 0;
    for (to, ((a, b), c)) in to.as_chunks_mut::<192>().0.iter_mut().zip(channels) {
        let vectors = [load(a), load(b), load(c)];
        for (to, choice) in to.as_chunks_mut::<64>().0.iter_mut().zip(&TOGETHER) {
            store(to, choice.choose(vectors));
        }
        done += 64;
    }
    done
}

/// In thirds of 192 bytes: as fast as a copy, where 21 pixels to a vector, which cross cache lines,
/// took a tenth longer.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn swap_ends(from: &[u8], to: &mut [u8]) -> usize {
    let mut done = 0;
    for (from, to) in from.as_chunks::<192>().0.iter().zip(to.as_chunks_mut::<192>().0) {
        let vectors = load3(from);
        for (to, choice) in to.as_chunks_mut::<64>().0.iter_mut().zip(&SWAPPED) {
            store(to, choice.choose(vectors));
        }
        done += 64;
    }
    done
}
