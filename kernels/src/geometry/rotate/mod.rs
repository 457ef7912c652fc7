//! `rotate`: turns the image by any angle.

#[cfg(test)]
mod tests;
mod turn;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;
use std::sync::Arc;

use super::planes::each_plane;
use super::warp::{self, Map, Sampling};
use super::{CUDA, MAX_SIDE, blocks, flip::Flip, int};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Refusal, Rows, Shape, Size, Window,
};
use turn::Turn;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    Ok(Arc::new(Rotate {
        angle: parameters.number("angle")?.rem_euclid(360.0),
        expand: parameters.boolean("expand")?,
        sampling: Sampling::of(parameters)?,
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "rotate",
    name: "Rotate",
    description: "Turns the image clockwise around its centre.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "angle",
            name: "Angle",
            description: "Angle in degrees, clockwise; negative angles turn counter-clockwise. \
                          Quarter turns move pixels without interpolation.",
            kind: ParameterKind::Number { min: -360.0, max: 360.0, step: 1.0, default: 90.0 },
        },
        ParameterDefinition {
            id: "expand",
            name: "Expand",
            description: "Whether the result grows to hold the whole rotated image. Otherwise it \
                          keeps the size of the input and the corners are cut off.",
            kind: ParameterKind::Boolean { default: true },
        },
        warp::FILTER,
        warp::BORDER,
        warp::COLOR,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "Clockwise, like OpenCV's ROTATE_90_CLOCKWISE and unlike the angles of \
            getRotationMatrix2D and Pillow. Multiples of 90 degrees are OpenCV's rotate, bit for \
            bit, unless expand is false and the size would have to change; other angles are \
            warpAffine with the matrix of that rotation.",
};

#[derive(Debug)]
struct Rotate {
    /// The angle in degrees, from 0 to less than 360.
    angle: f64,
    expand: bool,
    sampling: Sampling,
}

/// The way to rotate an image of some size.
enum Way {
    Nothing,
    Half,
    Quarter(Turn),
    Warp(Size, Map),
}

/// A turn by 180 degrees.
static HALF: Flip = Flip { across: true, down: true };

impl Rotate {
    fn way(&self, input: Size) -> Option<Way> {
        let may_turn = self.expand || input.width() == input.height();
        Some(match self.angle {
            0.0 | 360.0 => Way::Nothing,
            180.0 => Way::Half,
            90.0 if may_turn => Way::Quarter(Turn::Clockwise),
            270.0 if may_turn => Way::Quarter(Turn::CounterClockwise),
            angle => {
                let (size, map) = Map::rotation(input, angle, self.expand)?;
                Way::Warp(size, map)
            }
        })
    }
}

impl Operation for Rotate {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        let size = match self.way(input.size) {
            Some(Way::Nothing | Way::Half) => Some(input.size),
            Some(Way::Quarter(_)) => turned(input.size),
            Some(Way::Warp(size, _)) => {
                let allowed = MAX_SIDE.max(input.size.width()).max(input.size.height());
                Some(size).filter(|size| size.width() <= allowed && size.height() <= allowed)
            }
            None => None,
        };
        size.map(|size| Shape::new(size, input.format)).ok_or_else(|| Refusal {
            parameter: Some("expand"),
            message: format!(
                "{}x{} pixels, turned by {} degrees, need an image with a side of more than \
                 {MAX_SIDE}",
                input.size.width(),
                input.size.height(),
                self.angle
            ),
            allowed: vec!["false".to_owned()],
        })
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match self.way(input.size) {
            Some(Way::Half) => CpuWork::Rows(&HALF),
            Some(Way::Quarter(_) | Way::Warp(..)) => CpuWork::Rows(self),
            Some(Way::Nothing) | None => CpuWork::Nothing,
        }
    }

    fn effort(&self, input: Shape) -> f64 {
        match self.way(input.size) {
            Some(Way::Warp(..)) => 8.0 * self.sampling.effort(),
            _ => 1.0,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let clockwise = match self.way(input.size)? {
            Way::Nothing => return Flip { across: false, down: false }.cuda(input),
            Way::Half => return HALF.cuda(input),
            Way::Warp(size, map) => return warp::cuda(&map, &self.sampling, input, size),
            Way::Quarter(turn) => turn == Turn::Clockwise,
        };
        let size = input.size;
        let launch = Launch {
            source: &CUDA,
            kernel: "geometry_turn",
            grid: (blocks(size.width(), 32)?, blocks(size.height(), 32)?),
            block: (8, 32),
            // A word for each pixel, and one more for each row.
            shared_bytes: 4 * (32 + 1) * 32,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                int(size.width())?,
                int(size.height())?,
                int(input.format.channels())?,
                Argument::Int(clockwise.into()),
            ],
        };
        let launches = vec![launch];
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches }))
    }
}

fn turned(size: Size) -> Option<Size> {
    Size::new(u32::try_from(size.height()).ok()?, u32::try_from(size.width()).ok()?)
}

impl Rows for Rotate {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match self.way(input.shape().size) {
            Some(Way::Warp(size, map)) => {
                warp::render(cpu, &map, &self.sampling, size, input, rows, output);
            }
            Some(Way::Quarter(turn)) => {
                let Some(size) = turned(input.shape().size) else { return };
                let shape = Shape::new(size, input.shape().format);
                each_plane(input, shape, rows, output, |_, from, rows, mut to| {
                    turn::render(cpu, turn, from, rows, &mut to);
                });
            }
            Some(Way::Nothing | Way::Half) | None => {}
        }
    }
}
