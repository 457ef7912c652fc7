//! The step that a plan inserts before one that does not accept planar layouts.

use super::gpu;
use super::planar::Planar;
use crate::colour::spaces::Space;
use crate::colour::spaces::ycbcr::BT601_LIMITED;
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Family, FilterDefinition, Image, Operation, PixelFormat, Refusal, Shape, Whole,
    WorkError,
};

/// The conversion of a planar layout, which a plan inserts before a step that does not accept one.
pub(crate) static TO_RGB: ToRgb = ToRgb;

/// Converts a planar layout to [`PixelFormat::Rgb8`].
#[derive(Debug)]
pub(crate) struct ToRgb;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "to_rgb",
    name: "To RGB",
    description: "From a planar layout to RGB.",
    family: Family::Colour,
    parameters: &[],
    formats: &[PixelFormat::Nv12, PixelFormat::I420],
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's cvtColor with COLOR_YUV2RGB_NV12 and COLOR_YUV2RGB_I420, bit for bit.",
};

impl Operation for ToRgb {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(input.with_format(PixelFormat::Rgb8))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        gpu::from_planar(input, &BT601_LIMITED, Space::Rgb, &BT601_LIMITED, None)
    }
}

impl Whole for ToRgb {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        Ok(Planar::of(input).read(cpu, &BT601_LIMITED, Space::Rgb, &BT601_LIMITED)?)
    }
}
