//! Mutated input for the gateway's parsers: forms, queries and headers.
//!
//! The mutations are the same in each run. `OCELLI_FUZZ_SECONDS=60` goes on for that long per
//! parser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "the number of executions is a result")]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ocelli_ingest::{multipart, query::Parameters};
use ocelli_messages::{Failure, Limits, MessageContext, header};
use tokio::time::Instant;

/// How many inputs each parser gets in a normal run.
const INPUTS: usize = 20_000;
/// The longest input.
const LONGEST: usize = 4_096;

/// Makes inputs out of others.
struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
    /// Texts that mean something to the parser.
    words: &'static [&'static str],
}

impl Mutator {
    fn new(corpus: &[&[u8]], words: &'static [&'static str]) -> Self {
        let corpus = corpus.iter().map(|seed| seed.to_vec()).collect();
        Self { state: 0x9e37_79b9_7f4a_7c15, corpus, words }
    }

    /// A number below `end` (xorshift64).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % end.max(1)
    }

    fn next(&mut self) -> Vec<u8> {
        let seed = self.below(self.corpus.len());
        let mut input = self.corpus[seed].clone();
        for _ in 0..=self.below(8) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let to = at + self.below(input.len() - at + 1);
        match self.below(7) {
            0 => drop(input.drain(at..to)),
            1 => input.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 if at < input.len() => input[at] ^= 1 << self.below(8),
            3 => {
                let again = input[at..to].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let other = self.below(self.corpus.len());
                let other = self.corpus[other].clone();
                let from = self.below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let word = self.words[self.below(self.words.len())];
                input.splice(at..at, word.bytes());
            }
        }
    }

    /// Calls `check` with inputs; it says whether the parser took the input. Both must happen, or
    /// the mutations test nothing.
    fn run(mut self, mut check: impl FnMut(&[u8]) -> bool) {
        for seed in self.corpus.clone() {
            assert!(check(&seed), "{}", String::from_utf8_lossy(&seed));
        }
        let seconds = std::env::var("OCELLI_FUZZ_SECONDS");
        let until = seconds.ok().map(|seconds| {
            let seconds = seconds.parse().expect("OCELLI_FUZZ_SECONDS is a whole number");
            Instant::now() + Duration::from_secs(seconds)
        });
        let (mut taken, mut inputs) = (0_usize, 0_usize);
        while inputs < INPUTS || until.is_some_and(|until| Instant::now() < until) {
            let input = self.next();
            inputs += 1;
            if check(&input) {
                taken += 1;
                // What is taken leads to inputs that come further; the list stays bounded.
                if self.corpus.len() < 512 {
                    self.corpus.push(input);
                } else {
                    let place = self.below(512);
                    self.corpus[place] = input;
                }
            }
        }
        println!("{inputs} inputs, {taken} taken");
        assert!(taken > INPUTS / 100 && inputs - taken > INPUTS / 100, "{taken} of {inputs}");
    }
}

/// A refusal that is fit to be sent: it says something, and not without end.
fn is_fit(failure: &Failure) {
    assert!(!failure.message.is_empty());
    let bytes = failure.message.len() + failure.field.len();
    assert!(bytes < 4 * LONGEST, "{bytes} bytes: {failure}");
}

#[test]
fn forms() {
    let corpus: &[&[u8]] = &[
        b"--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=filter\r\n\r\nblur\r\n--XX--\r\n",
        b"before\r\n--XX \t\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a;b.png\"\r\n\
          Content-Type: image/png\r\n\r\n\x89PNG\r\n--X\r\n--XX\r\n\
          Content-Disposition: form-data; name=\"format\"\r\n\r\npng\r\n--XX--after",
    ];
    let words = &[
        "\r\n",
        "--",
        "--XX",
        "\r\n--XX\r\n",
        "\r\n--XX--",
        "\r\n\r\n",
        "Content-Disposition: form-data; name=a",
        "name=\"",
        "name*=UTF-8''%e4",
        "\\\"",
        ";",
    ];
    Mutator::new(corpus, words).run(|input| {
        match multipart::parse("XX", Bytes::copy_from_slice(input)) {
            Ok(parts) => {
                assert!(parts.len() <= 64);
                let bytes: usize = parts.iter().map(|part| part.data.len()).sum();
                assert!(bytes <= input.len(), "{bytes} bytes out of {}", input.len());
                for part in &parts {
                    assert!(
                        part.data.is_empty()
                            || input.windows(part.data.len()).any(|w| w == part.data),
                        "{part:?} is not in the body",
                    );
                }
                true
            }
            Err(failure) => {
                is_fit(&failure);
                assert_eq!(failure.field, "body");
                false
            }
        }
    });
}

#[test]
fn queries() {
    let corpus: &[&[u8]] = &[
        b"",
        b"filter=blur%3Asigma%3D2&filter=gray+scale&format=png",
        b"filter=redact:boxes=1 2 3 4;5 6 7 8&quality=90&format=jpeg&timeout_ms=250",
        b"width=640&height=480&pixel_format=nv12&stride=700&accelerator=cuda&format=raw&output_pixel_format=rgb8",
    ];
    let words = &[
        "&",
        "=",
        "%",
        "%00",
        "%ff",
        "+",
        ",",
        ":",
        "filter=",
        "format=raw",
        "quality=101",
        "width=4294967296",
        "height=0",
        "-1",
        "pixel_format=i420",
        "&&",
        "ä",
    ];
    let limits = Limits::default();
    Mutator::new(corpus, words).run(|input| {
        let query = String::from_utf8_lossy(input);
        let read = Parameters::from_query(&query).and_then(|read| read.image_request(&limits));
        match read {
            Ok(request) => {
                assert!(request.pipeline.steps.len() <= limits.max_steps);
                let whole = request.raw.is_none_or(|raw| raw.width > 0 && raw.height > 0);
                assert!(whole, "{query}");
                true
            }
            Err(failure) => {
                is_fit(&failure);
                false
            }
        }
    });
}

#[test]
fn headers() {
    // One header a line, as they come off the wire.
    let corpus: &[&[u8]] = &[
        b"",
        b"Ocelli-Request-Id:my-request-1\nOcelli-Deadline:99999999999999",
        b"traceparent:00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\ntracestate:vendor=1,b=2\nbaggage:user=7",
    ];
    let words = &[
        "\n",
        "Ocelli-Request-Id:",
        "Ocelli-Deadline:",
        "Ocelli-Caller:",
        "traceparent:",
        "00-",
        "-01",
        "\nOcelli-Deadline:18446744073709551616\n",
        "\nOcelli-Request-Id:two words\n",
        "-1",
        "\u{fffd}",
        " ",
    ];
    let now = SystemTime::now();
    Mutator::new(corpus, words).run(|input| {
        let text = String::from_utf8_lossy(input);
        let find = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        match MessageContext::read(find, now, Duration::from_secs(1)) {
            Ok(context) => {
                assert!(!context.request_id.is_empty());
                // What is passed on can be read again, and means the same.
                let passed_on: Vec<_> = context.pairs().collect();
                let again = |name: &str| {
                    let mut pairs = passed_on.iter();
                    pairs.find(|(is, _)| *is == name).map(|(_, value)| value.as_str())
                };
                let again = MessageContext::read(again, now, Duration::from_secs(1)).unwrap();
                assert_eq!(again.request_id, context.request_id);
                assert_eq!(again.deadline, context.deadline);
                assert!(
                    again.caller.is_none_or(|caller| caller.len() <= 128),
                    "{}",
                    header::CALLER
                );
                true
            }
            Err(failure) => {
                is_fit(&failure);
                false
            }
        }
    });
}
