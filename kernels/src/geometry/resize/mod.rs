//! `resize`: makes the image larger or smaller.

mod across;
mod blocks;
mod down;
mod gpu;
mod nearest;
mod plan;
mod size;
mod taps;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;
use std::sync::Arc;

use super::planes::each_plane;
use super::{MAX_SIDE, WITH_NV12};
#[cfg(test)]
use crate::Size;
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, Reach, Refusal, Rows, ScratchBytes, Shape, Window,
};
pub(crate) use gpu::{Frame, work as cuda_work};
pub(crate) use plan::{Plan, Prepared, scratch};
use size::Target;
pub(crate) use taps::{Filter, Taps, nearest};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let target = Target::of(parameters)?;
    let filter = Filter::of(parameters.text("filter")?);
    Ok(Arc::new(Resize { target, filter, prepared: Prepared::default() }))
}

/// The parameter `filter`.
pub(crate) const FILTER: ParameterDefinition = ParameterDefinition {
    id: "filter",
    name: "Filter",
    description: "How pixels are interpolated: from the nearest one (nearest), from 2x2 (bilinear) \
                  or 4x4 (bicubic), by a windowed sinc that widens as the image shrinks \
                  (lanczos3), or as the mean of all pixels covered (area).",
    kind: ParameterKind::Select { options: &Filter::NAMES, default: "bilinear" },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "resize",
    name: "Resize",
    description: "Makes the image larger or smaller.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "width",
            name: "Width",
            description: "Width of the result in pixels; 0 keeps the aspect ratio.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 640 },
        },
        ParameterDefinition {
            id: "height",
            name: "Height",
            description: "Height of the result in pixels; 0 keeps the aspect ratio.",
            kind: ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 },
        },
        FILTER,
    ],
    formats: &WITH_NV12,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's resize: nearest and bilinear (INTER_LINEAR, weights of 11 bits) bit for bit, \
            area bit for bit where a whole number of pixels becomes one and otherwise within 1 \
            level, bicubic within 1 level. As in OpenCV, bilinear and bicubic use the same few \
            pixels however much the image shrinks, while area and lanczos3 use all of them. \
            lanczos3 is Pillow's LANCZOS, which OpenCV lacks, with exact sums instead of 8 bits \
            between the passes. NV12 is resized plane by plane.",
};

#[derive(Debug)]
struct Resize {
    target: Target,
    filter: Filter,
    prepared: Prepared,
}

impl Operation for Resize {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(Shape::new(self.target.size(input.size)?, input.format))
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match self.output(input) {
            Ok(output) if output != input => CpuWork::Rows(self),
            _ => CpuWork::Nothing,
        }
    }

    fn scratch(&self, input: Shape, output: Shape) -> ScratchBytes {
        scratch(input, output)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let output = self.output(input).ok()?;
        let plans = self.prepared.plans(self.filter, input, output);
        cuda_work(&plans, input, output, None)
    }
}

impl Rows for Resize {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let Ok(shape) = self.output(input.shape()) else { return };
        let plans = self.prepared.plans(self.filter, input.shape(), shape);
        each_plane(input, shape, rows, output, |index, from, rows, mut to| {
            if let Some(plan) = plans.get(index) {
                plan.render(cpu, from, rows, &mut to);
            }
        });
    }
}

/// An image resized, for tests.
#[cfg(test)]
pub(crate) fn resized(cpu: &Cpu, filter: Filter, image: &crate::Image, size: Size) -> crate::Image {
    let target = Target::exactly(size);
    let resize = Resize { target, filter, prepared: Prepared::default() };
    crate::test_images::run(&resize, cpu, image)
}
