//! The protocol that a NATS server speaks: bytes in, operations out, without any I/O.
//!
//! What a sender puts into a message can spoil only that message. Only bytes that break the framing
//! end the connection, because nobody knows where the next message begins then.

use std::str::FromStr;

use async_nats::{Message, Subject};
use bytes::{Bytes, buf::Limit};
use serde::Deserialize;

use super::{
    buffer::{Buffer, Exact},
    headers::{self, Faults},
};

/// A message larger than this whose end has not arrived is read into memory of its own, and not
/// through the buffer.
const LARGE: usize = 16 * 1024;
/// The longest line of a server. Only that with the addresses of a whole cluster is long.
const MAX_LINE: usize = 1024 * 1024;
/// The largest message, unless the server allows larger ones.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// What the server sent.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// A message for the subscription with this number.
    Message { subscription: u64, message: Message, faults: Faults },
    /// A message for the subscription with this number, whose subject or reply subject is not
    /// UTF-8.
    Unreadable { subscription: u64 },
    /// The question whether this client is there.
    Ping,
    /// The answer to a ping.
    Pong,
    /// An acknowledgement, which nobody asked for.
    Ok,
    /// What the server says about itself.
    Info(Info),
    /// The server refuses or reports something.
    Error(String),
}

/// What a server says about itself, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    /// Whether the connection must be encrypted.
    pub(super) tls_required: bool,
    /// The size of the largest message.
    pub(super) max_payload: usize,
    /// The servers of its cluster.
    pub(super) connect_urls: Vec<String>,
    /// Whether it is about to shut down.
    #[serde(rename = "ldm")]
    pub(super) lame_duck: bool,
}

/// The server broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker broke the protocol: {0}")]
pub(super) struct Broken(&'static str);

/// Turns bytes into operations.
#[derive(Debug)]
pub(super) struct Parser {
    buffer: Buffer,
    state: State,
    max_message: usize,
}

#[derive(Debug)]
enum State {
    /// A line is next.
    Line,
    /// A message is next.
    Body(Head),
    /// A message is being read into memory of its own.
    Large(Head, Parts),
    /// A message that cannot be read is being passed over.
    Skip { subscription: u64, left: usize },
}

/// The line that announces a message.
#[derive(Debug)]
struct Head {
    subscription: u64,
    subject: Subject,
    reply: Option<Subject>,
    /// The length of the headers, if there are any.
    headers: Option<usize>,
    total: usize,
}

/// The memory of a large message. Headers and payload are apart, so that whoever keeps the payload
/// keeps nothing else.
#[derive(Debug)]
struct Parts {
    headers: Exact,
    payload: Exact,
}

enum Line {
    Op(Op),
    Head(Head),
    Skip { subscription: u64, total: usize },
}

impl Parser {
    pub(super) fn new() -> Self {
        Self { buffer: Buffer::default(), state: State::Line, max_message: MAX_MESSAGE }
    }

    /// Sets the size of the largest message that the server accepts.
    pub(super) fn limit(&mut self, max_payload: usize) {
        self.max_message = max_payload.max(MAX_MESSAGE);
    }

    /// The memory that the next bytes of the server belong into. It is never empty.
    pub(super) fn space(&mut self) -> Limit<&mut Vec<u8>> {
        match &mut self.state {
            State::Large(_, parts) if parts.missing() > 0 => parts.space(),
            _ => self.buffer.space(),
        }
    }

    /// The next operation, or `None` if more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Op>, Broken> {
        loop {
            let op = match std::mem::replace(&mut self.state, State::Line) {
                State::Line => self.line()?,
                State::Body(head) => self.body(head)?,
                State::Large(head, parts) => self.large(head, parts)?,
                State::Skip { subscription, left } => self.skip(subscription, left)?,
            };
            match op {
                Step::Op(op) => return Ok(Some(op)),
                Step::Go(state) => self.state = state,
                Step::Wait(state) => {
                    self.state = state;
                    return Ok(None);
                }
            }
        }
    }

    fn line(&mut self) -> Result<Step, Broken> {
        let Some((line, length)) = self.buffer.line() else {
            let grown = self.buffer.grow(MAX_LINE);
            return grown.map(|()| Step::Wait(State::Line)).ok_or(Broken("a line has no end"));
        };
        let line = Line::read(line, self.max_message)?;
        self.buffer.advance(length);
        Ok(match line {
            Line::Op(op) => Step::Op(op),
            Line::Head(head) => Step::Go(State::Body(head)),
            Line::Skip { subscription, total } => {
                Step::Go(State::Skip { subscription, left: total })
            }
        })
    }

    fn body(&mut self, head: Head) -> Result<Step, Broken> {
        let unread = self.buffer.unread();
        let whole = unread.split_at_checked(head.total).filter(|(_, rest)| rest.len() >= 2);
        let Some((body, _)) = whole else {
            return Ok(if head.total > LARGE {
                let parts = Parts::new(&head);
                Step::Go(State::Large(head, parts))
            } else {
                Step::Wait(State::Body(head))
            });
        };
        let (headers, payload) = body.split_at(head.headers.unwrap_or(0));
        let length = head.total + 2;
        let op = head.message(headers, Bytes::copy_from_slice(payload));
        self.end(length)?;
        Ok(Step::Op(op))
    }

    fn large(&mut self, head: Head, mut parts: Parts) -> Result<Step, Broken> {
        let taken = parts.take(self.buffer.unread());
        self.buffer.advance(taken);
        if parts.missing() > 0 || self.buffer.unread().len() < 2 {
            return Ok(Step::Wait(State::Large(head, parts)));
        }
        self.end(2)?;
        let payload = Bytes::from(parts.payload.into_bytes());
        Ok(Step::Op(head.message(&parts.headers.into_bytes(), payload)))
    }

    fn skip(&mut self, subscription: u64, left: usize) -> Result<Step, Broken> {
        let taken = left.min(self.buffer.unread().len());
        self.buffer.advance(taken);
        let left = left - taken;
        if left > 0 || self.buffer.unread().len() < 2 {
            return Ok(Step::Wait(State::Skip { subscription, left }));
        }
        self.end(2)?;
        Ok(Step::Op(Op::Unreadable { subscription }))
    }

    /// Passes over `length` bytes, whose last two must end a message.
    fn end(&mut self, length: usize) -> Result<(), Broken> {
        let read = self.buffer.unread().get(..length).unwrap_or_default();
        if !read.ends_with(b"\r\n") {
            return Err(Broken("a message does not end where it should"));
        }
        self.buffer.advance(length);
        Ok(())
    }
}

