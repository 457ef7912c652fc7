//! `warp_affine` and `warp_perspective`, which map an image by a matrix; `rotate` uses them for any
//! angle that is not a quarter turn.
//!
//! A row of the result is made in two steps: where its pixels come from, then what is there.

mod affine;
mod cubic;
mod gpu;
mod matrix;
mod perspective;
mod positions;
mod sample;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use crate::border::{self, Border};
use crate::cuda::CudaWork;
use crate::{
    Cpu, ParameterDefinition, ParameterError, ParameterKind, Parameters, Refusal, Shape, Size,
    Window,
};

pub(crate) use affine::ENTRY as AFFINE;
pub(crate) use matrix::Map;
pub(crate) use perspective::ENTRY as PERSPECTIVE;

/// The interpolation between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The value of the nearest pixel.
    Nearest,
    /// Four pixels, by their distance.
    Linear,
    /// Sixteen pixels, with Keys' cubic convolution.
    Cubic,
}

/// How a pixel is computed from the pixels around a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampling {
    pub(crate) filter: Filter,
    pub(crate) border: Border,
    /// The colour beyond the edge if the border is constant.
    pub(crate) color: [u8; 4],
}

impl Sampling {
    /// How much work it is, compared with the bilinear filter.
    pub(crate) fn effort(&self) -> f64 {
        if self.filter == Filter::Cubic { 1.5 } else { 1.0 }
    }

    /// The sampling with the parameters below.
    pub(crate) fn of(parameters: &Parameters) -> Result<Self, ParameterError> {
        let filter = match parameters.text("filter")? {
            "nearest" => Filter::Nearest,
            "bicubic" => Filter::Cubic,
            _ => Filter::Linear,
        };
        let border = Border::of(parameters.text("border_mode")?);
        Ok(Self { filter, border, color: parameters.color("color")? })
    }
}

/// The parameter `filter`.
pub(crate) const FILTER: ParameterDefinition = ParameterDefinition {
    id: "filter",
    name: "Filter",
    description: "How values between pixels are interpolated: from the nearest one, from four \
                  (bilinear) or from sixteen (bicubic).",
    kind: ParameterKind::Select {
        options: &["nearest", "bilinear", "bicubic"],
        default: "bilinear",
    },
};

/// The parameter `border_mode`.
pub(crate) const BORDER: ParameterDefinition = ParameterDefinition {
    id: "border_mode",
    name: "Border",
    description: "Which pixels are used beyond the edge: a colour (constant), the outermost pixel \
                  (clamp, replicate), the image mirrored at its edge (reflect) or at its outermost \
                  pixel (reflect_101), or the opposite side (wrap).",
    kind: ParameterKind::Select { options: &border::NAMES, default: "constant" },
};

/// The parameter `color`.
pub(crate) const COLOR: ParameterDefinition = ParameterDefinition {
    id: "color",
    name: "Colour",
    description: "Colour used beyond the edge if the border is constant; grey images use its \
                  brightness.",
    kind: ParameterKind::Color { default: "#000000" },
};

/// A side of the result, 0 for that of the input.
const fn side(
    id: &'static str,
    name: &'static str,
    description: &'static str,
) -> ParameterDefinition {
    let kind = ParameterKind::Integer { min: 0, max: 16384, step: 1, default: 0 };
    ParameterDefinition { id, name, description, kind }
}

/// The parameter `width`.
const WIDTH: ParameterDefinition =
    side("width", "Width", "Width of the result in pixels; 0 means the width of the input.");
/// The parameter `height`.
const HEIGHT: ParameterDefinition =
    side("height", "Height", "Height of the result in pixels; 0 means the height of the input.");

/// A size that is given, with 0 for the side of the input.
fn size(parameters: &Parameters) -> Result<[u32; 2], ParameterError> {
    let side = |id| parameters.integer(id).map(|side| u32::try_from(side).unwrap_or(0));
    Ok([side("width")?, side("height")?])
}

/// The size of the result for an input of that shape.
fn output([width, height]: [u32; 2], input: Shape) -> Result<Shape, Refusal> {
    let side = |given: u32, of_input: usize| match given {
        0 => u32::try_from(of_input).unwrap_or(u32::MAX),
        given => given,
    };
    let (width, height) = (side(width, input.size.width()), side(height, input.size.height()));
    match Size::new(width, height) {
        Some(size) => Ok(Shape::new(size, input.format)),
        None => Err(Refusal {
            parameter: Some("width"),
            message: format!("an image of {width}x{height} pixels does not fit into memory"),
            allowed: Vec::new(),
        }),
    }
}

/// Makes those rows of a result of that size.
pub(crate) fn render(
    cpu: &Cpu,
    map: &Map,
    sampling: &Sampling,
    size: Size,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let filter = sampling.filter;
    let level = cpu.level();
    let mut positions = positions::Positions::new(cpu, map, filter, input.shape().size, size);
    let row_bytes = size.width() * input.channels();
    for (y, to) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let [across, down] = positions.row(level, map, filter, y);
        sample::row(level, input, sampling, across, down, to);
    }
}

/// The work on a GPU.
pub(crate) fn cuda(map: &Map, sampling: &Sampling, input: Shape, output: Size) -> Option<CudaWork> {
    gpu::program(map, sampling, input, output).map(CudaWork::Program)
}
