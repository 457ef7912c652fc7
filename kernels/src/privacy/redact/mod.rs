//! `redact`: hides parts of an image.

mod cpu;
mod gpu;
mod region;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use crate::cuda::CudaWork;
use crate::effect::{Blocks, LONGEST};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use region::Region;

/// In the catalogue.
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(Redact {
            mode: Mode::of(parameters.text("mode")?),
            regions: region::parse(parameters.numbers("regions")?)?,
            side: usize::try_from(parameters.integer("strength")?).unwrap_or(LONGEST),
            color: parameters.color("color")?,
        }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "redact",
    name: "Redact",
    description: "Hides parts of the image, such as faces and number plates, so that they cannot \
                  be brought back; all other pixels stay as they are.",
    family: Family::Privacy,
    parameters: &[
        ParameterDefinition {
            id: "regions",
            name: "Regions",
            description: "What to hide: four numbers for each rectangle, in pixels from the top \
                          left corner: x, y, width, height. A pixel that a rectangle touches is \
                          hidden. What lies outside of the image is ignored. No numbers hide \
                          nothing.",
            kind: ParameterKind::Numbers {
                min_items: 0,
                max_items: 1024,
                group: 4,
                min: -100_000.0,
                max: 100_000.0,
                default: &[],
            },
        },
        ParameterDefinition {
            id: "mode",
            name: "Mode",
            description: "A smooth blur, blocks of one colour each, or one colour for all.",
            kind: ParameterKind::Select { options: &["blur", "pixelate", "fill"], default: "blur" },
        },
        ParameterDefinition {
            id: "strength",
            name: "Strength",
            description: "Width and height, in pixels, of the blocks of which only the mean \
                          colour is left in the modes blur and pixelate. A quarter of the width \
                          of a face or more hides it well.",
            kind: ParameterKind::Integer { min: 2, max: LONGEST as i64, step: 1, default: 32 },
        },
        ParameterDefinition {
            id: "color",
            name: "Color",
            description: "What the mode fill puts in place of the pixels, transparency included.",
            kind: ParameterKind::Color { default: "#000000" },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "fill is OpenCV's rectangle, filled, bit for bit. pixelate is its resize with \
            INTER_AREA and back with INTER_NEAREST, blur the same back with INTER_LINEAR, both \
            within 1 level; blocks lie in a grid from the corner of the image, so that regions \
            may overlap and a moving one does not reveal more from frame to frame. A Gaussian \
            blur could partly be undone; of a mean of each block nothing can.",
};

/// How to hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Blur,
    Pixelate,
    Fill,
}

impl Mode {
    fn of(name: &str) -> Self {
        match name {
            "pixelate" => Self::Pixelate,
            "fill" => Self::Fill,
            _ => Self::Blur,
        }
    }
}

#[derive(Debug)]
struct Redact {
    mode: Mode,
    regions: Vec<Region>,
    /// Of a block.
    side: usize,
    color: [u8; 4],
}

impl Redact {
    fn blocks(&self, shape: Shape) -> Blocks {
        Blocks::new(self.side, shape)
    }
}

impl Operation for Redact {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match self.regions.iter().any(|region| region.within(input).is_some()) {
            true => CpuWork::Rows(self),
            false => CpuWork::Nothing,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        gpu::program(self, input).map(CudaWork::Program)
    }
}

impl Rows for Redact {
    fn reach(&self) -> Reach {
        Reach::Near(match self.mode {
            Mode::Fill => 0,
            Mode::Pixelate => self.side - 1,
            // From a row to the far end of the next block.
            Mode::Blur => self.side + self.side / 2,
        })
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        cpu::render(self, cpu, input, rows, output);
    }
}
