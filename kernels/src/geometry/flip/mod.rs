//! `flip`: mirrors the image.

pub(crate) mod reverse;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::planes::{each_plane, planes};
use super::{CUDA, WITH_NV12, blocks, int, parts};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::simd::prefetch;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(match parameters.text("direction")? {
            "horizontal" => Flip { across: true, down: false },
            "vertical" => Flip { across: false, down: true },
            _ => Flip { across: true, down: true },
        }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "flip",
    name: "Flip",
    description: "Mirrors the image.",
    family: Family::Geometry,
    parameters: &[ParameterDefinition {
        id: "direction",
        name: "Direction",
        description: "Swaps left and right (horizontal), top and bottom (vertical), or both, which \
                      turns the image by 180 degrees.",
        kind: ParameterKind::Select {
            options: &["horizontal", "vertical", "both"],
            default: "horizontal",
        },
    }],
    formats: &WITH_NV12,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's flip, bit for bit. NV12 is flipped plane by plane; if the width or height is \
            odd, the chroma moves by half a pixel.",
};

/// Which directions are turned around.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flip {
    pub(crate) across: bool,
    pub(crate) down: bool,
}

impl Operation for Flip {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let mut launches = Vec::new();
        for plane in planes(input) {
            launches.push(Launch {
                source: &CUDA,
                kernel: "geometry_flip",
                grid: (parts(plane.samples())?, blocks(plane.height, 8)?),
                block: (32, 8),
                shared_bytes: 0,
                arguments: vec![
                    Argument::Input,
                    Argument::Output,
                    int(input.bytes())?,
                    int(input.row_bytes())?,
                    int(plane.top)?,
                    int(plane.width)?,
                    int(plane.height)?,
                    int(plane.channels)?,
                    Argument::Int(self.across.into()),
                    Argument::Int(self.down.into()),
                ],
            });
        }
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches }))
    }
}

impl Rows for Flip {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let ask = prefetch::pays(input.shape().bytes());
        each_plane(input, input.shape(), rows, output, |_, from, rows, mut to| {
            let plane = from.plane;
            for (at, y) in cpu.watched(rows, plane.samples()).enumerate() {
                if ask {
                    to.prefetch(at + 1);
                }
                let source = from.row(if self.down { plane.height - 1 - y } else { y });
                let to = to.row(at);
                if self.across {
                    reverse::pixels(cpu.level(), plane.channels, source, to);
                } else {
                    to.copy_from_slice(source);
                }
            }
        });
    }
}
