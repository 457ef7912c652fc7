//! `unsharp_mask`: adds the detail that a blur would remove.

use std::ops::Range;
use std::sync::Arc;

use super::{gpu, strips};
use crate::blur::gaussian::{Gaussian, KERNEL_SIZE, SIGMA};
use crate::border;
use crate::cuda::CudaWork;
use crate::simd::simd_levels;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

/// Fractional bits of the amount.
pub(super) const AMOUNT_BITS: u32 = 11;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "unsharp_mask",
    name: "Unsharp mask",
    description: "Sharpens the image by adding the difference between it and its Gaussian blur. \
                  Transparency is kept.",
    family: Family::Sharpen,
    parameters: &[
        KERNEL_SIZE,
        SIGMA,
        ParameterDefinition {
            id: "amount",
            name: "Amount",
            description: "Factor by which the difference is added; 0 changes nothing.",
            kind: ParameterKind::Number { min: 0.0, max: 10.0, step: 0.1, default: 1.0 },
        },
        ParameterDefinition {
            id: "threshold",
            name: "Threshold",
            description: "Differences of at most this many levels of 255 are not added, so that \
                          noise is not sharpened.",
            kind: ParameterKind::Integer { min: 0, max: 255, step: 1, default: 0 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "Without a threshold, OpenCV's GaussianBlur and addWeighted(image, 1 + amount, blurred, \
            -amount), within one level: the amount has 11 fractional bits here. The threshold \
            works as in Pillow's UnsharpMask.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let amount = parameters.number("amount")? * f64::from(1 << AMOUNT_BITS);
    Ok(Arc::new(UnsharpMask {
        gaussian: Gaussian::of(parameters)?,
        amount: amount.round() as i16,
        threshold: parameters.integer("threshold")? as i16,
    }))
}

#[derive(Debug)]
pub(super) struct UnsharpMask {
    pub(super) gaussian: Gaussian,
    /// The amount, with [`AMOUNT_BITS`] fractional bits.
    pub(super) amount: i16,
    pub(super) threshold: i16,
}

impl Operation for UnsharpMask {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        match self.gaussian.is_identity() || self.amount == 0 || self.threshold == 255 {
            true => CpuWork::Nothing,
            false => CpuWork::Rows(self),
        }
    }

    fn effort(&self, _: Shape) -> f64 {
        0.2 + 0.8 * self.gaussian.effort()
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (amount, threshold) = (i32::from(self.amount), i32::from(self.threshold));
        gpu::against_blur("sharpen_unsharp_mask", &self.gaussian, input, &[amount, threshold])
    }
}

impl Rows for UnsharpMask {
    fn reach(&self) -> Reach {
        strips::reach(&self.gaussian)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        strips::render(cpu, &self.gaussian, input, rows, output, |level, from, to| {
            sharpen(level, from, self.amount, self.threshold, to);
        });
    }
}

simd_levels! {
    fn sharpen(from: &[u8], amount: i16, threshold: i16, to: &mut [u8]) {
        for (from, to) in from.iter().zip(to) {
            let difference = i16::from(*from) - i16::from(*to);
            // With four bits more it is what a rounding multiplication of 16 bits takes.
            let product = i32::from(difference << 4) * i32::from(amount);
            let added = (((product >> 14) + 1) >> 1) as i16;
            let added = if difference.abs() > threshold { added } else { 0 };
            *to = (i16::from(*from) + added).clamp(0, 255) as u8;
        }
    }
}
