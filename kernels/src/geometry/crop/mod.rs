//! `crop`: keeps a rectangle of the image.
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::planes::{each_plane, planes};
use super::{CUDA, MAX_SIDE, WITH_NV12, blocks, int, parts};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::simd::prefetch;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Refusal, Rows, Shape, Size, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let read = |id| Ok(usize::try_from(parameters.integer(id)?).unwrap_or(0));
    Ok(Arc::new(Crop {
        x: read("x")?,
        y: read("y")?,
        width: read("width")?,
        height: read("height")?,
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "crop",
    name: "Crop",
    description: "Keeps a rectangle of the image, which has to lie within the image.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "x",
            name: "Left",
            description: "The first column to keep, in pixels from the left; even for NV12.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 },
        },
        ParameterDefinition {
            id: "y",
            name: "Top",
            description: "The first row to keep, in pixels from the top; even for NV12.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 },
        },
        ParameterDefinition {
            id: "width",
            name: "Width",
            description: "Columns to keep, in pixels; 0 keeps all to the right edge.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 },
        },
        ParameterDefinition {
            id: "height",
            name: "Height",
            description: "Rows to keep, in pixels; 0 keeps all to the bottom edge.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 },
        },
    ],
    formats: &WITH_NV12,
    cuda: true,
    tolerance: 0,
    notes: "A slice of OpenCV's matrix, copied: the result has no padding and does not keep the \
            whole frame in memory. NV12 is cropped plane by plane, so x and y have to be even, \
            where chroma samples start; odd sizes include the chroma sample at the edge.",
};

#[derive(Debug)]
struct Crop {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// How much is kept of a side; or what is wrong with which parameter.
fn keep(
    (offset_id, length_id): (&'static str, &'static str),
    (offset, length): (usize, usize),
    side: usize,
    even: bool,
) -> Result<u32, Refusal> {
    if offset >= side {
        return Err(Refusal {
            parameter: Some(offset_id),
            message: format!("{offset_id} {offset} is outside of an image of {side} pixels"),
            allowed: vec![format!("0..={}", side - 1)],
        });
    }
    if even && offset % 2 != 0 {
        return Err(Refusal {
            parameter: Some(offset_id),
            message: format!("{offset_id} must be even for NV12, not {offset}"),
            allowed: vec![format!("0..={} step 2", (side - 1) / 2 * 2)],
        });
    }
    let left = side - offset;
    if length > left {
        return Err(Refusal {
            parameter: Some(length_id),
            message: format!(
                "{offset_id} {offset} and {length_id} {length} reach beyond an image of {side} \
                 pixels"
            ),
            allowed: vec![format!("0..={left}")],
        });
    }
    Ok(u32::try_from(if length == 0 { left } else { length }).unwrap_or(u32::MAX))
}

impl Operation for Crop {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        let even = input.format == PixelFormat::Nv12;
        let (across, down) = ((self.x, self.width), (self.y, self.height));
        let width = keep(("x", "width"), across, input.size.width(), even)?;
        let height = keep(("y", "height"), down, input.size.height(), even)?;
        let size = Size::new(width, height).unwrap_or(input.size);
        Ok(Shape::new(size, input.format))
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match self.output(input) {
            Ok(output) if output != input => CpuWork::Rows(self),
            _ => CpuWork::Nothing,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let output = self.output(input).ok()?;
        let mut launches = Vec::new();
        for (index, (from, to)) in planes(input).into_iter().zip(planes(output)).enumerate() {
            launches.push(Launch {
                source: &CUDA,
                kernel: "geometry_crop",
                grid: (parts(to.samples())?, blocks(to.height, 8)?),
                block: (32, 8),
                shared_bytes: 0,
                arguments: vec![
                    Argument::Input,
                    Argument::Output,
                    int(input.bytes())?,
                    int(output.bytes())?,
                    int(input.row_bytes())?,
                    int(output.row_bytes())?,
                    int(from.top + (self.y >> index))?,
                    int((self.x >> index) * from.channels)?,
                    int(to.top)?,
                    int(to.samples())?,
                    int(to.height)?,
                ],
            });
        }
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches }))
    }
}

impl Rows for Crop {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let Ok(shape) = self.output(input.shape()) else { return };
        let ask = prefetch::pays(shape.bytes());
        each_plane(input, shape, rows, output, |index, from, rows, mut to| {
            let left = (self.x >> index) * from.plane.channels;
            let top = self.y >> index;
            for (at, y) in cpu.watched(rows, shape.row_bytes()).enumerate() {
                if ask {
                    to.prefetch(at + 1);
                }
                let to = to.row(at);
                let kept = from.row(top + y).get(left..left + to.len()).unwrap_or_default();
                to.copy_from_slice(kept);
            }
        });
    }
}
