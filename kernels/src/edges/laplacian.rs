//! `laplacian`: second differences.

use std::sync::Arc;

use super::derivative::Derivative;
use super::kernels::Kernels;
use super::passes::Combine;
use super::sobel::{Edges, SCALE};
use crate::border::{self, Border};
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "laplacian",
    name: "Laplacian",
    description: "Shows the second derivative of brightness: edges and fine detail in every \
                  direction, in each colour. Transparency is kept.",
    family: Family::Edges,
    parameters: &[TAPS, SCALE, border::PARAMETER],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's Laplacian to 16 bits followed by convertScaleAbs, bit for bit; a kernel size \
            of 7 is not clamped to 16 bits in between.",
};

/// The parameter for the size of the second differences.
pub(super) const TAPS: ParameterDefinition = ParameterDefinition {
    id: "kernel_size",
    name: "Kernel size",
    description: "Width and height of the neighbourhood, in pixels; odd. 1 means the pixel and its \
                  four neighbours.",
    kind: ParameterKind::Integer { min: 1, max: 7, step: 2, default: 3 },
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let derivative = derivative(parameters, "kernel_size")?;
    Ok(Arc::new(Edges { definition: &DEFINITION, derivative }))
}

/// Second differences; their size is the parameter of that name.
pub(super) fn derivative(
    parameters: &Parameters,
    taps: &str,
) -> Result<Derivative, ParameterError> {
    Ok(Derivative {
        kernels: Kernels::Laplacian(u8::try_from(parameters.integer(taps)?).unwrap_or(3)),
        combine: Combine::Total,
        scale: parameters.number("scale")? as f32,
        border: Border::of(parameters.text("border_mode")?),
    })
}
