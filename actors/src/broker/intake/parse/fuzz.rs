//! Mutated conversations: whatever a server sends, the parser neither panics nor reads pieces
//! differently from the whole; and mutated headers: whatever a sender puts into them, they are read
//! or refused, and what is passed on of them can be read again.
//!
//! `OCELLI_FUZZ_SECONDS` makes each go on for that long.

use std::time::Duration;

use ocelli_messages::header;
use ocelli_testkit::fuzz::{Fuzz, Random};
use prost::Message as _;

use super::tests::{conversation, parse};
use crate::broker::{delivery, intake::headers};

/// What is not in a header: the context of a message keeps so many bytes of three of them.
const MOST_PASSED_ON: usize = 3 * 8192;

#[test]
fn whatever_a_server_sends_is_read_or_refused() {
    let words = [
        &b"\r\n"[..],
        b"MSG ",
        b"HMSG ",
        b"PING\r\n",
        b"INFO {}\r\n",
        b"-ERR 'x'\r\n",
        b" ",
        b"\t",
        b"\xff",
        b"0",
        b"65536",
        b"20000",
        b"NATS/1.0\r\n",
        b": ",
    ];
    // Long enough to leave the buffer.
    let fuzz = Fuzz::new("NATS protocol", [conversation()]).longest(128 * 1024);
    let check = |bytes: &[u8]| {
        let mut random = Random::of(bytes);
        let pieces: Vec<usize> = (0..8).map(|_| 1 + random.below(200)).collect();
        let whole = parse(bytes, []);
        assert_eq!(parse(bytes, pieces.iter().copied()), whole, "{pieces:?}");
        whole.1.is_none()
    };
    fuzz.words(&words).executions(3_000).run(check).unwrap();
}

#[test]
fn whatever_a_sender_puts_into_headers_is_read_or_refused() {
    let corpus = [
        &b"NATS/1.0\r\n\r\n"[..],
        b"NATS/1.0 503 No Responders\r\n\r\n",
        b"NATS/1.0\r\nOcelli-Request-Id: my-request-1\r\nOcelli-Deadline: 99999999999999\r\n\
          Ocelli-Keepalive: 1000\r\nOcelli-Caller: 127.0.0.1\r\n\r\n",
        b"NATS/1.0\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
          tracestate: vendor=1\r\nbaggage: user=7,\r\n more=8\r\n\r\n",
    ];
    let words = [
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b"\r\n ",
        b"\r\n\t",
        b": ",
        b"NATS/1.0",
        b"\r\nOcelli-Request-Id:",
        b"\r\nOcelli-Deadline: -1",
        b"\r\nOcelli-Deadline: 18446744073709551616",
        b"\r\nOcelli-Keepalive: 0",
        b"\r\nOcelli-Caller: ",
        b"\r\ntraceparent: ",
        b"\r\nbaggage: ",
        b"\xfc",
        b"\0",
    ];
    let fuzz = Fuzz::new("NATS headers", corpus).words(&words).longest(96 * 1024);
    fuzz.run(|block| {
        let read = headers::read(block);
        assert!(
            read.map.iter().map(|(name, _)| AsRef::<str>::as_ref(name).len()).sum::<usize>()
                <= 64 * 1024
        );
        let timeout = Duration::from_secs(5);
        if let Some(every) = delivery::headers::keepalive(Some(&read.map)) {
            assert!((100..=60_000).contains(&every.as_millis()), "{every:?}");
        }
        match delivery::headers::read(Some(&read.map), timeout) {
            Ok(context) => {
                assert!((1..=128).contains(&context.request_id.len()));
                assert!(context.caller.as_ref().is_none_or(|caller| caller.len() <= 128));
                let written = delivery::headers::write(&context);
                assert!(delivery::headers::len(&written) <= MOST_PASSED_ON);
                let again = delivery::headers::read(Some(&written), timeout).unwrap();
                assert_eq!(again, context);
                true
            }
            Err(failure) => {
                assert!([header::REQUEST_ID, header::DEADLINE].contains(&failure.field.as_str()));
                assert!(failure.to_wire("id").encoded_len() < 8 * 1024, "{failure:?}");
                false
            }
        }
    })
    .unwrap();
}
