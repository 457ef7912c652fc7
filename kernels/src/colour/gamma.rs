//! `gamma`: raises each sample to a power.

use std::sync::Arc;

use super::tabled::Tabled;
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "gamma",
    name: "Gamma",
    description: "Raises each sample, as a fraction of 255, to a power: black and white stay the \
                  same, and the levels between them get brighter or darker. Transparency is kept.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "gamma",
        name: "Gamma",
        description: "Exponent: below 1 brightens, above 1 darkens, and 1 changes nothing.",
        kind: ParameterKind::Number { min: 0.1, max: 10.0, step: 0.05, default: 1.0 },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "255 × (sample / 255) ^ gamma, rounded to nearest: the gamma correction of OpenCV's \
            tutorials (a table for LUT); cv2.pow is within 1 level of it.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let gamma = parameters.number("gamma")?;
    Ok(Arc::new(Tabled::new(&DEFINITION, |sample| {
        ((f64::from(sample) / 255.0).powf(gamma) * 255.0).round() as u8
    })))
}
