//! `sepia`: tints the image like an old photograph.

use std::sync::Arc;

use super::matrix::{Matrix, Recolour};
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "sepia",
    name: "Sepia",
    description: "Tints the image brown, like an old photograph. Transparency is kept.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "amount",
        name: "Amount",
        description: "Strength of the effect, from 0 (no change) to 1 (full sepia).",
        kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.05, default: 1.0 },
    }],
    formats: &[PixelFormat::Rgb8, PixelFormat::Rgba8],
    cuda: true,
    tolerance: 0,
    notes: "The matrix of the CSS function sepia() (W3C Filter Effects), in integers. OpenCV's \
            transform with that matrix is within 1 level.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    const SEPIA: [[f64; 3]; 3] =
        [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];
    let matrix = Matrix::between(parameters.number("amount")?, SEPIA);
    Ok(Arc::new(Recolour { definition: &DEFINITION, matrix: Matrix::new(matrix, [0.0; 3]) }))
}
