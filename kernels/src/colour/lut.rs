//! `lut`: a table that the caller gives.

use std::sync::Arc;

use super::tabled::Tabled;
use crate::{
    Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError, ParameterKind,
    Parameters, PixelFormat,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "lut",
    name: "Lookup table",
    description: "Replaces each sample by its entry in a table. Transparency is kept.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "table",
        name: "Table",
        description: "Whole numbers from 0 to 255: 256 of them, for the samples 0, 1, … 255 of \
                      every channel, or 768, 256 each for red, green and blue (not for grey \
                      images). An empty list changes nothing.",
        kind: ParameterKind::Numbers {
            min_items: 0,
            max_items: 768,
            group: 256,
            min: 0.0,
            max: 255.0,
            default: &[],
        },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's LUT, bit for bit, except for alpha, which is kept.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let numbers = parameters.numbers("table")?;
    if let Some(at) = numbers.iter().position(|number| number.fract() != 0.0) {
        let number = numbers.get(at).copied().unwrap_or_default();
        return Err(wrong(format!("number {} of table must be whole, not {number}", at + 1)));
    }
    let values: Vec<u8> = numbers.iter().map(|number| *number as u8).collect();
    let (lists, _) = values.as_chunks::<256>();
    Ok(Arc::new(match lists {
        [] => Tabled::new(&DEFINITION, |sample| sample),
        [all] => Tabled::of_grey(&DEFINITION, *all),
        [red, green, blue] => Tabled::of_colours(&DEFINITION, [*red, *green, *blue], "table"),
        _ => {
            let is = numbers.len();
            return Err(wrong(format!("table must have 256 or 768 numbers, not {is}")));
        }
    }))
}

fn wrong(message: String) -> ParameterError {
    let allowed = vec!["256 or 768 whole numbers, each 0..=255".to_owned()];
    ParameterError::new("table", message, allowed)
}
