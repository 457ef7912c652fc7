//! `high_pass`: shows the detail that a blur would remove, on middle grey.

use std::ops::Range;
use std::sync::Arc;

use super::{gpu, strips};
use crate::blur::gaussian::{Gaussian, KERNEL_SIZE, SIGMA};
use crate::border;
use crate::cuda::CudaWork;
use crate::simd::simd_levels;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterError, Parameters,
    PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "high_pass",
    name: "High pass",
    description: "Keeps only fine detail: the difference between the image and its Gaussian blur, \
                  on middle grey. Transparency is kept.",
    family: Family::Sharpen,
    parameters: &[KERNEL_SIZE, SIGMA, border::PARAMETER],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's GaussianBlur and addWeighted(image, 1, blurred, -1, 128), bit for bit.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    Ok(Arc::new(HighPass { gaussian: Gaussian::of(parameters)? }))
}

#[derive(Debug)]
pub(super) struct HighPass {
    pub(super) gaussian: Gaussian,
}

impl Operation for HighPass {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn effort(&self, _: Shape) -> f64 {
        0.2 + 0.8 * self.gaussian.effort()
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        gpu::against_blur("sharpen_high_pass", &self.gaussian, input, &[])
    }
}

impl Rows for HighPass {
    fn reach(&self) -> Reach {
        strips::reach(&self.gaussian)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        strips::render(cpu, &self.gaussian, input, rows, output, difference);
    }
}

simd_levels! {
    fn difference(from: &[u8], to: &mut [u8]) {
        for (from, to) in from.iter().zip(to) {
            let difference = i16::from(*from) - i16::from(*to);
            *to = (difference + 128).clamp(0, 255) as u8;
        }
    }
}
