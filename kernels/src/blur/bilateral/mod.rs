//! `bilateral`: blurs and keeps edges.

mod cpu;
mod grey;
#[cfg(test)]
mod tests;
mod weight;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::gpu::{self, RANK};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use grey::Grey;
use weight::Weights;

/// Of the greatest disc.
const MAX_RADIUS: usize = 25;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let radius = usize::try_from(parameters.integer("diameter")?).unwrap_or(3) / 2;
    let (color, space) = (parameters.number("sigma_color")?, parameters.number("sigma_space")?);
    let border = Border::of(parameters.text("border_mode")?);
    Ok(Arc::new(Bilateral::new(radius, border, Weights::new(radius, color, space))))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "bilateral",
    name: "Bilateral filter",
    description: "Smooths areas of similar colour and keeps edges: a weighted mean in which a \
                  pixel counts less the farther away it is and the more its colour differs. \
                  Transparency is kept.",
    family: Family::Blur,
    parameters: &[
        ParameterDefinition {
            id: "diameter",
            name: "Diameter",
            description: "Diameter of the neighbourhood, which is a disc, in pixels; odd.",
            kind: ParameterKind::Integer {
                min: 3,
                max: 2 * MAX_RADIUS as i64 + 1,
                step: 2,
                default: 9,
            },
        },
        ParameterDefinition {
            id: "sigma_color",
            name: "Sigma of colour",
            description: "How different colours may be and still be mixed: the standard deviation, \
                          in levels of 255, for the sum of the differences in all colours.",
            kind: ParameterKind::Number { min: 0.1, max: 500.0, step: 1.0, default: 75.0 },
        },
        ParameterDefinition {
            id: "sigma_space",
            name: "Sigma of space",
            description: "How far apart pixels may be and still be mixed: the standard deviation, \
                          in pixels.",
            kind: ParameterKind::Number { min: 0.1, max: 500.0, step: 1.0, default: 75.0 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 1,
    notes: "OpenCV's bilateralFilter, within 1 level: weights come from a polynomial that is \
            accurate to 0.25 %; for grey images and diameters up to 13 they are integers of 15 \
            bits. OpenCV does not accept alpha; here the colours are filtered and alpha is kept. \
            The time grows with the square of the diameter.",
};

#[derive(Debug)]
struct Bilateral {
    radius: usize,
    border: Border,
    weights: Weights,
    /// For grey, if the disc is small; its lists are made when the first grey image comes.
    grey: OnceLock<Option<Grey>>,
}

impl Bilateral {
    fn new(radius: usize, border: Border, weights: Weights) -> Self {
        Self { radius, border, weights, grey: OnceLock::new() }
    }

    fn grey(&self, channels: usize) -> Option<&Grey> {
        let make = || Grey::new(self.radius, &self.weights);
        if channels == 1 { self.grey.get_or_init(make).as_ref() } else { None }
    }
}

impl Operation for Bilateral {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn effort(&self, input: Shape) -> f64 {
        // For each pixel of the disc. Small discs on grey images have a way of their own.
        let diameter = (2 * self.radius + 1) as f64;
        let each = match input.format.channels() {
            1 if self.radius <= grey::MAX_RADIUS => 1.0,
            1 => 4.0,
            _ => 2.0,
        };
        each * diameter * diameter / 81.0
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        /// Pixels of a tile, across and down; one block of threads makes one tile.
        const TILE: (usize, usize) = (32, 16);
        let (size, channels) = (input.size, input.format.channels());
        let tile = (TILE.0 + 2 * self.radius) * (TILE.1 + 2 * self.radius) * channels;
        let mut arguments = vec![
            Argument::Input,
            Argument::Output,
            gpu::int(size.width())?,
            gpu::int(size.height())?,
        ];
        if channels > 1 {
            arguments.push(gpu::int(channels)?);
        }
        arguments.extend([
            gpu::int(self.radius)?,
            Argument::Int(self.border.code()),
            Argument::Float(self.weights.colour),
            gpu::int(self.weights.taps.len())?,
            Argument::Data(0),
        ]);
        let launch = Launch {
            source: &RANK,
            kernel: match (channels, self.grey(channels)) {
                (1, Some(_)) => "blur_rank_bilateral_small_grey",
                (1, None) => "blur_rank_bilateral_grey",
                _ => "blur_rank_bilateral",
            },
            grid: (gpu::blocks(size.width(), TILE.0)?, gpu::blocks(size.height(), TILE.1)?),
            block: (32, 8),
            shared_bytes: u32::try_from(tile).ok()?,
            arguments,
        };
        let mut taps = Vec::new();
        for tap in &self.weights.taps {
            taps.extend((tap.across as i16).to_le_bytes());
            taps.extend((tap.down as i16).to_le_bytes());
            taps.extend(tap.exponent.to_le_bytes());
        }
        Some(CudaWork::Program(CudaProgram {
            scratch: Vec::new(),
            data: vec![taps],
            launches: vec![launch],
        }))
    }
}

impl Rows for Bilateral {
    fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(self.radius),
        }
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match self.grey(input.channels()) {
            Some(grey) => grey.render(cpu, self.border, input, rows, output),
            None => cpu::render(cpu, self, input, rows, output),
        }
    }
}
