//! Reads query parameters, and form fields of the same names, into a pipeline.

use std::{collections::BTreeMap, time::Duration};

use actix_web::web;
use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure, Limits, Named, parse_filter, v1};

use crate::names::{self, Format};

/// The parameters that may be given once.
const ONCE: [&str; 9] = [
    "format",
    "quality",
    "accelerator",
    "timeout_ms",
    "width",
    "height",
    "pixel_format",
    "stride",
    "output_pixel_format",
];
/// The parameter that may be given many times: filters run in the order in which they are given.
const FILTER: &str = "filter";
/// The parameters that describe raw input: a request has all of them or none.
const RAW: [&str; 3] = ["width", "height", "pixel_format"];

/// The longest `timeout_ms` that a client may ask for.
const MAX_TIMEOUT_MS: u32 = 600_000;

/// The parameters of a request as the client wrote them, each known by name and none given twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    filters: Vec<String>,
    once: BTreeMap<&'static str, String>,
}

/// What the parameters of a request ask for; the image itself comes from the body.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRequest {
    /// The filters, the output format and the accelerator.
    pub pipeline: v1::Pipeline,
    /// The layout of raw input, without its data; `None` for an image file.
    pub raw: Option<v1::RawImage>,
    /// How long the answer may take; `None` if the client leaves that to the gateway.
    pub timeout: Option<Duration>,
}

impl Parameters {
    /// Reads a query: `filter=blur&format=png`.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn from_query(query: &str) -> Result<Self, Failure> {
        let mut parameters = Self::default();
        for (name, value) in pairs(query)? {
            parameters.add(&name, value)?;
        }
        Ok(parameters)
    }

    /// Adds one parameter.
    ///
    /// # Errors
    /// `invalid_argument` if there is no such parameter, or if it is given twice.
    pub fn add(&mut self, name: &str, value: String) -> Result<(), Failure> {
        if name == FILTER {
            self.filters.push(value);
            return Ok(());
        }
        let name = ONCE
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| unknown(name).allow(std::iter::once(FILTER).chain(ONCE)))?;
        if self.once.insert(name, value).is_some() {
            return Err(given_twice(name));
        }
        Ok(())
    }

    /// Reads the values.
    ///
    /// # Errors
    /// `invalid_argument` for a value that is not allowed, or that contradicts another;
    /// `too_large` for more filters than `limits.max_steps`.
    pub fn image_request(&self, limits: &Limits) -> Result<ImageRequest, Failure> {
        let (given, most) = (self.filters.len(), limits.max_steps);
        if given > most {
            let message = format!("{given} filters were given; at most {most} are allowed");
            return Err(Failure::new(ErrorKind::TooLarge, message).at(FILTER));
        }
        let steps = self.filters.iter().enumerate().map(|(index, text)| {
            let filter = parse_filter(text);
            let filter = filter.map_err(|failure| failure.at(format!("{FILTER}[{index}]")))?;
            Ok::<_, Failure>(v1::Step { kind: Some(v1::step::Kind::Filter(filter)) })
        });
        let raw = self.raw()?;
        let accelerator = self.named::<v1::Accelerator>("accelerator")?.unwrap_or_default();
        let timeout = self.number("timeout_ms", 1, MAX_TIMEOUT_MS)?;
        let pipeline = v1::Pipeline {
            steps: steps.collect::<Result<_, _>>()?,
            output: self.output(raw.is_some())?,
            accelerator: accelerator.into(),
        };
        let timeout = timeout.map(|ms| Duration::from_millis(ms.into()));
        Ok(ImageRequest { pipeline, raw, timeout })
    }

    fn raw(&self) -> Result<Option<v1::RawImage>, Failure> {
        let width = self.number("width", 1, u32::MAX)?;
        let height = self.number("height", 1, u32::MAX)?;
        let stride = self.number("stride", 1, u32::MAX)?;
        let format = self.named::<v1::PixelFormat>("pixel_format")?;
        match (width, height, format, stride) {
            (None, None, None, None) => Ok(None),
            (Some(width), Some(height), Some(format), stride) => Ok(Some(v1::RawImage {
                width,
                height,
                stride: stride.unwrap_or(0),
                format: format.into(),
                data: Bytes::new(),
            })),
            _ => {
                let missing = RAW.into_iter().find(|name| !self.once.contains_key(name));
                let message = "raw input needs width, height and pixel_format together";
                Err(Failure::invalid(missing.unwrap_or_default(), message).allow(RAW))
            }
        }
    }

    fn output(&self, raw_input: bool) -> Result<Option<v1::OutputFormat>, Failure> {
        let format = self.once.get("format").map(|given| Format::parse(given)).transpose()?;
        let quality = self.number("quality", 1, 100)?;
        let pixels = self.named::<v1::PixelFormat>("output_pixel_format")?;
        let is_raw = format.map_or(raw_input, |format| format == Format::Raw);
        if quality.is_some() && is_raw {
            let message = "raw output has no quality; it goes with format=jpeg";
            return Err(Failure::invalid("quality", message));
        }
        if pixels.is_some() && !is_raw {
            let message = "only raw output has a pixel format; it goes with format=raw";
            return Err(Failure::invalid("output_pixel_format", message));
        }
        if (format, quality, pixels) == (None, None, None) {
            return Ok(None);
        }
        let kind = if is_raw {
            let format = pixels.unwrap_or_default().into();
            v1::output_format::Kind::Raw(v1::RawOutput { format })
        } else {
            let codec = match format {
                Some(Format::File(codec)) => codec,
                Some(Format::Raw) | None => v1::ImageCodec::Unspecified,
            };
            let quality = quality.unwrap_or(0);
            v1::output_format::Kind::Encoded(v1::EncodedOutput { codec: codec.into(), quality })
        };
        Ok(Some(v1::OutputFormat { kind: Some(kind) }))
    }

    fn named<T: Named>(&self, name: &'static str) -> Result<Option<T>, Failure> {
        self.once.get(name).map(|given| names::parse(name, given)).transpose()
    }

    fn number(&self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, Failure> {
        let Some(text) = self.once.get(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let wrong = || {
            let given: String = text.chars().take(40).collect();
            let message = format!("{given:?} is not a whole number from {least} to {most}");
            Failure::invalid(name, message)
        };
        number.map(Some).ok_or_else(wrong)
    }
}

/// Splits a query into names and values, with percent-encoding and `+` decoded.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    web::Query::from_query(query)
        .map(web::Query::into_inner)
        .map_err(|error| Failure::invalid("query", format!("the query cannot be read: {error}")))
}

