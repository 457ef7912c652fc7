use bytes::BufMut as _;

use super::*;

/// Feeds bytes to a parser in pieces of those lengths, and then the rest, as a socket would.
pub(super) fn parse(
    bytes: &[u8],
    pieces: impl IntoIterator<Item = usize>,
) -> (Vec<String>, Option<Broken>) {
    let (mut parser, mut rest, mut ops) = (Parser::new(), bytes, Vec::new());
    let mut pieces = pieces.into_iter();
    loop {
        loop {
            match parser.next() {
                Ok(Some(op)) => ops.push(show(&op)),
                Ok(None) => break,
                Err(broken) => return (ops, Some(broken)),
            }
        }
        if rest.is_empty() {
            return (ops, None);
        }
        let mut space = parser.space();
        let room = space.remaining_mut();
        assert!(room > 0, "a socket would seem to be closed");
        let piece = pieces.next().unwrap_or(rest.len()).clamp(1, room.min(rest.len()));
        space.put_slice(&rest[..piece]);
        rest = &rest[piece..];
    }
}

fn show(op: &Op) -> String {
    let Op::Message { subscription, message, faults } = op else { return format!("{op:?}") };
    let Message { subject, reply, payload, headers, status, description, length } = message;
    let mut lines: Vec<_> = (headers.iter())
        .flat_map(|headers| headers.iter())
        .map(|(name, values)| format!("{name}={values:?}"))
        .collect();
    lines.sort();
    let some = headers.is_some();
    format!(
        "{subscription} {subject} {reply:?} {payload:?} {some} {lines:?} {status:?} \
         {description:?} {length} {faults:?}"
    )
}

fn one(bytes: &[u8]) -> Op {
    let (mut parser, mut rest) = (Parser::new(), bytes);
    loop {
        if let Some(op) = parser.next().unwrap() {
            return op;
        }
        let mut space = parser.space();
        let piece = space.remaining_mut().min(rest.len());
        space.put_slice(&rest[..piece]);
        rest = &rest[piece..];
    }
}

fn message(bytes: &[u8]) -> (u64, Message, Faults) {
    match one(bytes) {
        Op::Message { subscription, message, faults } => (subscription, message, faults),
        op => panic!("{op:?}"),
    }
}

fn broken(bytes: &[u8]) -> bool {
    parse(bytes, []).1.is_some()
}

