//! `brightness_contrast`: each sample times a factor, plus an offset.

use std::sync::Arc;

use super::tabled::Tabled;
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "brightness_contrast",
    name: "Brightness and contrast",
    description: "Multiplies each sample by the contrast and adds the brightness; results are \
                  clamped to 0 and 255. Transparency is kept.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "brightness",
            name: "Brightness",
            description: "Levels added after the multiplication. 0 changes nothing.",
            kind: ParameterKind::Number { min: -255.0, max: 255.0, step: 1.0, default: 0.0 },
        },
        ParameterDefinition {
            id: "contrast",
            name: "Contrast",
            description: "Factor that each sample is multiplied by. 1 changes nothing, 0 leaves \
                          only the brightness.",
            kind: ParameterKind::Number { min: 0.0, max: 10.0, step: 0.05, default: 1.0 },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's convertScaleAbs with contrast as alpha and brightness as beta, bit for bit, \
            except that negative results become 0 instead of their absolute value.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    // OpenCV computes in 32 bits, with one rounding for both steps.
    let brightness = parameters.number("brightness")? as f32;
    let contrast = parameters.number("contrast")? as f32;
    Ok(Arc::new(Tabled::new(&DEFINITION, |sample| {
        // The cast stops at 0 and 255.
        f32::from(sample).mul_add(contrast, brightness).round_ties_even() as u8
    })))
}
