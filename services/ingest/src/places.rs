//! Places in messages as places in HTTP requests.

use ocelli_messages::Failure;

/// Where in the HTTP request the mistake is that a worker found in the message made from it.
///
/// `pipeline.steps[1].filter.parameters.sigma` becomes `filter[1].sigma`. What a message calls
/// `GRAY8`, a query calls `gray8`, so lists of such names are written in lower case.
#[must_use]
pub fn to_http(mut failure: Failure) -> Failure {
    if let Some(field) = place(&failure.field) {
        if !field.starts_with("filter") {
            failure.allowed.iter_mut().for_each(|allowed| *allowed = allowed.to_lowercase());
        }
        failure.field = field;
    }
    failure
}

/// `None` for a place that is called the same here.
fn place(field: &str) -> Option<String> {
    if let Some(rest) = field.strip_prefix("pipeline.") {
        return match rest {
            "output.raw.format" => Some("output_pixel_format".into()),
            "output.encoded.quality" => Some("quality".into()),
            "accelerator" => Some("accelerator".into()),
            _ if starts_a_path(rest, "output") => Some("format".into()),
            _ => rest.strip_prefix("steps").map(step),
        };
    }
    let parameter = match field {
        "frame.raw.width" => "width",
        "frame.raw.height" => "height",
        "frame.raw.stride" => "stride",
        "frame.raw.format" => "pixel_format",
        _ if starts_a_path(field, "frame") => "body",
        _ => return None,
    };
    Some(parameter.into())
}

fn starts_a_path(text: &str, first: &str) -> bool {
    text.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What follows `pipeline.steps`: `[1].filter.parameters.sigma`.
fn step(rest: &str) -> String {
    let (index, inside) = rest.split_once('.').unwrap_or((rest, ""));
    match inside.strip_prefix("filter.parameters.") {
        Some(parameter) => format!("filter{index}.{parameter}"),
        None => format!("filter{index}"),
    }
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