/// The error for a parameter that does not exist.
pub(crate) fn unknown(name: &str) -> Failure {
    let name: String = name.chars().take(40).collect();
    Failure::invalid(name.clone(), format!("there is no parameter {name:?}"))
}

/// The error for a parameter that may be given only once.
pub(crate) fn given_twice(name: &'static str) -> Failure {
    Failure::invalid(name, "the parameter is given more than once")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<ImageRequest, Failure> {
        Parameters::from_query(query)?.image_request(&Limits::default())
    }

    fn output(query: &str) -> Option<v1::output_format::Kind> {
        read(query).unwrap().pipeline.output.and_then(|output| output.kind)
    }

    #[test]
    fn nothing_asked_is_the_image_back() {
        let nothing = read("").unwrap();
        let expected = ImageRequest { pipeline: v1::Pipeline::default(), raw: None, timeout: None };
        assert_eq!(nothing, expected);
    }

    #[test]
    fn filters_keep_their_order_and_are_decoded() {
        let request = read("filter=blur%3Asigma%3D2&filter=gray+scale&filter=blur").unwrap();
        let ids: Vec<_> = request
            .pipeline
            .steps
            .into_iter()
            .map(|step| match step.kind {
                Some(v1::step::Kind::Filter(filter)) => filter,
                None => panic!("no filter"),
            })
            .collect();
        assert_eq!(ids[0].parameters["sigma"], "2");
        let ids: Vec<_> = ids.iter().map(|filter| filter.id.as_str()).collect();
        assert_eq!(ids, ["blur", "gray scale", "blur"]);
    }

    #[test]
    fn raw_input_and_the_rest() {
        let request = read(
            "width=640&height=480&pixel_format=nv12&stride=700&accelerator=cuda&timeout_ms=250",
        )
        .unwrap();
        let raw = request.raw.unwrap();
        assert_eq!((raw.width, raw.height, raw.stride), (640, 480, 700));
        assert_eq!(raw.format(), v1::PixelFormat::Nv12);
        assert_eq!(request.pipeline.accelerator(), v1::Accelerator::Cuda);
        assert_eq!(request.timeout, Some(Duration::from_millis(250)));
        assert_eq!(request.pipeline.output, None, "raw stays raw");
    }

    #[test]
    fn the_output_format() {
        use v1::output_format::Kind;
        let encoded = |codec: v1::ImageCodec, quality| {
            Some(Kind::Encoded(v1::EncodedOutput { codec: codec.into(), quality }))
        };
        let raw =
            |format: v1::PixelFormat| Some(Kind::Raw(v1::RawOutput { format: format.into() }));
        let input = "width=1&height=1&pixel_format=gray8";
        assert_eq!(output("format=png"), encoded(v1::ImageCodec::Png, 0));
        assert_eq!(output("format=jpg&quality=80"), encoded(v1::ImageCodec::Jpeg, 80));
        assert_eq!(output("quality=80"), encoded(v1::ImageCodec::Unspecified, 80));
        assert_eq!(output(&format!("{input}&format=webp")), encoded(v1::ImageCodec::Webp, 0));
        assert_eq!(output("format=raw"), raw(v1::PixelFormat::Unspecified));
        let both = "format=raw&output_pixel_format=rgb8";
        assert_eq!(output(both), raw(v1::PixelFormat::Rgb8));
        let pixels = format!("{input}&output_pixel_format=gray8");
        assert_eq!(output(&pixels), raw(v1::PixelFormat::Gray8));
    }

    #[test]
    fn mistakes_say_where_and_what_is_allowed() {
        let raw = "width=2&height=2&pixel_format=gray8";
        for (query, field, allowed) in [
            ("colour=red".to_owned(), "colour", "filter"),
            ("format=png&format=png".into(), "format", ""),
            ("format=gif".into(), "format", "webp"),
            ("quality=0".into(), "quality", ""),
            ("quality=101".into(), "quality", ""),
            ("quality=x".into(), "quality", ""),
            ("format=raw&quality=9".into(), "quality", ""),
            (format!("{raw}&quality=9"), "quality", ""),
            ("accelerator=tpu".into(), "accelerator", "cuda"),
            ("timeout_ms=0".into(), "timeout_ms", ""),
            ("timeout_ms=600001".into(), "timeout_ms", ""),
            ("width=2&height=2".into(), "pixel_format", "pixel_format"),
            ("stride=2".into(), "width", "width"),
            ("height=2&pixel_format=gray8".into(), "width", "width"),
            ("width=-1&height=2&pixel_format=gray8".into(), "width", ""),
            ("width=2&height=2&pixel_format=yuyv".into(), "pixel_format", "i420"),
            ("output_pixel_format=gray8".into(), "output_pixel_format", ""),
            ("format=png&output_pixel_format=gray8".into(), "output_pixel_format", ""),
            ("format=raw&output_pixel_format=yuyv".into(), "output_pixel_format", "rgba8"),
            ("filter=blur&filter=blur:".into(), "filter[1]", "id"),
        ] {
            let failure = read(&query).unwrap_err();
            assert_eq!(failure.kind, ErrorKind::InvalidArgument, "{query}");
            assert_eq!(failure.field, field, "{query}");
            let listed = allowed.is_empty() || failure.allowed.iter().any(|name| name == allowed);
            assert!(listed, "{query}: {:?}", failure.allowed);
        }
        let many = "filter=a&".repeat(33);
        assert_eq!(read(many.trim_end_matches('&')).unwrap_err().kind, ErrorKind::TooLarge);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "(filter|width|format|=|&|%|[a-z0-9:,]){0,40}|.{0,60}") {
            if let Err(failure) = read(&query) {
                prop_assert!(!failure.message.is_empty() && failure.field.len() <= 160);
            }
        }
    }
}
