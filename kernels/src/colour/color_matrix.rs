//! `color_matrix`: makes each colour a weighted sum of all three.

use std::sync::Arc;

use super::matrix::{Matrix, Recolour};
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "color_matrix",
    name: "Colour matrix",
    description: "Makes each of red, green and blue a weighted sum of all three plus an offset; \
                  results are clamped to 0 and 255. Transparency is kept.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "matrix",
        name: "Matrix",
        description: "Three rows of four numbers, for red, green and blue: the weights of red, \
                      green and blue, and the offset in levels.",
        kind: ParameterKind::Numbers {
            min_items: 12,
            max_items: 12,
            group: 4,
            min: -256.0,
            max: 256.0,
            default: &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        },
    }],
    formats: &[PixelFormat::Rgb8, PixelFormat::Rgba8],
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's transform with a 3 × 4 matrix, within 1 level: weights are rounded to 12 to \
            14 fractional bits here and to 10 in OpenCV.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let (mut weights, mut offsets) = ([[0.0; 3]; 3], [0.0; 3]);
    let rows = parameters.numbers("matrix")?.as_chunks::<4>().0;
    for (row, (weights, offset)) in rows.iter().zip(weights.iter_mut().zip(&mut offsets)) {
        let [red, green, blue, level] = *row;
        (*weights, *offset) = ([red, green, blue], level);
    }
    Ok(Arc::new(Recolour { definition: &DEFINITION, matrix: Matrix::new(weights, offsets) }))
}
