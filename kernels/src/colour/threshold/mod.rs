//! `threshold`: separates the samples above a level from the others.

mod otsu;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{gpu, statistics, tabled};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::simd::Level;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Pointwise, Refusal, Shape, Table,
    Whole, Window, WorkError,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "threshold",
    name: "Threshold",
    description: "Separates the samples above a level from the others, channel by channel. \
                  Transparency is kept.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "mode",
            name: "Mode",
            description: "What samples above the threshold become, and what the others become: \
                          max_value and 0 (binary), 0 and max_value (binary_inverse), the \
                          threshold and unchanged (truncate), unchanged and 0 (to_zero), 0 and \
                          unchanged (to_zero_inverse).",
            kind: ParameterKind::Select { options: &Mode::NAMES, default: "binary" },
        },
        ParameterDefinition {
            id: "threshold",
            name: "Threshold",
            description: "The highest level that does not count as above, from 0 to 255. otsu \
                          ignores it.",
            kind: ParameterKind::Integer { min: 0, max: 255, step: 1, default: 127 },
        },
        ParameterDefinition {
            id: "max_value",
            name: "Maximum",
            description: "The level that binary and binary_inverse set, from 0 to 255.",
            kind: ParameterKind::Integer { min: 0, max: 255, step: 1, default: 255 },
        },
        ParameterDefinition {
            id: "method",
            name: "Method",
            description: "Which threshold is used: the one given (fixed) or, for grey images, the \
                          one that separates dark from light best (otsu).",
            kind: ParameterKind::Select { options: &["fixed", "otsu"], default: "fixed" },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's threshold, bit for bit, except for alpha, which is kept. Otsu's threshold is \
            also the same as OpenCV's and, as in OpenCV, only for images of one channel.",
};

/// What becomes of samples above, and of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Binary,
    BinaryInverse,
    Truncate,
    ToZero,
    ToZeroInverse,
}

impl Mode {
    const NAMES: [&str; 5] = ["binary", "binary_inverse", "truncate", "to_zero", "to_zero_inverse"];

    /// By one of the names.
    fn of(name: &str) -> Self {
        match name {
            "binary_inverse" => Self::BinaryInverse,
            "truncate" => Self::Truncate,
            "to_zero" => Self::ToZero,
            "to_zero_inverse" => Self::ToZeroInverse,
            _ => Self::Binary,
        }
    }

    /// What becomes of a sample.
    fn apply(self, sample: u8, threshold: u8, max_value: u8) -> u8 {
        match (self, sample > threshold) {
            (Self::Binary, true) | (Self::BinaryInverse, false) => max_value,
            (Self::Truncate, true) => threshold,
            (Self::Binary | Self::ToZero, false)
            | (Self::BinaryInverse | Self::ToZeroInverse, true) => 0,
            (Self::Truncate | Self::ToZeroInverse, false) | (Self::ToZero, true) => sample,
        }
    }

    /// The number of this variant in the CUDA sources.
    fn code(self) -> i32 {
        match self {
            Self::Binary => 0,
            Self::BinaryInverse => 1,
            Self::Truncate => 2,
            Self::ToZero => 3,
            Self::ToZeroInverse => 4,
        }
    }
}

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let level = |id| Ok(u8::try_from(parameters.integer(id)?).unwrap_or(u8::MAX));
    let (threshold, max_value) = (level("threshold")?, level("max_value")?);
    let mode = Mode::of(parameters.text("mode")?);
    Ok(match parameters.text("method")? {
        "otsu" => Arc::new(Otsu { mode, max_value }),
        _ => Arc::new(Fixed { table: Table::new(|s| mode.apply(s, threshold, max_value)) }),
    })
}

/// With a threshold that is known.
#[derive(Debug)]
struct Fixed {
    table: Table,
}

impl Operation for Fixed {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.table.is_identity() { CpuWork::Nothing } else { CpuWork::Pointwise(self) }
    }

    fn cuda(&self, _: Shape) -> Option<CudaWork> {
        Some(tabled::cuda(&self.table))
    }
}

impl Pointwise for Fixed {
    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        self.table.pixels(level, input, from, to);
    }
}

/// With a threshold that depends on the image.
#[derive(Debug)]
struct Otsu {
    mode: Mode,
    max_value: u8,
}

impl Operation for Otsu {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        match input.format {
            PixelFormat::Gray8 => Ok(input),
            _ => Err(Refusal {
                parameter: Some("method"),
                message: "otsu needs a grey image: put grayscale before it, or use fixed".into(),
                allowed: vec!["fixed".to_owned()],
            }),
        }
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }

    fn effort(&self, _: Shape) -> f64 {
        // The levels are counted first.
        8.0
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let samples = i32::try_from(input.size.pixels()).ok()?;
        let parts = gpu::statistics_blocks(input);
        let launch = |kernel, blocks, arguments| Launch {
            source: &gpu::STATISTICS,
            kernel,
            grid: (blocks, 1),
            block: (256, 1),
            shared_bytes: 0,
            arguments,
        };
        let count = Launch {
            shared_bytes: 256 * 4,
            ..launch(
                "colour_statistics_histogram",
                parts,
                vec![Argument::Input, Argument::Scratch(0), Argument::Int(samples)],
            )
        };
        let choose = Launch {
            shared_bytes: 256 * 4,
            ..launch(
                "colour_statistics_otsu",
                1,
                vec![
                    Argument::Scratch(0),
                    Argument::Scratch(1),
                    Argument::Int(samples),
                    Argument::Int(parts.cast_signed()),
                    Argument::Int(self.mode.code()),
                    Argument::Int(self.max_value.into()),
                ],
            )
        };
        Some(CudaWork::Program(CudaProgram {
            scratch: vec![parts as usize * 256 * 4, 768],
            data: Vec::new(),
            launches: vec![count, choose, gpu::apply_table(input, 1)?],
        }))
    }
}

impl Whole for Otsu {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let counts = statistics::histogram(cpu, input)?;
        let threshold = otsu::threshold(&counts);
        let table = Table::new(|sample| self.mode.apply(sample, threshold, self.max_value));
        Ok(statistics::apply(cpu, &table, &Window::all(input), input.shape())?)
    }
}
