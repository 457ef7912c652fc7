//! `pad`: puts a frame around the image.

mod beside;
pub(crate) mod fill;
mod framed;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::planes::each_plane;
use super::{CUDA, MAX_SIDE, blocks, int, parts, samples_of};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::simd::prefetch;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Refusal, Rows, Shape, Size, Window,
};
use beside::Beside;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let read = |id| Ok(usize::try_from(parameters.integer(id)?).unwrap_or(0));
    Ok(Arc::new(Pad {
        top: read("top")?,
        bottom: read("bottom")?,
        left: read("left")?,
        right: read("right")?,
        border: Border::of(parameters.text("border_mode")?),
        color: parameters.color("color")?,
    }))
}

const fn side(
    id: &'static str,
    name: &'static str,
    description: &'static str,
) -> ParameterDefinition {
    let kind = ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 };
    ParameterDefinition { id, name, description, kind }
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "pad",
    name: "Pad",
    description: "Puts a frame around the image, which becomes wider and higher by it.",
    family: Family::Geometry,
    parameters: &[
        side("top", "Top", "Rows added above the image, in pixels."),
        side("bottom", "Bottom", "Rows added below the image, in pixels."),
        side("left", "Left", "Columns added on the left, in pixels."),
        side("right", "Right", "Columns added on the right, in pixels."),
        ParameterDefinition {
            id: "border_mode",
            name: "Border",
            description: "What the frame shows: the outermost pixel (clamp, replicate), the image \
                          mirrored at its edge (reflect) or at its outermost pixel (reflect_101), \
                          the opposite side (wrap), or the colour (constant).",
            kind: ParameterKind::Select { options: &border::NAMES, default: "constant" },
        },
        ParameterDefinition {
            id: "color",
            name: "Color",
            description: "Colour of a constant frame; grey images use its brightness.",
            kind: ParameterKind::Color { default: "#000000" },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's copyMakeBorder, bit for bit. The frame may be wider than the image. The \
            result has at most 16384 pixels a side.",
};

#[derive(Debug)]
struct Pad {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
    border: Border,
    color: [u8; 4],
}

/// A side with what is added to it; or what is wrong with which parameter.
fn grown(
    side: usize,
    (first, first_id): (usize, &'static str),
    (last, last_id): (usize, &'static str),
) -> Result<u32, Refusal> {
    let grown = side + first + last;
    if grown <= MAX_SIDE.max(side) {
        return Ok(u32::try_from(grown).unwrap_or(u32::MAX));
    }
    Err(Refusal {
        parameter: Some(if first > last { first_id } else { last_id }),
        message: format!(
            "{first_id} {first} and {last_id} {last} make {grown} of {side} pixels, more than \
             {MAX_SIDE}"
        ),
        allowed: vec![format!("together 0..={}", MAX_SIDE.saturating_sub(side))],
    })
}

impl Operation for Pad {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        let (across, down) = (input.size.width(), input.size.height());
        let width = grown(across, (self.left, "left"), (self.right, "right"))?;
        let height = grown(down, (self.top, "top"), (self.bottom, "bottom"))?;
        Ok(Shape::new(Size::new(width, height).unwrap_or(input.size), input.format))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        match (self.top, self.bottom, self.left, self.right) {
            (0, 0, 0, 0) => CpuWork::Nothing,
            _ => CpuWork::Rows(self),
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (output, channels) = (self.output(input).ok()?, input.format.channels());
        let color = u32::from_le_bytes(samples_of(self.color, channels));
        let launch = Launch {
            source: &CUDA,
            kernel: "geometry_pad",
            grid: (parts(output.row_bytes())?, blocks(output.size.height(), 8)?),
            block: (32, 8),
            shared_bytes: 0,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                int(input.size.width())?,
                int(input.size.height())?,
                int(channels)?,
                int(output.size.width())?,
                int(output.size.height())?,
                int(self.left)?,
                int(self.top)?,
                Argument::Int(self.border.code()),
                Argument::Int(color.cast_signed()),
            ],
        };
        let launches = vec![launch];
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches }))
    }
}

impl Rows for Pad {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let Ok(shape) = self.output(input.shape()) else { return };
        let color = samples_of(self.color, input.channels());
        let Some(pixel) = color.get(..input.channels()) else { return };
        if self.border == Border::Constant {
            return framed::render(self, cpu, input, shape, pixel, rows, output);
        }
        let ask = prefetch::pays(shape.bytes());
        each_plane(input, shape, rows, output, |_, from, rows, mut to| {
            let plane = from.plane;
            let left = self.left * plane.channels;
            let (level, border, width) = (cpu.level(), self.border, plane.width);
            let beside = Beside { level, border, width, channels: plane.channels };
            for (at, y) in cpu.watched(rows, shape.row_bytes()).enumerate() {
                if ask {
                    to.prefetch(at + 1);
                }
                let row = to.row(at);
                let height = y as isize - self.top as isize;
                let source = self.border.index(height, plane.height).unwrap_or_default();
                let source = from.row(source);
                let (before, rest) = row.split_at_mut_checked(left).unwrap_or_default();
                let (middle, after) = rest.split_at_mut_checked(source.len()).unwrap_or_default();
                middle.copy_from_slice(source);
                beside.before(source, before, self.left);
                beside.after(source, after, self.right);
            }
        });
    }
}
