//! Mutated subjects, names, filters, deadlines and traces: what is taken is written again as it
//! was, and an error can be sent.
//!
//! `OCELLI_FUZZ_SECONDS` makes each go on for that long.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, SystemTime};

use ocelli_messages::{
    Deadline, Place, Segment, StreamName, Tenant, TraceParent, parse_filter,
    subjects::{CANCEL, FILTER_LIST, FILTER_PROCESS, FRAME_IN, FRAME_OUT},
};
use ocelli_testkit::fuzz::Fuzz;
use prost::Message as _;

/// The bytes of an error on the wire.
const MOST: usize = 8 * 1024;

#[test]
fn subjects() {
    let corpus = [
        "ocelli.v1.default.req.filter.process",
        "ocelli.v1.acme.req.filter.list",
        "ocelli.v1.a_b-2.ctl.cancel",
        "ocelli.v1.default.frame.in.cam-1",
        "ocelli.v1.default.frame.out.cam-1",
    ];
    let words = [
        ".",
        "..",
        "*",
        ">",
        " ",
        "ocelli.v1.",
        "default",
        ".frame.in",
        ".frame.in.",
        "cam",
        "\r\n",
        "é",
    ];
    let run = Fuzz::new("subjects", corpus).words(&words).longest(70_000).run(|text| {
        let text = String::from_utf8_lossy(text);
        let mut taken = 0;
        for kind in [&FILTER_PROCESS, &FILTER_LIST, &CANCEL] {
            match kind.parse(&text) {
                Ok(tenant) => {
                    assert_eq!(kind.of(&tenant).to_string(), text);
                    assert_eq!(kind.row().tenant(&text), Ok(tenant));
                    taken += 1;
                }
                Err(error) => assert!(error.to_string().len() < MOST, "{error}"),
            }
        }
        for kind in [&FRAME_IN, &FRAME_OUT] {
            match kind.parse(&text) {
                Ok((tenant, stream)) => {
                    assert_eq!(kind.of(&tenant, &stream).to_string(), text);
                    assert_eq!(kind.row().tenant(&text), Ok(tenant));
                    taken += 1;
                }
                Err(error) => assert!(error.to_string().len() < MOST, "{error}"),
            }
        }
        assert!(taken <= 1, "{text:?} is of {taken} kinds");
        assert!(taken == 0 || text.len() < 256);
        taken == 1
    });
    run.unwrap();
}

#[test]
fn names_of_tenants_and_streams() {
    let words = [".", "*", ">", " ", "-", "_", "A", "é", "\n", "\0", "default"];
    let run = Fuzz::new("names", ["default", "cam-1", "a"]).words(&words).run(|text| {
        let text = String::from_utf8_lossy(text);
        let (tenant, stream) = (text.parse::<Tenant>(), text.parse::<StreamName>());
        assert_eq!(tenant.is_ok(), stream.is_ok(), "{text:?}");
        match tenant {
            Ok(tenant) => {
                assert_eq!(tenant.as_str(), text);
                let allowed =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
                assert!(text.len() <= 64 && text.chars().all(allowed), "{text:?}");
                true
            }
            Err(error) => {
                assert!(error.to_string().len() < MOST, "{error}");
                false
            }
        }
    });
    run.unwrap();
}

#[test]
fn filters() {
    let corpus = ["grayscale", "blur:kernel_size=7,sigma=1.5", "redact:boxes=1 2 3 4;5 6 7 8"];
    let words =
        [":", ",", "=", "==", ",,", "a=", "=a", ",a=1", "blur", "\0", "é", "\u{202e}", "\""];
    let run = Fuzz::new("filters", corpus).words(&words).longest(50_000).run(|text| {
        let text = String::from_utf8_lossy(text);
        match parse_filter(&text) {
            Ok(filter) => {
                assert!(!filter.id.is_empty() && text.starts_with(&filter.id));
                let pairs = filter.parameters.iter().map(|(key, value)| format!("{key}={value}"));
                let pairs: Vec<_> = pairs.collect();
                // Written again, it is read as the same, whatever the order was.
                let again = match &pairs[..] {
                    [] => filter.id.clone(),
                    pairs => format!("{}:{}", filter.id, pairs.join(",")),
                };
                assert_eq!(again.len(), text.len());
                assert_eq!(parse_filter(&again).unwrap(), filter);
                true
            }
            Err(failure) => {
                let bytes = failure.to_wire("id").encoded_len();
                assert!(bytes < MOST && !failure.message.is_empty(), "{bytes}: {failure}");
                false
            }
        }
    });
    run.unwrap();
}

#[test]
fn deadlines_and_traces() {
    let corpus = [
        "0",
        "1764600000000",
        "18446744073709551615",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ];
    let words = ["-", "+", "00-", "-01", "ff-", "18446744073709551616", "é", " ", "\0", "4bf92f35"];
    let now = SystemTime::now();
    let run = Fuzz::new("deadlines and traces", corpus).words(&words).run(|text| {
        let text = String::from_utf8_lossy(text);
        let deadline = text.parse::<Deadline>();
        if let Ok(deadline) = deadline {
            assert_eq!(deadline.to_string().parse(), Ok(deadline));
            let left = deadline.left(now);
            assert!(left.is_none_or(|left| left <= Duration::from_millis(u64::MAX)));
        }
        let trace = text.parse::<TraceParent>();
        if let Ok(trace) = &trace {
            assert_eq!(trace.to_string().parse().as_ref(), Ok(trace));
        }
        deadline.is_ok() || trace.is_ok()
    });
    run.unwrap();
}

#[test]
fn places() {
    let corpus = ["pipeline.steps[1].filter.parameters.sigma", "steps[1][2]", "filter[0]"];
    let words = ["[", "]", ".", "[0]", "[18446744073709551616]", "[-1]", "..", "]]", "é"];
    // Every text is a place; with an index stands for taken.
    let run = Fuzz::new("places", corpus).words(&words).run(|text| {
        let text = String::from_utf8_lossy(text);
        let place = Place::parse(&text);
        assert_eq!(place.to_string(), text);
        place.segments().iter().any(|segment| matches!(segment, Segment::Index(_)))
    });
    run.unwrap();
}
