//! `adaptive_threshold`: compares each pixel with the average around it.

mod gaussian;
mod mean;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::tones;
use crate::cuda::{Argument, CudaProgram, CudaWork};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

/// Width and height of the largest neighbourhood.
const MAX_SIZE: i64 = 101;

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let size = usize::try_from(parameters.integer("block_size")?).unwrap_or(3);
    let (c, inverse) = (parameters.number("c")?, parameters.text("mode")? == "binary_inverse");
    let most = u8::try_from(parameters.integer("max_value")?).unwrap_or(u8::MAX);
    // As OpenCV rounds it.
    let offset = if inverse { c.floor() } else { c.ceil() } as i32;
    let (above, below) = if inverse { (0, most) } else { (most, 0) };
    let weights = match parameters.text("method")? {
        "gaussian" => Some(gaussian::weights(size)),
        _ => None,
    };
    Ok(Arc::new(AdaptiveThreshold { size, rule: Rule { offset, above, below }, weights }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "adaptive_threshold",
    name: "Adaptive threshold",
    description: "Compares each pixel of a grey image with the average of its neighbourhood minus \
                  c, and makes it one of two levels. Suits documents and uneven light. Colour \
                  images have to be converted first, with grayscale.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "method",
            name: "Method",
            description: "How the pixels of the neighbourhood are weighted: equally (mean), or \
                          nearer ones more (gaussian).",
            kind: ParameterKind::Select { options: &["mean", "gaussian"], default: "mean" },
        },
        ParameterDefinition {
            id: "block_size",
            name: "Block size",
            description: "Width and height of the neighbourhood, in pixels; odd.",
            kind: ParameterKind::Integer { min: 3, max: MAX_SIZE, step: 2, default: 11 },
        },
        ParameterDefinition {
            id: "c",
            name: "C",
            description: "Levels subtracted from the average; a positive number keeps flat areas \
                          bright.",
            kind: ParameterKind::Number { min: -255.0, max: 255.0, step: 1.0, default: 2.0 },
        },
        ParameterDefinition {
            id: "mode",
            name: "Mode",
            description: "Which pixels get max_value: those above the average minus c (binary), or \
                          all others (binary_inverse).",
            kind: ParameterKind::Select {
                options: &["binary", "binary_inverse"],
                default: "binary",
            },
        },
        ParameterDefinition {
            id: "max_value",
            name: "Maximum",
            description: "The level that the selected pixels get; all others get 0.",
            kind: ParameterKind::Integer { min: 1, max: 255, step: 1, default: 255 },
        },
    ],
    formats: &[PixelFormat::Gray8],
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's adaptiveThreshold. mean is the same bit for bit, and its cost hardly depends \
            on the block size. gaussian differs in single pixels, because OpenCV blurs in floating \
            point and sums in another order. As in OpenCV, only grey images are accepted, and the \
            outermost pixel is repeated beyond the edge.",
};

/// What a pixel becomes, by the average around it.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// It is above if it is greater than the average less this.
    offset: i32,
    above: u8,
    below: u8,
}

#[derive(Debug)]
struct AdaptiveThreshold {
    size: usize,
    rule: Rule,
    /// From the middle of the bell to its end, or `None` for the mean.
    weights: Option<Vec<f32>>,
}

impl Operation for AdaptiveThreshold {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn effort(&self, _: Shape) -> f64 {
        // Sums for the mean are doubled, so their number hardly depends on the size.
        match self.weights {
            Some(_) => 1.0 + self.size as f64 / 20.0,
            None => 1.0,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        /// Pixels of a tile, across and down.
        const TILE: (usize, usize) = (32, 16);
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let blocks = |pixels: usize, tile: usize| u32::try_from(pixels.div_ceil(tile)).ok();
        let (width, height) = (input.size.width(), input.size.height());
        let radius = self.size / 2;
        let rows = TILE.1 + 2 * radius;
        // The tile with what surrounds it, and the sums of its rows.
        let tile = ((TILE.0 + 2 * radius) * rows).next_multiple_of(4);
        let Rule { offset, above, below } = self.rule;
        let weights = self.weights.as_deref().unwrap_or_default();
        let mut arguments = vec![
            Argument::Input,
            Argument::Output,
            int(width)?,
            int(height)?,
            int(radius)?,
            Argument::Int(offset),
            Argument::Int(i32::from(above)),
            Argument::Int(i32::from(below)),
        ];
        let mut data = Vec::new();
        let kernel = if self.weights.is_some() {
            arguments.push(Argument::Data(0));
            data.push(weights.iter().flat_map(|weight| weight.to_le_bytes()).collect());
            "tones_threshold_gaussian"
        } else {
            "tones_threshold_mean"
        };
        let shared_bytes = u32::try_from(tile + TILE.0 * rows * 4).ok()?;
        let grid = (blocks(width, TILE.0)?, blocks(height, TILE.1)?);
        let launch = tones::launch(kernel, grid, (32, 8), shared_bytes, arguments);
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] }))
    }
}

impl Rows for AdaptiveThreshold {
    fn reach(&self) -> Reach {
        Reach::Near(self.size / 2)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match &self.weights {
            Some(weights) => gaussian::render(cpu, weights, self.rule, input, rows, output),
            None => mean::render(cpu, self.size, self.rule, input, rows, output),
        }
    }
}
