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
                  be recovered. All other pixels stay the same.",
    family: Family::Privacy,
    parameters: &[
        ParameterDefinition {
            id: "regions",
            name: "Regions",
            description: "Rectangles to hide, four numbers for each, in pixels from the top left \
                          corner: x, y, width, height. Every pixel that a rectangle touches is \
                          hidden. Anything outside of the image is ignored. An empty list hides \
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
            description: "How a region is hidden: by a smooth blur (blur), by blocks of one colour \
                          each (pixelate), or by a single colour (fill).",
            kind: ParameterKind::Select { options: &["blur", "pixelate", "fill"], default: "blur" },
        },
        ParameterDefinition {
            id: "strength",
            name: "Strength",
            description: "Width and height, in pixels, of the blocks that the modes blur and \
                          pixelate reduce to their mean colour. At least a quarter of the width of \
                          a face hides it well.",
            kind: ParameterKind::Integer { min: 2, max: LONGEST as i64, step: 1, default: 32 },
        },
        ParameterDefinition {
            id: "color",
            name: "Color",
            description: "Colour that the mode fill replaces pixels with, including transparency.",
            kind: ParameterKind::Color { default: "#000000" },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "fill is OpenCV's filled rectangle, bit for bit. pixelate is OpenCV's resize with \
            INTER_AREA and back with INTER_NEAREST, and blur is the same with INTER_LINEAR on the \
            way back, both within 1 level. Blocks form a grid that starts at the corner of the \
            image, so that regions may overlap and a moving region does not reveal more from frame \
            to frame. A Gaussian blur could partly be undone; the mean of a block cannot.",
};

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
    /// Width and height of a block.
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

    fn effort(&self, input: Shape) -> f64 {
        // For each time that a pixel is covered.
        let each = match self.mode {
            Mode::Blur => 4.0 + 20.0 / self.side as f64,
            Mode::Pixelate => 1.0 + 6.0 / self.side as f64,
            Mode::Fill => 0.1,
        };
        let parts = self.regions.iter().filter_map(|region| region.within(input));
        let covered: usize = parts.map(|part| part.columns.len() * part.rows.len()).sum();
        1.0 + each * covered as f64 / input.size.pixels() as f64
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
