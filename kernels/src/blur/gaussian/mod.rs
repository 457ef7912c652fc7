//! `blur`: a Gaussian blur.

mod along;
mod direct;
mod down;
mod part;
mod separable;
mod sums;
#[cfg(test)]
mod tests;
mod weights;
mod words;

use std::ops::Range;
use std::sync::Arc;

use super::gpu::{self, CUDA};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) use part::{Gaussian, KERNEL_SIZE, SIGMA};
use weights::{Kernel, MAX_TAPS};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let taps = usize::try_from(parameters.integer("kernel_size")?).unwrap_or(1);
    let separable = parameters.boolean("separable")?;
    if taps > MAX_DIRECT && !separable {
        return Err(ParameterError::new(
            "separable",
            format!(
                "kernel_size {taps} requires separable true; without it, at most {MAX_DIRECT} is allowed"
            ),
            vec!["true".to_owned()],
        ));
    }
    Ok(Arc::new(Blur {
        kernel: Kernel::gaussian(taps, parameters.number("sigma")?),
        border: Border::of(parameters.text("border_mode")?),
        separable,
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "blur",
    name: "Gaussian blur",
    description: "Softens the image with a Gaussian bell curve; transparency is blurred like a \
                  colour.",
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
            description: "Standard deviation of the bell curve, in pixels. 0 derives it from the \
                          kernel size.",
            kind: ParameterKind::Number { min: 0.0, max: 100.0, step: 0.1, default: 1.0 },
        },
        border::parameter("reflect"),
        ParameterDefinition {
            id: "separable",
            name: "Separable",
            description: "Whether to use two one-dimensional passes instead of one two-dimensional \
                          pass: the same result in less time. Kernels above 31 require it.",
            kind: ParameterKind::Boolean { default: true },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's GaussianBlur for 8-bit images, bit for bit, with each of its borders; OpenCV \
            does not offer wrap here. The time grows with the kernel size, as far as the weights \
            are not zero.",
};

/// The greatest kernel for one pass: a larger one would take minutes.
const MAX_DIRECT: usize = 31;

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

    fn effort(&self, _: Shape) -> f64 {
        let taps = self.kernel.weights().len() as f64;
        if self.separable { taps / 5.0 } else { 0.8 * taps * taps }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let weights = self.kernel.weights().iter().flat_map(|weight| weight.to_le_bytes());
        let data = vec![weights.collect()];
        let large = self.kernel.weights().len() > MAX_DIRECT;
        let (scratch, launches) = if large {
            (vec![input.bytes() * 2], self.two_launches(input)?)
        } else {
            (Vec::new(), vec![self.one_launch(input)?])
        };
        Some(CudaWork::Program(CudaProgram { scratch, data, launches }))
    }
}

impl Blur {
    /// Tiles of shared memory that all is done in.
    fn one_launch(&self, input: Shape) -> Option<Launch> {
        let (size, input) = (input.size, input.format);
        let (channels, radius) = (input.channels(), self.kernel.radius());
        let (across, down) = (TILE.0 + 2 * radius, TILE.1 + 2 * radius);
        // The tile with its surroundings; for two passes also what the first makes of it.
        let tile = across * down * channels;
        let passed = if self.separable { TILE.0 * down * channels * 2 } else { 0 };
        let int = gpu::int;
        Some(Launch {
            source: &CUDA,
            kernel: if self.separable { "blur_separable" } else { "blur_direct" },
            grid: (gpu::blocks(size.width(), TILE.0)?, gpu::blocks(size.height(), TILE.1)?),
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
        })
    }

    /// With what surrounds it, a tile would not fit: column sums into memory, then along them.
    fn two_launches(&self, input: Shape) -> Option<Vec<Launch>> {
        /// Pixels of a block's row.
        const PIXELS: usize = 64;
        let (channels, row) = (input.format.channels(), input.row_bytes());
        let (width, height) = (input.size.width(), input.size.height());
        let (int, radius) = (gpu::int, self.kernel.radius());
        let columns = Launch {
            source: &CUDA,
            kernel: "blur_columns",
            grid: (gpu::blocks(row, 128)?, gpu::blocks(height, 4)?),
            block: (128, 1),
            shared_bytes: 0,
            arguments: vec![
                Argument::Input,
                Argument::Scratch(0),
                int(row)?,
                int(height)?,
                int(radius)?,
                Argument::Int(self.border.code()),
                Argument::Data(0),
            ],
        };
        let segment = (PIXELS + 2 * radius) * channels * 2;
        let rows = Launch {
            source: &CUDA,
            kernel: "blur_rows",
            grid: (gpu::blocks(width, PIXELS)?, gpu::blocks(height, 1)?),
            block: (128, 1),
            shared_bytes: u32::try_from(segment).ok()?,
            arguments: vec![
                Argument::Scratch(0),
                Argument::Output,
                int(width)?,
                int(height)?,
                int(channels)?,
                int(radius)?,
                Argument::Int(self.border.code()),
                Argument::Data(0),
                int(PIXELS)?,
            ],
        };
        Some(vec![columns, rows])
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