enum Step {
    /// An operation is complete.
    Op(Op),
    /// It goes on with what was read already.
    Go(State),
    /// It goes on when more was read.
    Wait(State),
}

impl Parts {
    fn new(head: &Head) -> Self {
        let headers = head.headers.unwrap_or(0);
        Self { headers: Exact::new(headers), payload: Exact::new(head.total - headers) }
    }

    const fn missing(&self) -> usize {
        self.headers.missing() + self.payload.missing()
    }

    fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = self.headers.take(bytes);
        taken + self.payload.take(bytes.get(taken..).unwrap_or_default())
    }

    fn space(&mut self) -> Limit<&mut Vec<u8>> {
        if self.headers.missing() > 0 { self.headers.space() } else { self.payload.space() }
    }
}

impl Head {
    fn message(self, block: &[u8], payload: Bytes) -> Op {
        let headers = self.headers.map(|_| headers::read(block));
        let faults = headers.as_ref().map(|headers| headers.faults).unwrap_or_default();
        let (headers, status, description) = headers.map_or((None, None, None), |headers| {
            (Some(headers.map), headers.status, headers.description)
        });
        let length = self.subject.len() + self.reply.as_deref().map_or(0, str::len) + self.total;
        let Self { subscription, subject, reply, .. } = self;
        let message = Message { subject, reply, payload, headers, status, description, length };
        Op::Message { subscription, message, faults }
    }
}

impl Line {
    fn read(line: &[u8], max_message: usize) -> Result<Self, Broken> {
        if let Some(arguments) = line.strip_prefix(b"MSG ") {
            return Self::read_head(arguments, false, max_message);
        }
        if let Some(arguments) = line.strip_prefix(b"HMSG ") {
            return Self::read_head(arguments, true, max_message);
        }
        if let Some(info) = line.strip_prefix(b"INFO ") {
            let info = serde_json::from_slice(info);
            return Ok(Self::Op(Op::Info(info.map_err(|_| Broken("its INFO is not JSON"))?)));
        }
        if let Some(text) = line.strip_prefix(b"-ERR") {
            let text = String::from_utf8_lossy(text);
            return Ok(Self::Op(Op::Error(text.trim().trim_matches('\'').to_owned())));
        }
        Ok(Self::Op(match line {
            b"PING" => Op::Ping,
            b"PONG" => Op::Pong,
            b"+OK" => Op::Ok,
            _ => return Err(Broken("an operation is unknown")),
        }))
    }

    /// Reads `<subject> <subscription> [reply] [length of headers] <length>`.
    fn read_head(line: &[u8], with_headers: bool, max_message: usize) -> Result<Self, Broken> {
        let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|w| !w.is_empty());
        let mut next = || words.next();
        let (Some(subject), Some(subscription)) = (next(), next()) else {
            return Err(Broken("a message has too few arguments"));
        };
        let (reply, headers, total) = match (with_headers, next(), next(), next(), next()) {
            (false, Some(total), None, ..) => (None, None, total),
            (false, reply, Some(total), None, _) => (reply, None, total),
            (true, headers, Some(total), None, _) => (None, headers, total),
            (true, reply, headers, Some(total), None) => (reply, headers, total),
            _ => return Err(Broken("a message has the wrong number of arguments")),
        };
        let subscription = number(subscription)?;
        let (headers, total) = (headers.map(number).transpose()?, number(total)?);
        if total > max_message || headers.is_some_and(|headers| headers > total) {
            return Err(Broken("a message has an impossible length"));
        }
        let read = |subject: &[u8]| Subject::from_utf8(Bytes::copy_from_slice(subject));
        Ok(match (read(subject), reply.map(read).transpose()) {
            (Ok(subject), Ok(reply)) => {
                Self::Head(Head { subscription, subject, reply, headers, total })
            }
            _ => Self::Skip { subscription, total },
        })
    }
}

fn number<T: FromStr>(word: &[u8]) -> Result<T, Broken> {
    let word = std::str::from_utf8(word).ok();
    word.and_then(|word| word.parse().ok()).ok_or(Broken("a number of a message is none"))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
