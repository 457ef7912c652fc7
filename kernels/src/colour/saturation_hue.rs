//! `saturation_hue`: makes colours stronger or weaker, and rotates them.

use std::sync::Arc;

use super::matrix::{Matrix, Recolour};
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "saturation_hue",
    name: "Saturation and hue",
    description: "Makes colours stronger or weaker, then rotates them around the colour wheel. \
                  Brightness, grey and transparency are kept.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "saturation",
            name: "Saturation",
            description: "Factor by which colours differ from grey: 0 makes the image grey, 1 \
                          changes nothing.",
            kind: ParameterKind::Number { min: 0.0, max: 4.0, step: 0.05, default: 1.0 },
        },
        ParameterDefinition {
            id: "hue",
            name: "Hue",
            description: "Rotation of the hue in degrees: 120 turns red into green. 0 changes \
                          nothing.",
            kind: ParameterKind::Number { min: -360.0, max: 360.0, step: 1.0, default: 0.0 },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "The matrices of the CSS functions saturate() and hue-rotate() (W3C Filter Effects), \
            which keep the luma of BT.709, multiplied into one, so that nothing is clamped between \
            the two. OpenCV's transform with that matrix is within 1 level. Grey images are not \
            changed.",
};

/// What red, green and blue count for luma.
const LUMA: [f64; 3] = [0.213, 0.715, 0.072];

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let saturation = Matrix::between(1.0 - parameters.number("saturation")?, [LUMA; 3]);
    let hue = rotation(parameters.number("hue")?);
    let mut both = [[0.0; 3]; 3];
    for (row, to) in hue.iter().zip(&mut both) {
        for (weight, through) in row.iter().zip(&saturation) {
            to.iter_mut().zip(through).for_each(|(to, from)| *to += weight * from);
        }
    }
    Ok(Arc::new(Recolour { definition: &DEFINITION, matrix: Matrix::new(both, [0.0; 3]) }))
}

/// Turns hues by that many degrees; grey and luma stay.
fn rotation(degrees: f64) -> [[f64; 3]; 3] {
    const COSINE: [[f64; 3]; 3] =
        [[0.787, -0.715, -0.072], [-0.213, 0.285, -0.072], [-0.213, -0.715, 0.928]];
    const SINE: [[f64; 3]; 3] =
        [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]];
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let mut rotation = [LUMA; 3];
    for (to, (by_cosine, by_sine)) in rotation.iter_mut().zip(COSINE.iter().zip(&SINE)) {
        for (to, (a, b)) in to.iter_mut().zip(by_cosine.iter().zip(by_sine)) {
            *to += cosine * a + sine * b;
        }
    }
    rotation
}
