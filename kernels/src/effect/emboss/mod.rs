//! `emboss`: a grey relief, lit from one side.

mod cpu;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::CUDA;
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(Emboss {
            offsets: offsets(parameters.text("direction")?),
            strength: i16::try_from(parameters.integer("strength")?).unwrap_or(1),
            border: Border::of(parameters.text("border_mode")?),
        }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "emboss",
    name: "Emboss",
    description: "Makes a relief of the image on middle grey, lit from one side. Transparency is \
                  kept.",
    family: Family::Effect,
    parameters: &[
        ParameterDefinition {
            id: "direction",
            name: "Direction",
            description: "The side that the light comes from: edges that face it become bright, \
                          edges that face away become dark.",
            kind: ParameterKind::Select { options: &DIRECTIONS, default: "top_left" },
        },
        ParameterDefinition {
            id: "strength",
            name: "Strength",
            description: "Depth of the relief: the factor that differences are multiplied by.",
            kind: ParameterKind::Integer { min: 1, max: 10, step: 1, default: 1 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's filter2D with delta 128, bit for bit, with each of its borders; OpenCV does \
            not offer wrap here. The kernel for top_left is strength × [-2 -1 0; -1 0 1; 0 1 2]; \
            the others are rotated by 45 degrees each (Robinson's compass masks).",
};

/// Pixels of a tile on a GPU, across and down; one block of threads makes one tile.
const TILE: (usize, usize) = (32, 16);

/// The directions in clockwise order.
const DIRECTIONS: [&str; 8] =
    ["top", "top_right", "right", "bottom_right", "bottom", "bottom_left", "left", "top_left"];

/// The neighbours there, to the right and down.
const AROUND: [(isize, isize); 8] =
    [(0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1)];

/// The neighbours that count positive, the middle one twice. Those on the other side of the pixel
/// count as much negative.
fn offsets(direction: &str) -> [(isize, isize); 3] {
    let light = DIRECTIONS.iter().position(|name| *name == direction).unwrap_or(7);
    let neighbour = |at: usize| AROUND.get(at % AROUND.len()).copied().unwrap_or_default();
    // Opposite to the light: brighter there means that the surface rises away from it.
    [neighbour(light + 3), neighbour(light + 4), neighbour(light + 5)]
}

#[derive(Debug)]
struct Emboss {
    offsets: [(isize, isize); 3],
    strength: i16,
    border: Border,
}

impl Operation for Emboss {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (size, channels) = (input.size, input.format.channels());
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let blocks = |pixels: usize, tile: usize| u32::try_from(pixels.div_ceil(tile)).ok();
        let mut arguments = vec![
            Argument::Input,
            Argument::Output,
            int(size.width())?,
            int(size.height())?,
            int(channels)?,
            Argument::Int(self.border.code()),
            Argument::Int(i32::from(self.strength)),
        ];
        let offsets = self.offsets.iter().flat_map(|(across, down)| [*across, *down]);
        for offset in offsets {
            arguments.push(Argument::Int(i32::try_from(offset).ok()?));
        }
        let launch = Launch {
            source: &CUDA,
            kernel: "effect_emboss",
            grid: (blocks(size.width(), TILE.0)?, blocks(size.height(), TILE.1)?),
            block: (32, 8),
            shared_bytes: u32::try_from((TILE.0 + 2) * (TILE.1 + 2) * channels).ok()?,
            arguments,
        };
        let (scratch, data) = (Vec::new(), Vec::new());
        Some(CudaWork::Program(CudaProgram { scratch, data, launches: vec![launch] }))
    }
}

impl Rows for Emboss {
    fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(1),
        }
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        cpu::render(self, cpu, input, rows, output);
    }
}
