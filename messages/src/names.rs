//! The names of enums and filters in text: in query strings, on command lines and in JSON.

use std::collections::BTreeMap;

use crate::{ErrorKind, Failure, v1};

/// An enum of the wire whose values have short names in text.
pub trait Named: Sized + Copy + PartialEq + TryFrom<i32> + 'static {
    /// The noun for a value in error messages, such as `codec`.
    const NOUN: &'static str;

    /// Every value that has names, with its names. The first name is the one that is written; all
    /// of them are read.
    const NAMES: &'static [(Self, &'static [&'static str])];

    /// The name of the value in text, such as `rgb8`. It is empty for a value without a name.
    #[must_use]
    fn name(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(value, _)| *value == self);
        known.and_then(|(_, names)| names.first()).copied().unwrap_or_default()
    }

    /// The name of the value in protobuf, without its prefix, such as `RGB8`. It is empty for a
    /// value without a name.
    #[must_use]
    fn wire_name(self) -> String {
        self.name().to_ascii_uppercase()
    }

    /// The value with the given name, or `None` if no value has it.
    #[must_use]
    fn named(text: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(_, names)| names.contains(&text));
        known.map(|(value, _)| *value)
    }

    /// The names of all values in text.
    fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter_map(|(_, names)| names.first().copied())
    }

    /// The names of all values in protobuf, without their prefix.
    fn wire_names() -> impl Iterator<Item = String> {
        Self::names().map(str::to_ascii_uppercase)
    }

    /// The value with the given number. It may be the unspecified one.
    ///
    /// # Errors
    /// `invalid_argument` if no value has the number. It lists the allowed names, and names no
    /// field.
    fn from_wire(number: i32) -> Result<Self, Failure> {
        Self::try_from(number).map_err(|_| {
            let message = format!("{number} is not a known {}", Self::NOUN);
            Failure::invalid("", message).allow(Self::wire_names())
        })
    }
}

impl Named for v1::ImageCodec {
    const NOUN: &'static str = "codec";

    const NAMES: &'static [(Self, &'static [&'static str])] =
        &[(Self::Png, &["png"]), (Self::Jpeg, &["jpeg", "jpg"]), (Self::Webp, &["webp"])];
}

impl Named for v1::PixelFormat {
    const NOUN: &'static str = "pixel format";

    const NAMES: &'static [(Self, &'static [&'static str])] = &[
        (Self::Gray8, &["gray8"]),
        (Self::Rgb8, &["rgb8"]),
        (Self::Bgr8, &["bgr8"]),
        (Self::Rgba8, &["rgba8"]),
        (Self::Nv12, &["nv12"]),
        (Self::I420, &["i420"]),
    ];
}

impl Named for v1::ElementType {
    const NOUN: &'static str = "element type";

    const NAMES: &'static [(Self, &'static [&'static str])] =
        &[(Self::U8, &["u8"]), (Self::U32, &["u32"]), (Self::F16, &["f16"]), (Self::F32, &["f32"])];
}

impl Named for v1::Accelerator {
    const NOUN: &'static str = "accelerator";

    const NAMES: &'static [(Self, &'static [&'static str])] =
        &[(Self::Auto, &["auto"]), (Self::Cpu, &["cpu"]), (Self::Cuda, &["cuda"])];
}

impl Named for v1::ParameterType {
    const NOUN: &'static str = "parameter type";

