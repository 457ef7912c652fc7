//! The nearest pixels with vector instructions, which pick samples out of whole vectors.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use crate::simd::{Instructions, Level};

/// What is prepared for the instructions that there are.
#[derive(Debug)]
pub(super) struct Picks {
    /// Indices for VBMI.
    wide: Option<Wide>,
    /// Indices for SSSE3.
    narrow: Option<Narrow>,
}

impl Picks {
    pub(super) fn new(x: &[u32], channels: usize, width: usize) -> Self {
        let vbmi = is_x86_feature_detected!("avx512vbmi");
        Self {
            wide: if vbmi { Wide::new(x, channels, width) } else { None },
            narrow: Narrow::new(x, channels, width),
        }
    }

    /// Returns whether there are instructions for it.
    ///
    /// # Safety
    /// The row is as long as the picks are made for.
    pub(super) unsafe fn row(&self, level: Level, from: &[u8], to: &mut [u8]) -> bool {
        match (level.instructions(), self) {
            (Instructions::Baseline(_), _) => false,
            (Instructions::Avx512(_), Self { wide: Some(picks), .. }) => {
                // SAFETY: the level exists only where AVX-512 F, BW and VL were detected, the
                // picks only where VBMI was; the caller promises the length.
                unsafe { picks.row(from, to) };
                true
            }
            (_, Self { narrow: Some(picks), .. }) => {
                // SAFETY: such levels exist only where SSE4.1, which implies SSSE3, was detected;
                // the caller promises the length.
                unsafe { picks.row(from, to) };
                true
            }
            _ => false,
        }
    }
}

/// So many samples of the result.
struct Block<const N: usize> {
    /// Where in the input the first vector is. The others follow, and all are there.
    start: usize,
    /// How much further each sample is.
    places: [usize; N],
}

/// All of a row, and out of how many vectors each is picked. The last one ends with the row; the
/// others follow each other. `None` if the row is too short, or it were more than `most` vectors.
fn blocks<const N: usize>(
    x: &[u32],
    channels: usize,
    width: usize,
    most: usize,
) -> Option<(Vec<Block<N>>, usize)> {
    let samples = x.len() * channels;
    let last = samples.checked_sub(N)?;
    let source = |sample: usize| {
        let pixel = x.get(sample / channels).copied().unwrap_or(0) as usize;
        pixel * channels + sample % channels
    };
    let all = (0..samples.div_ceil(N)).map(|block| {
        let places: [usize; N] = std::array::from_fn(|at| source((block * N).min(last) + at));
        let ends = places.iter().fold((usize::MAX, 0), |(least, greatest), place| {
            (least.min(*place), greatest.max(*place))
        });
        (places, ends)
    });
    let vectors = all.clone().map(|(_, (least, greatest))| (greatest - least) / N + 1).max()?;
    let last_start = (width * channels).checked_sub(vectors * N)?;
    let blocks = all.map(|(places, (least, _))| {
        let start = least.min(last_start);
        Block { start, places: places.map(|place| place - start) }
    });
    (vectors <= most).then(|| (blocks.collect(), vectors))
}

/// 64 samples at a time.
#[derive(Debug)]
struct Wide {
    /// Where a block starts, and which byte of a vector each of its samples is.
    blocks: Vec<(u32, [u8; 64])>,
    /// Which samples each vector of a block has.
    masks: Vec<u64>,
    vectors: usize,
}

impl Wide {
    /// With more vectors a block, sample by sample is about as fast.
    const MOST: usize = 24;

    fn new(x: &[u32], channels: usize, width: usize) -> Option<Self> {
        let (all, vectors) = blocks::<64>(x, channels, width, Self::MOST)?;
        let mask = |block: &Block<64>, vector: usize| {
            let bits = block.places.iter().enumerate();
            bits.fold(0, |mask, (at, place)| mask | u64::from(place / 64 == vector) << at)
        };
        let masks = all.iter().flat_map(|block| (0..vectors).map(|at| mask(block, at)));
        let masks = masks.collect();
        let bytes =
            |block: &Block<64>| (block.start as u32, block.places.map(|place| (place % 64) as u8));
        Some(Self { blocks: all.iter().map(bytes).collect(), masks, vectors })
    }

    /// # Safety
    /// The row is as long as this was made for.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    unsafe fn row(&self, from: &[u8], to: &mut [u8]) {
        let Some(last) = to.len().checked_sub(64) else { return };
        let masks = self.masks.chunks_exact(self.vectors);
        for (block, ((start, order), masks)) in self.blocks.iter().zip(masks).enumerate() {
            // SAFETY: 64 bytes are read from an array of 64.
            let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
            let mut picked = _mm512_setzero_si512();
            for (vector, mask) in masks.iter().enumerate() {
                let start = *start as usize + vector * 64;
                debug_assert!(start + 64 <= from.len());
                // SAFETY: all vectors of a block are within the row.
                let bytes = unsafe { from.as_ptr().add(start) };
                // SAFETY: as above.
                let bytes = unsafe { _mm512_loadu_si512(bytes.cast()) };
                picked = _mm512_mask_permutexvar_epi8(picked, *mask, order, bytes);
            }
            let at = (block * 64).min(last);
            if let Some(to) = to.get_mut(at..at + 64) {
                // SAFETY: there is room for 64 bytes.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), picked) };
            }
        }
    }
}

/// Sixteen samples at a time.
#[derive(Debug)]
struct Narrow {
    /// Where a block starts.
    starts: Vec<u32>,
    /// Which byte of each vector of a block its samples are; 0x80 for those of the others.
    orders: Vec<[u8; 16]>,
    vectors: usize,
}

impl Narrow {
    /// With more vectors a block, sample by sample is about as fast.
    const MOST: usize = 8;

    fn new(x: &[u32], channels: usize, width: usize) -> Option<Self> {
        let (all, vectors) = blocks::<16>(x, channels, width, Self::MOST)?;
        let order = |block: &Block<16>, vector: usize| {
            block.places.map(|place| if place / 16 == vector { place as u8 % 16 } else { 0x80 })
        };
        let orders = all.iter().flat_map(|block| (0..vectors).map(|at| order(block, at)));
        let orders = orders.collect();
        let starts = all.iter().map(|block| block.start as u32).collect();
        Some(Self { starts, orders, vectors })
    }

    /// # Safety
    /// The row is as long as this was made for.
    #[target_feature(enable = "sse4.1")]
    unsafe fn row(&self, from: &[u8], to: &mut [u8]) {
        let Some(last) = to.len().checked_sub(16) else { return };
        let orders = self.orders.chunks_exact(self.vectors);
        for (block, (start, orders)) in self.starts.iter().zip(orders).enumerate() {
            let mut picked = _mm_setzero_si128();
            for (vector, order) in orders.iter().enumerate() {
                let start = *start as usize + vector * 16;
                debug_assert!(start + 16 <= from.len());
                // SAFETY: all vectors of a block are within the row.
                let bytes = unsafe { from.as_ptr().add(start) };
                // SAFETY: as above.
                let bytes = unsafe { _mm_loadu_si128(bytes.cast()) };
                // SAFETY: 16 bytes are read from an array of 16.
                let order = unsafe { _mm_loadu_si128(order.as_ptr().cast()) };
                picked = _mm_or_si128(picked, _mm_shuffle_epi8(bytes, order));
            }
            let at = (block * 16).min(last);
            if let Some(to) = to.get_mut(at..at + 16) {
                // SAFETY: there is room for 16 bytes.
                unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), picked) };
            }
        }
    }
}
