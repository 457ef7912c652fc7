//! Reads `multipart/form-data` (RFC 7578) from a body that is in memory, and bounded in size.

use actix_web::http::header::{ContentDisposition, HeaderValue};
use bytes::Bytes;
use memchr::memmem;
use ocelli_messages::Failure;

/// The most parts that a form may have; those of the gateway have at most a dozen.
const MAX_PARTS: usize = 64;
/// The most bytes that the headers of a part may have: they are its name, file name and type.
const MAX_HEADERS: usize = 8 * 1024;

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the field, from `Content-Disposition`.
    pub name: String,
    /// The content of the field, a slice of the body.
    pub data: Bytes,
}

/// Splits a body into its parts.
///
/// # Errors
/// `invalid_argument` if the body is not a form with that boundary, or has more than 64 parts.
pub fn parse(boundary: &str, mut body: Bytes) -> Result<Vec<Part>, Failure> {
    if !(1..=70).contains(&boundary.len()) {
        return Err(broken("the boundary must have 1 to 70 characters"));
    }
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = if body.starts_with(delimiter.trim_start().as_bytes()) {
        body.split_off(delimiter.len() - 2)
    } else {
        let (_preamble, rest) = split(body, delimiter.as_bytes())
            .ok_or_else(|| broken("the boundary that Content-Type states is not in the body"))?;
        rest
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == MAX_PARTS {
            return Err(broken(format!("a form has at most {MAX_PARTS} parts")));
        }
        let (padding, part) =
            split(rest, b"\r\n").ok_or_else(|| broken("the body is cut off after a boundary"))?;
        if !padding.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(broken("a boundary is followed by something other than a line break"));
        }
        let (part, after) = split(part, delimiter.as_bytes())
            .ok_or_else(|| broken("a part is cut off: no boundary follows it"))?;
        let (headers, data) = split(part, b"\r\n\r\n")
            .filter(|(headers, _)| headers.len() <= MAX_HEADERS)
            .ok_or_else(|| broken("a part has no headers, or more than 8 KiB of them"))?;
        let name = name(&headers)
            .ok_or_else(|| broken("a part has no `Content-Disposition: form-data; name=\"…\"`"))?;
        parts.push(Part { name, data });
        rest = after;
    }
    Ok(parts)
}

fn broken(message: impl Into<String>) -> Failure {
    Failure::invalid(
        "body",
        format!("the body is not valid multipart/form-data: {}", message.into()),
    )
}

/// Splits at the first `needle`, into what comes before it and what comes after it.
fn split(mut data: Bytes, needle: &[u8]) -> Option<(Bytes, Bytes)> {
    let at = memmem::find(&data, needle)?;
    let mut after = data.split_off(at);
    let after = after.split_off(needle.len());
    Some((data, after))
}

fn name(headers: &[u8]) -> Option<String> {
    let headers = std::str::from_utf8(headers).ok()?;
    let value = headers.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
    })?;
    let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    let disposition = ContentDisposition::from_raw(&value).ok()?;
    disposition.is_form_data().then(|| disposition.get_name().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    fn form(parts: &[(&str, &[u8])]) -> Bytes {
        let mut body = Vec::new();
        for (name, data) in parts {
            let head = format!(
                "--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a;b.png\"\r\n\
                 Content-Type: image/png\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        body.into()
    }

    #[test]
    fn what_browsers_and_curl_send() {
        let parts =
            parse("XX", form(&[("filter", b"blur"), ("image", b"a\r\n-b\r\n--X")])).unwrap();
        let parts: Vec<_> = parts.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
        assert_eq!(parts, [("filter", &b"blur"[..]), ("image", &b"a\r\n-b\r\n--X"[..])]);
        assert_eq!(parse("XX", form(&[])).unwrap(), []);
    }

    #[test]
    fn preamble_padding_and_epilogue_are_skipped() {
        let body =
            "ignored\r\n--XX \t\r\ncontent-DISPOSITION:form-data;name=a\r\n\r\n1\r\n--XX--more";
        let parts = parse("XX", Bytes::from_static(body.as_bytes())).unwrap();
        assert_eq!(parts, [Part { name: "a".into(), data: Bytes::from_static(b"1") }]);
    }

    #[test]
    fn broken_bodies_say_why() {
        let many = form(&[("a", b"1".as_slice()); MAX_PARTS + 1]);
        for (body, why) in [
            (&b""[..], "is not in the body"),
            (b"abc", "is not in the body"),
            (b"--XX", "cut off after a boundary"),
            (b"--XXY\r\n", "something other than a line break"),
            (b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "no boundary follows"),
            (b"--XX\r\n\r\n1\r\n--XX--", "no headers"),
            (b"--XX\r\nA: b\r\n\r\n1\r\n--XX--", "Content-Disposition"),
            (
                b"--XX\r\nContent-Disposition: inline; name=a\r\n\r\n1\r\n--XX--",
                "Content-Disposition",
            ),
            (&many, "at most 64 parts"),
        ] {
            let failure = parse("XX", Bytes::copy_from_slice(body)).unwrap_err();
            assert!(failure.message.contains(why), "{failure}");
            assert_eq!(failure.field, "body");
        }
        assert!(parse("", Bytes::from_static(b"--\r\n")).is_err());
    }

    proptest! {
        #[test]
        fn parts_come_out_as_they_went_in(
            parts in collection::vec(("[a-z_]{1,9}", collection::vec(any::<u8>(), 0..200)), 0..9),
        ) {
            let refs: Vec<_> = parts.iter().map(|(name, data)| (name.as_str(), &data[..])).collect();
            prop_assume!(refs.iter().all(|(_, data)| memmem::find(data, b"--XX").is_none()));
            let read = parse("XX", form(&refs)).unwrap();
            let read: Vec<_> = read.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
            prop_assert_eq!(read, refs);
        }

        #[test]
        fn no_body_makes_it_panic(body in r"(--|XX|\r\n|:|form-data; name=|Content-Disposition|.){0,30}") {
            let length = body.len();
            if let Ok(parts) = parse("XX", Bytes::from(body.into_bytes())) {
                prop_assert!(parts.iter().map(|part| part.data.len()).sum::<usize>() <= length);
            }
        }
    }
}
