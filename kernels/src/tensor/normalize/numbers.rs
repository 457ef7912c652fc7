//! Converts samples to the numbers of a tensor.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256, a channel lists of 3")]

use super::half::half;
use crate::Element;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// The conversion of samples: `sample * factor + offset`, for each channel.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) element: Element,
    pub(super) factors: [f32; 3],
    pub(super) offsets: [f32; 3],
    /// All results in half precision, for each channel.
    pub(super) halves: Box<[[u16; 256]; 3]>,
}

impl Numbers {
    pub(super) fn new(element: Element, scale: f64, mean: [f64; 3], deviation: [f64; 3]) -> Self {
        let each = |of: fn(f64, f64, f64) -> f64| {
            let mut list = [0.0; 3];
            for ((to, mean), deviation) in list.iter_mut().zip(mean).zip(deviation) {
                *to = of(scale, mean, deviation) as f32;
            }
            list
        };
        let factors = each(|scale, _, deviation| scale / deviation);
        let offsets = each(|_, mean, deviation| -mean / deviation);
        let mut halves = Box::new([[0; 256]; 3]);
        for (channel, list) in halves.iter_mut().enumerate() {
            for (sample, to) in (0..=255_u8).zip(list) {
                *to = half(f32::from(sample) * factors[channel] + offsets[channel]);
            }
        }
        Self { element, factors, offsets, halves }
    }

    /// All numbers of some row of one channel are that sample.
    pub(super) fn fill(&self, channel: usize, sample: u8, to: &mut [u8]) {
        match self.element {
            Element::U8 => to.fill(sample),
            Element::F16 => {
                to.as_chunks_mut().0.fill(self.halves[channel][usize::from(sample)].to_le_bytes());
            }
            Element::F32 | Element::U32 => {
                let number = f32::from(sample) * self.factors[channel] + self.offsets[channel];
                to.as_chunks_mut().0.fill(number.to_le_bytes());
            }
        }
    }

    /// A row of one channel.
    pub(super) fn gray(&self, level: Level, from: &[u8], to: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
        if let Instructions::Avx512(_) = level.instructions()
            && self.element != Element::U8
        {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
            return unsafe { super::x86::samples::<1>(self, [0; 3], from, to) };
        }
        let (factor, offset) = (self.factors[0], self.offsets[0]);
        match self.element {
            Element::U8 => to.copy_from_slice(from),
            Element::F16 => look_up(level, [0; 3].map(|channel| &self.halves[channel]), from, to),
            Element::F32 | Element::U32 => scale_gray(level, factor, offset, from, to),
        }
    }

    /// A row of three interleaved channels, as they are: red or blue first.
    pub(super) fn interleaved(&self, level: Level, from: &[u8], blue_first: bool, to: &mut [u8]) {
        let order = if blue_first { [2, 1, 0] } else { [0, 1, 2] };
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
        if let Instructions::Avx512(_) = level.instructions()
            && self.element != Element::U8
        {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
            return unsafe { super::x86::samples::<3>(self, order, from, to) };
        }
        match self.element {
            Element::U8 => to.copy_from_slice(from),
            Element::F16 => look_up(level, order.map(|channel| &self.halves[channel]), from, to),
            Element::F32 | Element::U32 => {
                let [factors, offsets] =
                    [self.factors, self.offsets].map(|list| order.map(|channel| list[channel]));
                scale_interleaved(level, &factors, &offsets, from, to);
            }
        }
    }

    /// A row of three interleaved channels to a row of each.
    pub(super) fn planar(&self, level: Level, from: &[u8], to: [&mut [u8]; 3]) {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
        if let Instructions::Avx512(_) = level.instructions() {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
            return unsafe { super::x86::planar(self, from, to) };
        }
        match self.element {
            Element::U8 => split(level, from, to),
            Element::F16 => look_up_planes(level, &self.halves, from, to),
            Element::F32 | Element::U32 => {
                scale_planes(level, &self.factors, &self.offsets, from, to);
            }
        }
    }
}

simd_levels! {
    fn scale_gray(factor: f32, offset: f32, from: &[u8], to: &mut [u8]) {
        for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(from) {
            *to = (f32::from(*from) * factor + offset).to_le_bytes();
        }
    }
}

simd_levels! {
    fn scale_interleaved(factors: &[f32; 3], offsets: &[f32; 3], from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0;
        for (to, from) in to.as_chunks_mut::<12>().0.iter_mut().zip(pixels) {
            for (channel, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let number = f32::from(from[channel]) * factors[channel] + offsets[channel];
                *to = number.to_le_bytes();
            }
        }
    }
}

simd_levels! {
    fn scale_planes(
        factors: &[f32; 3],
        offsets: &[f32; 3],
        from: &[u8],
        to: [&mut [u8]; 3],
    ) {
        for (channel, to) in to.into_iter().enumerate() {
            let (factor, offset) = (factors[channel], offsets[channel]);
            let pixels = from.as_chunks::<3>().0;
            for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
                *to = (f32::from(from[channel]) * factor + offset).to_le_bytes();
            }
        }
    }
}

simd_levels! {
    fn look_up(halves: [&[u16; 256]; 3], from: &[u8], to: &mut [u8]) {
        let lists = halves.iter().cycle();
        for ((to, from), list) in to.as_chunks_mut::<2>().0.iter_mut().zip(from).zip(lists) {
            *to = list[usize::from(*from)].to_le_bytes();
        }
    }
}

simd_levels! {
    fn look_up_planes(halves: &[[u16; 256]; 3], from: &[u8], to: [&mut [u8]; 3]) {
        for ((channel, to), list) in to.into_iter().enumerate().zip(halves) {
            let pixels = from.as_chunks::<3>().0;
            for (to, from) in to.as_chunks_mut::<2>().0.iter_mut().zip(pixels) {
                *to = list[usize::from(from[channel])].to_le_bytes();
            }
        }
    }
}

simd_levels! {
    fn split(from: &[u8], to: [&mut [u8]; 3]) {
        let [red, green, blue] = to;
        let planes = red.iter_mut().zip(green).zip(blue);
        for (from, ((red, green), blue)) in from.as_chunks::<3>().0.iter().zip(planes) {
            [*red, *green, *blue] = *from;
        }
    }
}
