//! `blur`: a Gaussian blur.

mod direct;
mod separable;
#[cfg(test)]
mod tests;
mod weights;

use std::ops::Range;
use std::sync::Arc;

use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaSource, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use weights::{Kernel, MAX_TAPS};

/// In the catalogue.
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let taps = usize::try_from(parameters.integer("kernel_size")?).unwrap_or(1);
    Ok(Arc::new(Blur {
        kernel: Kernel::gaussian(taps, parameters.number("sigma")?),
        border: Border::of(parameters.text("border_mode")?),
        separable: parameters.boolean("separable")?,
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "blur",
    name: "Gaussian blur",
    description: "Softens the image with a Gaussian bell; transparency is blurred like a colour.",
    family: Family::Blur,
    parameters: &[
        ParameterDefinition {
            id: "kernel_size",
            name: "Kernel size",
            description: "Width and height of the neighbourhood, in pixels; odd. 1 changes \
                          nothing.",
            kind: ParameterKind::Integer { min: 1, max: MAX_TAPS as i64, step: 2, default: 5 },
        },
        ParameterDefinition {
            id: "sigma",
            name: "Sigma",
            description: "Standard deviation of the bell, in pixels. 0 fits it to the kernel size.",
            kind: ParameterKind::Number { min: 0.0, max: 100.0, step: 0.1, default: 1.0 },
        },
        ParameterDefinition {
            id: "border_mode",
            name: "Border",
            description: border::DESCRIPTION,
            kind: ParameterKind::Select { options: &border::NAMES, default: "reflect" },
        },
        ParameterDefinition {
            id: "separable",
            name: "Separable",
            description: "Two passes of one dimension instead of one of two: the same result, \
                          sooner.",
            kind: ParameterKind::Boolean { default: true },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's GaussianBlur for 8-bit images, bit for bit, with each of its borders; OpenCV \
            has no wrap there.",
};

static CUDA: CudaSource =
    CudaSource { name: "blur.cu", text: include_str!("../../../cuda/blur.cu") };

/// Pixels of a tile on a GPU, across and down; one block of threads makes one tile.
const TILE: (usize, usize) = (32, 16);

#[derive(Debug)]
struct Blur {
    kernel: Kernel,
    border: Border,
    separable: bool,
}

impl Operation for Blur {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.kernel.is_identity() { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (size, input) = (input.size, input.format);
        let (channels, radius) = (input.channels(), self.kernel.radius());
        let (across, down) = (TILE.0 + 2 * radius, TILE.1 + 2 * radius);
        // The tile with its surroundings; for two passes also what the first makes of it.
        let tile = across * down * channels;
        let passed = if self.separable { TILE.0 * down * channels * 2 } else { 0 };
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let blocks = |pixels: usize, tile: usize| u32::try_from(pixels.div_ceil(tile)).ok();
        let launch = Launch {
            source: &CUDA,
            kernel: if self.separable { "blur_separable" } else { "blur_direct" },
            grid: (blocks(size.width(), TILE.0)?, blocks(size.height(), TILE.1)?),
            block: (32, 8),
            shared_bytes: u32::try_from(tile.next_multiple_of(4) + passed).ok()?,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                int(size.width())?,
                int(size.height())?,
                int(channels)?,
                int(radius)?,
                Argument::Int(self.border.code()),
                Argument::Data(0),
            ],
        };
        let weights = self.kernel.weights().iter().flat_map(|weight| weight.to_le_bytes());
        let data = vec![weights.collect()];
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] }))
    }
}

impl Rows for Blur {
    fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(self.kernel.radius()),
        }
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        if self.separable {
            separable::render(cpu, &self.kernel, self.border, input, rows, output);
        } else {
            direct::render(cpu, &self.kernel, self.border, input, rows, output);
        }
    }
}
