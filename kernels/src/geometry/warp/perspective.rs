//! `warp_perspective`: shows the image as a plane seen from another viewpoint.

use std::sync::Arc;

use super::affine::{NUMBER, Warp, singular};
use super::{BORDER, COLOR, FILTER, HEIGHT, Map, Sampling, WIDTH};
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let numbers = parameters.numbers("matrix")?;
    let map = Map::perspective(numbers).ok_or_else(|| singular("matrix", 9))?;
    let (size, sampling) = (super::size(parameters)?, Sampling::of(parameters)?);
    Ok(Arc::new(Warp { definition: &DEFINITION, map, size, sampling }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "warp_perspective",
    name: "Perspective warp",
    description: "Shows the image as a plane seen from another viewpoint, given by a matrix of \
                  three rows.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "matrix",
            name: "Matrix",
            description: "Nine numbers a b c d e f g h i: the pixel at x, y goes to \
                          (a·x + b·y + c) / w, (d·x + e·y + f) / w with w = g·x + h·y + i.",
            kind: ParameterKind::Numbers {
                min_items: 9,
                max_items: 9,
                group: 1,
                min: -NUMBER,
                max: NUMBER,
                default: &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            },
        },
        WIDTH,
        HEIGHT,
        FILTER,
        BORDER,
        COLOR,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's warpPerspective without WARP_INVERSE_MAP, bit for bit: positions in 1/32 of a \
            pixel, weights from its tables. Alpha is treated as a fourth channel.",
};
