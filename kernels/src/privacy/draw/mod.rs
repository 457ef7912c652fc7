//! `draw`: draws boxes, lines, circles and labels over an image.

mod cpu;
mod gpu;
mod language;
mod pen;
mod raster;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;
use std::sync::Arc;

use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use language::Defaults;
use raster::Drawing;
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        let defaults = Defaults {
            thickness: parameters.integer("thickness")?,
            text_size: parameters.number("text_size")? as f32,
        };
        let statements = language::parse(parameters.free("shapes")?, &defaults)?;
        Ok(Arc::new(Draw { drawing: Drawing::of(&statements)? }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "draw",
    name: "Draw",
    description: "Draws boxes, lines, circles and labels over the image, for example what a \
                  detector found.",
    family: Family::Privacy,
    parameters: &[
        ParameterDefinition {
            id: "shapes",
            name: "Shapes",
            description: "Shapes in drawing order, separated by ; or by line breaks: box X Y WIDTH \
                          HEIGHT COLOR [THICKNESS], fill X Y WIDTH HEIGHT COLOR, polyline X Y X Y \
                          ... COLOR [THICKNESS], polygon X Y X Y ... COLOR [THICKNESS], circle X Y \
                          RADIUS COLOR [THICKNESS], dot X Y RADIUS COLOR, label X Y COLOR \"TEXT\" \
                          [BACKGROUND]. Numbers are pixels from the top left corner, rounded to \
                          whole pixels; X and Y of a label are the left end of its baseline. \
                          Colors are #rrggbb, or #rrggbbaa to let the image show through. Anything \
                          outside of the image is cut off.",
            kind: ParameterKind::Text { max_chars: 65_536, default: "" },
        },
        ParameterDefinition {
            id: "thickness",
            name: "Thickness",
            description: "Thickness of the lines of shapes that do not give one, in pixels.",
            kind: ParameterKind::Integer { min: 1, max: 64, step: 1, default: 2 },
        },
        ParameterDefinition {
            id: "text_size",
            name: "Text size",
            description: "Height of a line of text, in pixels.",
            kind: ParameterKind::Number { min: 6.0, max: 200.0, step: 1.0, default: 16.0 },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "With thickness 1 and opaque colours, box, polyline, polygon and circle are OpenCV's \
            rectangle, polylines and circle (LINE_8), and fill and dot are the filled ones, bit \
            for bit. For lines that leave the image OpenCV may move pixels; here they stay where \
            they are. Thicker lines differ: OpenCV approximates their ends by polygons, while here \
            they are the pixels nearer than half the thickness, and boxes have square corners. \
            Labels are anti-aliased, in DejaVu Sans; OpenCV has only stroke fonts. A colour \
            replaces all channels, in proportion to its opacity: an opaque colour makes RGBA \
            opaque.",
};

#[derive(Debug)]
struct Draw {
    drawing: Drawing,
}

impl Operation for Draw {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.drawing.is_empty() { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn effort(&self, input: Shape) -> f64 {
        // For each time that a pixel is painted.
        1.0 + 5.0 * self.drawing.painted(input.size) as f64 / input.size.pixels() as f64
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        gpu::program(&self.drawing, input).map(CudaWork::Program)
    }
}

impl Rows for Draw {
    fn reach(&self) -> Reach {
        Reach::Near(0)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        cpu::render(&self.drawing, cpu, input, rows, output);
    }
}
