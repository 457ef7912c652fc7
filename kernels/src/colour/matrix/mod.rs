//! The operation of filters that make each colour a weighted sum of all three.

mod cpu;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::cuda::{CudaPointwise, CudaWork};
use crate::simd::Level;
use crate::{CpuWork, FilterDefinition, Operation, PixelFormat, Pointwise, Shape};

/// Weights and offsets in integers with some fractional bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matrix {
    /// For red, green and blue of the result, how red, green and blue count.
    weights: [[i32; 3]; 3],
    /// What is added, and the half that rounds to nearest.
    offsets: [i32; 3],
    /// Fractional bits of all of them.
    bits: u32,
    /// The weights in 16 bits, if all fit.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only vectors read it"))]
    narrow: Option<[[i16; 3]; 3]>,
}

impl Matrix {
    /// Weights and offsets of at most 256.
    pub(super) fn new(weights: [[f64; 3]; 3], offsets: [f64; 3]) -> Self {
        let greatest =
            weights.iter().flatten().fold(0.0, |most: f64, weight| most.max(weight.abs()));
        // As many bits as let all weights fit into 16 with their signs, where that is precise
        // enough; the sums always fit into 32: 2^8 (weight) × 2^12 × 3 × 255.
        let bits = match greatest {
            below if below < 1.999 => 14,
            below if below < 3.999 => 13,
            _ => 12,
        };
        let scale = f64::from(1 << bits);
        let integer = |number: f64| (number * scale).round() as i32;
        let weights = weights.map(|row| row.map(integer));
        let offsets = offsets.map(|offset| integer(offset) + (1 << (bits - 1)));
        Self { weights, offsets, bits, narrow: narrow(&weights) }
    }

    /// Between no change and that matrix, which stands at 1; also beyond.
    pub(super) fn between(part: f64, matrix: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
        let mut between = matrix.map(|row| row.map(|weight| part * weight));
        let [[red, ..], [_, green, _], [.., blue]] = &mut between;
        [red, green, blue].into_iter().for_each(|weight| *weight += 1.0 - part);
        between
    }

    /// Whether the result is always the input.
    fn is_identity(&self) -> bool {
        let (one, half) = (1 << self.bits, 1 << (self.bits - 1));
        self.weights == [[one, 0, 0], [0, one, 0], [0, 0, one]] && self.offsets == [half; 3]
    }
}

/// Those weights in 16 bits, if all fit.
fn narrow(weights: &[[i32; 3]; 3]) -> Option<[[i16; 3]; 3]> {
    let mut narrow = [[0; 3]; 3];
    for (to, from) in narrow.as_flattened_mut().iter_mut().zip(weights.as_flattened()) {
        *to = i16::try_from(*from).ok()?;
    }
    Some(narrow)
}

/// A filter that is a matrix, prepared. It leaves grey as it is if it takes grey.
#[derive(Debug)]
pub(super) struct Recolour {
    pub(super) definition: &'static FilterDefinition,
    pub(super) matrix: Matrix,
}

impl Operation for Recolour {
    fn definition(&self) -> &'static FilterDefinition {
        self.definition
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        if input.format == PixelFormat::Gray8 || self.matrix.is_identity() {
            CpuWork::Nothing
        } else {
            CpuWork::Pointwise(self)
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let matrix = match input.format {
            PixelFormat::Gray8 => Matrix::new(Matrix::between(0.0, [[0.0; 3]; 3]), [0.0; 3]),
            _ => self.matrix,
        };
        let mut constants = matrix.weights.as_flattened().to_vec();
        constants.extend(matrix.offsets);
        constants.push(matrix.bits.cast_signed());
        let function = "color_matrix";
        Some(CudaWork::Pointwise(CudaPointwise { function, constants, table: None }))
    }
}

impl Pointwise for Recolour {
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        self.pixels_asking(level, input, from, to, [&[]; 2]);
    }

    fn pixels_asking(
        &self,
        level: Level,
        input: PixelFormat,
        from: &[u8],
        to: &mut [u8],
        soon: [&[u8]; 2],
    ) {
        cpu::pixels(level, &self.matrix, input, from, to, soon);
    }
}