    const NAMES: &'static [(Self, &'static [&'static str])] = &[
        (Self::Select, &["select"]),
        (Self::Integer, &["integer"]),
        (Self::Number, &["number"]),
        (Self::Boolean, &["boolean"]),
        (Self::Numbers, &["numbers"]),
        (Self::Color, &["color"]),
        (Self::Text, &["text"]),
    ];
}

/// Parses a filter in its text form: `grayscale`, or `blur:kernel_size=7,sigma=1.5`.
///
/// Only the worker knows which filters and parameters exist, so they are not checked here.
///
/// # Errors
/// `invalid_argument` if the text does not have this form or sets a parameter twice.
pub fn parse_filter(text: &str) -> Result<v1::FilterStep, Failure> {
    let wrong = |what: String| {
        let shape = ["id", "id:key=value", "id:key=value,key=value"];
        Failure::new(ErrorKind::InvalidArgument, what).allow(shape)
    };
    let (id, rest) = text.split_once(':').map_or((text, None), |(id, rest)| (id, Some(rest)));
    let shown: String = text.chars().take(120).collect();
    if id.is_empty() {
        return Err(wrong(format!("{shown:?} does not name a filter")));
    }
    let mut parameters = BTreeMap::new();
    for pair in rest.into_iter().flat_map(|rest| rest.split(',')) {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                if parameters.insert(key.to_owned(), value.to_owned()).is_some() {
                    return Err(wrong(format!("{shown:?} sets {key:?} twice")));
                }
            }
            _ => return Err(wrong(format!("{pair:?} in {shown:?} must have the form key=value"))),
        }
    }
    Ok(v1::FilterStep { id: id.to_owned(), parameters })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn filters_as_people_write_them() {
        assert_eq!(parse_filter("grayscale").unwrap().id, "grayscale");
        let blur = parse_filter("blur:kernel_size=7,sigma=1.5").unwrap();
        assert_eq!(blur.id, "blur");
        assert_eq!(blur.parameters["kernel_size"], "7");
        assert_eq!(blur.parameters["sigma"], "1.5");
        for wrong in ["", ":", ":a=b", "blur:", "blur:sigma", "blur:=3", "f:a=1,", "blur:a=1,a=2"] {
            let failure = parse_filter(wrong).unwrap_err();
            assert_eq!(failure.kind, ErrorKind::InvalidArgument, "{wrong:?}");
            assert!(!failure.allowed.is_empty());
        }
    }

    #[test]
    fn names() {
        assert_eq!(v1::ImageCodec::named("jpg"), Some(v1::ImageCodec::Jpeg));
        assert_eq!(v1::ImageCodec::Jpeg.name(), "jpeg");
        assert_eq!(v1::ImageCodec::named("gif"), None);
        assert_eq!(v1::Accelerator::Unspecified.name(), "");
        assert_eq!(v1::PixelFormat::names().count(), 6);
        assert_eq!(v1::PixelFormat::Nv12.wire_name(), "NV12");
    }

    /// The names in text are written by hand, those of protobuf are generated.
    #[test]
    fn wire_names_are_those_of_protobuf() {
        fn check<T: Named>(prefix: &str, proto: impl Fn(T) -> &'static str) {
            for (value, _) in T::NAMES {
                assert_eq!(format!("{prefix}{}", value.wire_name()), proto(*value));
            }
        }
        check("IMAGE_CODEC_", |value: v1::ImageCodec| value.as_str_name());
        check("PIXEL_FORMAT_", |value: v1::PixelFormat| value.as_str_name());
        check("ELEMENT_TYPE_", |value: v1::ElementType| value.as_str_name());
        check("ACCELERATOR_", |value: v1::Accelerator| value.as_str_name());
        check("PARAMETER_TYPE_", |value: v1::ParameterType| value.as_str_name());
    }

    #[test]
    fn a_number_without_a_value_is_told_what_is_allowed() {
        assert_eq!(v1::Accelerator::from_wire(0), Ok(v1::Accelerator::Unspecified));
        let failure = v1::Accelerator::from_wire(99).unwrap_err();
        assert_eq!(failure.message, "99 is not a known accelerator");
        assert_eq!(failure.allowed, ["AUTO", "CPU", "CUDA"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            id in "[^:]{1,9}",
            parameters in proptest::collection::btree_map("[^=,]{1,9}", "[^,]{0,9}", 0..5),
        ) {
            let list: Vec<_> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let text = if list.is_empty() { id.clone() } else { format!("{id}:{}", list.join(",")) };
            prop_assert_eq!(parse_filter(&text).unwrap(), v1::FilterStep { id, parameters });
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            if let Ok(filter) = parse_filter(&text) {
                prop_assert!(text.starts_with(&filter.id));
            }
        }
    }
}
