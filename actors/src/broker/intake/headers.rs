//! Reads the headers of a message as far as they can be read.

use std::str::FromStr as _;

use async_nats::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The bytes of headers that are read. Ours have at most 8 KiB of baggage and some hundred bytes
/// more; what a sender puts behind that must not fill the memory of the worker.
const MAX_HEADERS: usize = 64 * 1024;

/// What was wrong with the headers of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// A value was not UTF-8. The bytes that are wrong were replaced.
    pub(super) value: bool,
    /// A line was no header. It was left out.
    pub(super) line: bool,
    /// There were too many headers. The last ones were left out.
    pub(super) size: bool,
}

/// The readable part of a block of headers.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    pub(super) map: HeaderMap,
    pub(super) status: Option<StatusCode>,
    pub(super) description: Option<String>,
    pub(super) faults: Faults,
}

/// Reads a block of headers. A line that cannot be read costs itself only.
pub(super) fn read(block: &[u8]) -> Headers {
    let mut headers = Headers::default();
    let (block, cut) = limited(block);
    headers.faults.size = cut;
    let lines = block.split(|byte| *byte == b'\n');
    let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    match lines.next().and_then(|line| line.strip_prefix(b"NATS/1.0")) {
        Some(status) => headers.read_status(status),
        None => headers.faults.line = true,
    }
    let mut header: Option<(HeaderName, Vec<u8>)> = None;
    for line in lines {
        if let Some(b' ' | b'\t') = line.first() {
            // The value of the header before goes on. If that was left out, so is this.
            if let Some((_, value)) = &mut header {
                value.extend_from_slice(line);
            }
            continue;
        }
        headers.add(header.take());
        if line.is_empty() {
            continue;
        }
        header = name_and_value(line);
        headers.faults.line |= header.is_none();
    }
    headers.add(header);
    headers
}

/// As many whole lines as are read, and whether any are left out.
fn limited(block: &[u8]) -> (&[u8], bool) {
    match block.get(..MAX_HEADERS) {
        Some(first) if block.len() > MAX_HEADERS => {
            let whole_lines = memchr::memrchr(b'\n', first).unwrap_or(0);
            (first.get(..whole_lines).unwrap_or_default(), true)
        }
        _ => (block, false),
    }
}

fn name_and_value(line: &[u8]) -> Option<(HeaderName, Vec<u8>)> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = line.split_at(colon);
    let name = HeaderName::from_str(std::str::from_utf8(name).ok()?).ok()?;
    Some((name, value.get(1..)?.to_vec()))
}

impl Headers {
    fn read_status(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let text = text.trim();
        let (status, description) = text.split_once(' ').unwrap_or((text, ""));
        if status.is_empty() {
            return;
        }
        self.status = StatusCode::from_str(status).ok();
        self.faults.line |= self.status.is_none();
        let description = description.trim();
        self.description = (!description.is_empty()).then(|| description.to_owned());
    }

    fn add(&mut self, header: Option<(HeaderName, Vec<u8>)>) {
        let Some((name, value)) = header else { return };
        let value = String::from_utf8(value).unwrap_or_else(|error| {
            self.faults.value = true;
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        // A value must not contain a carriage return of its own.
        match HeaderValue::from_str(value.trim()) {
            Ok(value) => self.map.append(name, value),
            Err(_) => self.faults.line = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'a>(headers: &'a Headers, name: &str) -> Vec<&'a str> {
        headers.map.get_all(name).map(HeaderValue::as_str).collect()
    }

    #[test]
    fn good_headers_are_read_as_they_are() {
        let headers = read(b"NATS/1.0\r\nA: one\r\nA:two \r\nB: long\r\n  er\r\nC:\r\n\r\n");
        assert_eq!(values(&headers, "A"), ["one", "two"]);
        assert_eq!(values(&headers, "B"), ["long  er"]);
        assert_eq!(values(&headers, "C"), [""]);
        assert_eq!((headers.status, headers.faults), (None, Faults::default()));
    }

    #[test]
    fn a_status_is_read() {
        let headers = read(b"NATS/1.0 503 No Responders\r\n\r\n");
        assert_eq!(headers.status, Some(StatusCode::NO_RESPONDERS));
        assert_eq!(headers.description.as_deref(), Some("No Responders"));
        assert_eq!(headers.faults, Faults::default());
    }

    #[test]
    fn a_value_in_latin_1_is_replaced_where_it_is_wrong() {
        let headers = read(b"NATS/1.0\r\nCity: M\xfcnchen\r\nA: one\r\n\r\n");
        assert_eq!(values(&headers, "City"), ["M\u{fffd}nchen"]);
        assert_eq!(values(&headers, "A"), ["one"]);
        assert_eq!(headers.faults, Faults { value: true, ..Faults::default() });
    }

    #[test]
    fn a_line_that_is_no_header_is_left_out_with_what_continues_it() {
        for line in ["no colon", "two words: x", "caf\u{e9}: x", "a\rb: x", "A: b\rc"] {
            let block = format!("NATS/1.0\r\nB: 1\r\n{line}\r\n more\r\nC: 2\r\n\r\n");
            let headers = read(block.as_bytes());
            assert_eq!(headers.map.len(), 2, "{line:?}");
            assert_eq!((values(&headers, "B"), values(&headers, "C")), (vec!["1"], vec!["2"]));
            assert_eq!(headers.faults, Faults { line: true, ..Faults::default() }, "{line:?}");
        }
    }

    #[test]
    fn without_a_version_line_the_others_are_read() {
        for first in ["HTTP/1.1 200", "NATS/1.0 many"] {
            let headers = read(format!("{first}\r\nA: one\r\n\r\n").as_bytes());
            assert_eq!(values(&headers, "A"), ["one"]);
            assert!(headers.faults.line);
        }
        assert!(read(b"").faults.line);
    }

    #[test]
    fn what_is_over_the_limit_is_left_out_in_whole_lines() {
        let mut block = b"NATS/1.0\r\nA: one\r\n".to_vec();
        while block.len() <= MAX_HEADERS {
            block.extend_from_slice(b"B: 0123456789\r\n");
        }
        block.extend_from_slice(b"C: two\r\n\r\n");
        let headers = read(&block);
        assert_eq!(values(&headers, "A"), ["one"]);
        assert!(values(&headers, "B").iter().all(|value| *value == "0123456789"));
        assert!(values(&headers, "C").is_empty());
        assert_eq!(headers.faults, Faults { size: true, ..Faults::default() });
    }
}
