//! Where an error is, in the words of the HTTP API.
//!
//! A worker names places in the message that it got: `pipeline.steps[1].filter.parameters.sigma`.
//! The HTTP client has never seen that message. It wrote `filter=blur:sigma=x`, and is told
//! `filter[1].sigma`.

use ocelli_messages::{
    Failure, Place,
    Segment::{Index, Name},
};

/// Renames the place of a failure, and the names that are allowed there, from those of a message
/// to those of the HTTP API. Places that HTTP clients know already are left as they are.
///
/// Messages spell the values of enumerations in upper case, `GRAY8`; the HTTP API spells them in
/// lower case, `gray8`.
#[must_use]
pub fn to_http(mut failure: Failure) -> Failure {
    if let Some(field) = http_name(&failure.place()) {
        if !field.starts_with("filter") {
            failure.allowed.iter_mut().for_each(|allowed| *allowed = allowed.to_lowercase());
        }
        failure.field = field;
    }
    failure
}

/// What the HTTP API calls a place in a `ProcessRequest`; `None` for every other place.
fn http_name(place: &Place<'_>) -> Option<String> {
    let name = match place.segments() {
        [Name("pipeline"), Name("accelerator")] => "accelerator",
        [Name("pipeline"), Name("output"), Name("raw"), Name("format")] => "output_pixel_format",
        [Name("pipeline"), Name("output"), Name("encoded"), Name("quality")] => "quality",
        [Name("pipeline"), Name("output"), ..] => "format",
        [Name("pipeline"), Name("steps")] => "filter",
        [Name("pipeline"), Name("steps"), Index(step), inside @ ..] => {
            return Some(match inside {
                [Name("filter"), Name("parameters"), parameter @ ..] if !parameter.is_empty() => {
                    format!("filter[{step}].{}", Place::from(parameter))
                }
                _ => format!("filter[{step}]"),
            });
        }
        [Name("frame"), Name("raw"), Name("width")] => "width",
        [Name("frame"), Name("raw"), Name("height")] => "height",
        [Name("frame"), Name("raw"), Name("stride")] => "stride",
        [Name("frame"), Name("raw"), Name("format")] => "pixel_format",
        [Name("frame"), ..] => "body",
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_request_is_called_as_in_the_query() {
        for (message, http) in [
            ("pipeline.steps[1].filter.parameters.sigma", "filter[1].sigma"),
            ("pipeline.steps[0].filter.parameters", "filter[0]"),
            ("pipeline.steps[0].filter.id", "filter[0]"),
            ("pipeline.steps[12]", "filter[12]"),
            ("pipeline.steps[1].filter.parameters.no.such", "filter[1].no.such"),
            ("pipeline.steps", "filter"),
            ("pipeline.output", "format"),
            ("pipeline.output.encoded.codec", "format"),
            ("pipeline.output.encoded.quality", "quality"),
            ("pipeline.output.raw.format", "output_pixel_format"),
            ("pipeline.accelerator", "accelerator"),
            ("frame", "body"),
            ("frame.encoded.data", "body"),
            ("frame.encoded.width", "body"),
            ("frame.raw.data", "body"),
            ("frame.raw.width", "width"),
            ("frame.raw.height", "height"),
            ("frame.raw.stride", "stride"),
            ("frame.raw.format", "pixel_format"),
            ("Ocelli-Deadline", "Ocelli-Deadline"),
            ("frames", "frames"),
            ("", ""),
        ] {
            assert_eq!(to_http(Failure::invalid(message, "x")).field, http, "{message}");
        }
    }

    #[test]
    fn allowed_names_are_written_as_in_the_query() {
        let failure = Failure::invalid("pipeline.output.raw.format", "x").allow(["GRAY8", "RGB8"]);
        assert_eq!(to_http(failure).allowed, ["gray8", "rgb8"]);
        let failure = Failure::invalid("pipeline.steps[0].filter.id", "x").allow(["blurHD"]);
        assert_eq!(to_http(failure).allowed, ["blurHD"]);
    }
}