/// A conversation with every operation, and with messages of which something cannot be read.
pub(super) fn conversation() -> Vec<u8> {
    let mut bytes = b"INFO {\"max_payload\":1048576,\"tls_required\":false}\r\n".to_vec();
    bytes.extend_from_slice(b"+OK\r\nPING\r\nPONG\r\n-ERR 'Stale Connection'\r\n");
    bytes.extend_from_slice(b"MSG a.b 1 5\r\nhello\r\nMSG a.b 2 _INBOX.x 0\r\n\r\n");
    bytes.extend_from_slice(b"MSG a.\xff 2 4\r\nMSG \r\nMSG a 3 r\xfc 3\r\nabc\r\n");
    for (subject, header) in [
        ("x 1", &b"A: one\r\nB: two\r\n"[..]),
        ("x 1 reply", b"City: M\xfcnchen\r\n"),
        ("x\t1 reply", b"no colon\r\nA: one\r\n"),
        ("x 1", b""),
    ] {
        let block = [b"NATS/1.0\r\n", header, b"\r\n"].concat();
        let (head, payload) = (block.len(), b"payload");
        let line = format!("HMSG {subject} {head} {}\r\n", head + payload.len());
        bytes.extend_from_slice(&[line.as_bytes(), &block, payload, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"HMSG x 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\nPING\r\n");
    bytes
}

/// A message with that many bytes of headers and of payload.
fn sized(headers: usize, payload: usize) -> Vec<u8> {
    let mut block = b"NATS/1.0\r\nA: ".to_vec();
    block.resize(headers - 4, b'h');
    block.extend_from_slice(b"\r\n\r\n");
    let payload: Vec<u8> = (0..payload).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let line = format!("HMSG big 1 {headers} {}\r\n", headers + payload.len());
    [line.as_bytes(), &block, &payload, b"\r\n"].concat()
}

#[test]
fn every_operation_is_read() {
    let (subscription, read, faults) = message(b"MSG a.b 7 _INBOX.1 5\r\nhello\r\n");
    assert_eq!((subscription, faults), (7, Faults::default()));
    assert_eq!((read.subject.as_str(), read.reply.as_deref()), ("a.b", Some("_INBOX.1")));
    assert_eq!((&read.payload[..], read.headers), (&b"hello"[..], None));
    assert_eq!(read.length, 3 + 8 + 5);
    let (.., read, _) = message(b"HMSG a 1 20 25\r\nNATS/1.0\r\nA: one\r\n\r\nhello\r\n");
    assert_eq!(read.reply, None);
    assert_eq!(read.headers.unwrap().get("A").unwrap().as_str(), "one");
    assert_eq!(&read.payload[..], b"hello");
    let Op::Info(info) = one(b"INFO {\"connect_urls\":[\"a:1\"],\"ldm\":true,\"x\":1}\r\n") else {
        panic!("not an INFO")
    };
    assert!(info.lame_duck && !info.tls_required);
    assert_eq!(info.connect_urls, ["a:1"]);
    assert!(matches!(one(b"-ERR 'No'\r\n"), Op::Error(text) if text == "No"));
}

#[test]
fn what_a_sender_gets_wrong_costs_one_message() {
    let (ops, broken) = parse(&conversation(), []);
    assert_eq!(broken, None);
    assert_eq!(ops.len(), 15);
    assert_eq!(ops[7], "Unreadable { subscription: 2 }");
    assert_eq!(ops[8], "Unreadable { subscription: 3 }");
    assert!(ops[10].contains("value: true"), "{}", ops[10]);
    assert!(ops[11].contains("line: true") && ops[11].contains("one"), "{}", ops[11]);
    assert_eq!(ops[14], "Ping");
}

#[test]
fn pieces_of_any_length_make_no_difference() {
    let bytes = conversation();
    let whole = parse(&bytes, []);
    for at in 1..bytes.len() {
        assert_eq!(parse(&bytes, [at]), whole, "in two pieces, the first of {at} bytes");
    }
    for length in [1, 2, 3, 7, 64] {
        assert_eq!(parse(&bytes, std::iter::repeat(length)), whole, "in pieces of {length} bytes");
    }
}

#[test]
fn large_messages_are_read_whichever_way_they_arrive() {
    for (headers, payload) in [
        (20, LARGE - 20),
        (20, LARGE - 19),
        (20, 1_000_000),
        (40_000, 40_000),
        (60_000, 0),
        (20, 64 * 1024 - 44),
    ] {
        let bytes = [sized(headers, payload), b"PING\r\n".to_vec(), sized(20, 3)].concat();
        let whole = parse(&bytes, []);
        assert_eq!((whole.0.len(), whole.1), (3, None), "{headers} + {payload}");
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let end = line + headers + payload;
        for at in [1, line - 1, line, line + 1, line + headers, end - 1, end, end + 1, end + 2] {
            assert_eq!(parse(&bytes, [at]), whole, "{headers} + {payload}, cut at {at}");
        }
        for length in [1_000, 16_384, 50_000] {
            assert_eq!(parse(&bytes, std::iter::repeat(length)), whole, "pieces of {length}");
        }
        let (.., read, _) = message(&bytes);
        assert_eq!(read.payload.len(), payload);
        assert!(read.payload.iter().enumerate().all(|(i, byte)| usize::from(*byte) == i % 251));
    }
}

#[test]
fn a_long_line_is_read_and_an_endless_one_is_not() {
    let urls: Vec<_> = (0..20_000).map(|i| format!("\"host-{i}:4222\"")).collect();
    let info = format!("INFO {{\"connect_urls\":[{}]}}\r\nPING\r\n", urls.join(","));
    assert!(info.len() > 128 * 1024);
    let (ops, broken) = parse(info.as_bytes(), std::iter::repeat(10_000));
    assert_eq!((ops.len(), broken), (2, None));
    let endless = vec![b'x'; MAX_LINE * 2];
    assert_eq!(parse(&endless, []), (vec![], Some(Broken("a line has no end"))));
}

#[test]
fn broken_framing_is_an_error() {
    for bytes in [
        &b"HELLO\r\n"[..],
        b"\r\n",
        b"MSG a 1\r\n",
        b"MSG a 1 2 3 4\r\n",
        b"MSG a one 2\r\n",
        b"MSG a 1 -2\r\n",
        b"MSG a 1 2\r\nabcd\r\n",
        b"MSG a 1 99999999999\r\n",
        b"MSG a 1 99999999999999999999999\r\n",
        b"HMSG a 1 5\r\n",
        b"HMSG a 1 r 5 4\r\n",
        b"HMSG a 1 r 5 6 7\r\n",
        b"INFO {\r\n",
        b"MSG a\xff 1 2\r\nabcd\r\n",
    ] {
        assert!(broken(bytes), "{}", String::from_utf8_lossy(bytes));
    }
    assert!(!broken(b"MSG a 1 2\r\nab\r\n"));
}

#[test]
fn a_large_broker_may_send_large_messages() {
    let mut parser = Parser::new();
    parser.limit(MAX_MESSAGE + 1);
    let line = format!("MSG a 1 {}\r\n", MAX_MESSAGE + 1);
    parser.space().put_slice(line.as_bytes());
    assert!(parser.next().unwrap().is_none());
    assert!(broken(line.as_bytes()));
}
