//! `letterbox`: fits an image to a size, with bars where it does not fill it.

pub(crate) mod fit;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::pad::fill;
use super::planes::each_plane;
use super::resize::{self, Filter, Frame, Prepared};
use super::{MAX_SIDE, samples_of};
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Refusal, Rows, ScratchBytes, Shape, Size,
    Window,
};
use fit::Fit;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let side = |id| {
        let side = parameters.integer(id)?;
        u32::try_from(side).map_err(|error| ParameterError::new(id, error.to_string(), Vec::new()))
    };
    let outer = Size::new(side("width")?, side("height")?).ok_or_else(|| {
        let message = "an image of that width and height does not fit into memory".to_owned();
        ParameterError::new("width", message, Vec::new())
    })?;
    Ok(Arc::new(Letterbox {
        outer,
        centred: parameters.text("align")? == "center",
        color: parameters.color("color")?,
        filter: Filter::of(parameters.text("filter")?),
        prepared: Prepared::default(),
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "letterbox",
    name: "Letterbox",
    description: "Scales the image to fit the size while keeping its aspect ratio, and fills the \
                  rest with a colour, as most detectors expect.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "width",
            name: "Width",
            description: "Width of the result in pixels.",
            kind: ParameterKind::Integer { min: 1, max: MAX_SIDE as i64, step: 1, default: 640 },
        },
        ParameterDefinition {
            id: "height",
            name: "Height",
            description: "Height of the result in pixels.",
            kind: ParameterKind::Integer { min: 1, max: MAX_SIDE as i64, step: 1, default: 640 },
        },
        ParameterDefinition {
            id: "align",
            name: "Align",
            description: "Position of the image: in the centre with bars on two sides (center), or \
                          at the top left with one bar (top_left).",
            kind: ParameterKind::Select { options: &["center", "top_left"], default: "center" },
        },
        ParameterDefinition {
            id: "color",
            name: "Color",
            description: "Colour of the bars; grey images use its brightness.",
            kind: ParameterKind::Color { default: "#727272" },
        },
        resize::FILTER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's resize and copyMakeBorder with BORDER_CONSTANT in one pass, with the same \
            accuracy as the filter `resize`. Sides are rounded to the nearest pixel; if the number \
            of spare rows or columns is odd, the larger half comes last.",
};

#[derive(Debug)]
struct Letterbox {
    outer: Size,
    centred: bool,
    color: [u8; 4],
    filter: Filter,
    prepared: Prepared,
}

impl Operation for Letterbox {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(Shape::new(self.outer, input.format))
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        if input.size == self.outer { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn scratch(&self, input: Shape, _: Shape) -> ScratchBytes {
        let inner = Fit::new(input.size, self.outer, self.centred).inner;
        resize::scratch(input, Shape::new(inner, input.format))
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let fit = Fit::new(input.size, self.outer, self.centred);
        let inner = Shape::new(fit.inner, input.format);
        let plans = self.prepared.plans(self.filter, input, inner);
        let frame = Frame {
            outer: Shape::new(self.outer, input.format),
            left: fit.left,
            top: fit.top,
            color: samples_of(self.color, input.format.channels()),
        };
        resize::cuda_work(&plans, input, inner, Some(frame))
    }
}

impl Rows for Letterbox {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let shape = input.shape();
        let fit = Fit::new(shape.size, self.outer, self.centred);
        let inner = Shape::new(fit.inner, shape.format);
        let plans = self.prepared.plans(self.filter, shape, inner);
        let Some(plan) = plans.first() else { return };
        let channels = input.channels();
        let color = samples_of(self.color, channels);
        let pixel = color.get(..channels).unwrap_or_default();
        let outer = Shape::new(self.outer, shape.format);
        let (first, end) = (fit.top, fit.top + fit.inner.height());
        let (left, samples) = (fit.left * channels, fit.inner.width() * channels);
        each_plane(input, outer, rows, output, |_, from, rows, mut to| {
            for (at, y) in cpu.watched(rows.clone(), outer.row_bytes()).enumerate() {
                let row = to.row(at);
                if !(first..end).contains(&y) {
                    fill::row(row, pixel);
                    continue;
                }
                let (before, rest) = row.split_at_mut_checked(left).unwrap_or_default();
                fill::row(before, pixel);
                fill::row(rest.get_mut(samples..).unwrap_or_default(), pixel);
            }
            let (start, stop) = (rows.start.max(first), rows.end.min(end));
            if start < stop {
                let mut inside = to.inner(start - rows.start, left, samples);
                plan.render(cpu, from, start - first..stop - first, &mut inside);
            }
        });
    }
}
