//! One connection to a server, from the login to its end.

use std::{io, pin::Pin, task::Poll, time::Duration};

use bytes::BytesMut;
use ocelli_messages::{ErrorKind, Failure};
use tokio::{
    io::AsyncWrite as _,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use tracing::warn;

use super::{
    Subscription,
    headers::Faults,
    parse::{Broken, Info, Op, Parser},
    servers::Login,
    socket::{ReadWrite, Socket},
};
use crate::broker::LOGIN_REFUSED;

/// How often the server is asked whether it is there. It asks too, every second, but its question may
/// come behind seconds of messages; it does not count a client as gone that it hears from, so this is
/// more often than it looks.
const PING_EVERY: Duration = Duration::from_millis(500);
/// With this many pings unanswered, the server is gone.
const MAX_UNANSWERED: u32 = 4;
/// The bytes and the messages that are taken in before other tasks get a chance.
const TURN_BYTES: usize = 256 * 1024;
const TURN_MESSAGES: usize = 256;

/// What happened on the connection.
pub(super) enum Step {
    Message {
        subscription: usize,
        message: async_nats::Message,
        faults: Faults,
    },
    Unreadable {
        subscription: usize,
    },
    /// The server has registered all subscriptions.
    Up,
    Refused(Failure),
    Info(Info),
    Drained,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker did not answer {MAX_UNANSWERED} pings")]
    Silent,
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One connection to a server.
pub(super) struct Session {
    stream: Box<dyn ReadWrite>,
    parser: Parser,
    out: BytesMut,
    flushed: bool,
    subscriptions: usize,
    /// The pings sent, the answers received, and the answer that ends the drain.
    pings: u64,
    pongs: u64,
    last_pong: Option<u64>,
    ticks: Interval,
    /// Whether anything was received since the last tick.
    heard: bool,
    unanswered: u32,
    turn_bytes: usize,
    turn_messages: usize,
}

impl Session {
    /// Logs in and subscribes. Subscriptions are numbered from 1.
    pub(super) fn start(socket: Socket, login: &Login, subscriptions: &[Subscription]) -> Self {
        let Socket { stream, mut parser, info, encrypted } = socket;
        parser.limit(info.max_payload);
        let mut out = BytesMut::from(login.line(encrypted).as_bytes());
        for (number, Subscription { subject, queue }) in (1..).zip(subscriptions) {
            let number: u64 = number;
            let queue = queue.as_deref().unwrap_or_default();
            out.extend_from_slice(format!("SUB {subject} {queue} {number}\r\n").as_bytes());
        }
        let mut ticks = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = Self {
            stream,
            parser,
            out,
            flushed: true,
            subscriptions: subscriptions.len(),
            pings: 0,
            pongs: 0,
            last_pong: None,
            ticks,
            heard: true,
            unanswered: 0,
            turn_bytes: 0,
            turn_messages: 0,
        };
        session.ping();
        session
    }

    /// Whether the server has registered the subscriptions.
    pub(super) const fn is_up(&self) -> bool {
        self.pongs > 0
    }

    /// Ends the subscriptions. Whatever the server has sent until then still arrives, and then
    /// [`Step::Drained`] does.
    pub(super) fn drain(&mut self) {
        for number in 1..=self.subscriptions {
            self.out.extend_from_slice(format!("UNSUB {number}\r\n").as_bytes());
        }
        self.ping();
        self.last_pong = Some(self.pings);
    }

    fn ping(&mut self) {
        self.out.extend_from_slice(b"PING\r\n");
        self.pings += 1;
    }

    /// Waits until something happens. Nothing is lost if it is dropped before.
    pub(super) async fn step(&mut self) -> Result<Step, Lost> {
        loop {
            if self.turn_bytes >= TURN_BYTES || self.turn_messages >= TURN_MESSAGES {
                (self.turn_bytes, self.turn_messages) = (0, 0);
                tokio::task::yield_now().await;
            }
            match self.parser.next()? {
                Some(op) => {
                    if let Some(step) = self.take(op) {
                        return Ok(step);
                    }
                }
                None => self.exchange().await?,
            }
        }
    }

    /// Sends what is waiting, and reads once.
    async fn exchange(&mut self) -> Result<(), Lost> {
        let read = std::future::poll_fn(|cx| {
            while !self.out.is_empty() {
                match poll_write_buf(Pin::new(&mut self.stream), cx, &mut self.out) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(Lost::Closed)),
                    Poll::Ready(Ok(_)) => self.flushed = false,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                    Poll::Pending => break,
                }
            }
            if !self.flushed {
                match Pin::new(&mut self.stream).poll_flush(cx) {
                    Poll::Ready(flushed) => {
                        flushed?;
                        self.flushed = true;
                    }
                    Poll::Pending => {}
                }
            }
            // Also while messages arrive without a pause.
            if self.ticks.poll_tick(cx).is_ready() {
                return Poll::Ready(Ok(None));
            }
            let mut space = self.parser.space();
            match poll_read_buf(Pin::new(&mut self.stream), cx, &mut space) {
                Poll::Ready(Ok(0)) => Poll::Ready(Err(Lost::Closed)),
                Poll::Ready(Ok(length)) => Poll::Ready(Ok(Some(length))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                Poll::Pending => Poll::Pending,
            }
        });
        match read.await? {
            Some(length) => {
                self.heard = true;
                self.turn_bytes += length;
                Ok(())
            }
            None => self.tick(),
        }
    }

    /// Asks whether the server is there. Any byte counts as an answer: a server that sends much has
    /// its answer to the ping behind it.
    fn tick(&mut self) -> Result<(), Lost> {
        self.unanswered = if self.heard { 0 } else { self.unanswered + 1 };
        self.heard = false;
        if self.unanswered >= MAX_UNANSWERED {
            return Err(Lost::Silent);
        }
        self.ping();
        Ok(())
    }

    fn take(&mut self, op: Op) -> Option<Step> {
        match op {
            Op::Message { subscription, message, faults } => {
                self.turn_messages += 1;
                let subscription = self.index(subscription)?;
                Some(Step::Message { subscription, message, faults })
            }
            Op::Unreadable { subscription } => {
                self.turn_messages += 1;
                let subscription = self.index(subscription)?;
                Some(Step::Unreadable { subscription })
            }
            Op::Ping => {
                self.out.extend_from_slice(b"PONG\r\n");
                None
            }
            Op::Pong => {
                self.pongs += 1;
                if self.last_pong.is_some_and(|last| self.pongs >= last) {
                    return Some(Step::Drained);
                }
                (self.pongs == 1).then_some(Step::Up)
            }
            Op::Ok => None,
            Op::Info(info) => Some(Step::Info(info)),
            Op::Error(text) => {
                let failure = refusal(&text);
                if failure.is_none() {
                    warn!(error = text, "the broker reported an error");
                }
                failure.map(Step::Refused)
            }
        }
    }

    /// The index of a subscription, if there is one with that number.
    fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        (index < self.subscriptions).then_some(index)
    }
}

/// The failure for an error with which the server refuses this client or one of its subscriptions.
fn refusal(text: &str) -> Option<Failure> {
    let subscription = "Permissions Violation for Subscription to ";
    if let Some((_, subject)) = text.split_once(subscription) {
        let message = format!("the broker's account may not subscribe to {subject}");
        return Some(Failure::new(ErrorKind::PermissionDenied, message).at("broker.tenants"));
    }
    let lower = text.to_lowercase();
    (lower.contains("authorization violation") || lower.contains("authentication")).then(|| {
        let message = format!("{LOGIN_REFUSED}: {text}");
        Failure::new(ErrorKind::Unauthenticated, message).at("broker.url")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_other_errors() {
        let kind = |text: &str| refusal(text).map(|failure| failure.kind);
        let subscription = "Permissions Violation for Subscription to \"a.b\" using queue \"q\"";
        assert_eq!(kind(subscription), Some(ErrorKind::PermissionDenied));
        assert_eq!(kind("Authorization Violation"), Some(ErrorKind::Unauthenticated));
        assert_eq!(kind("User Authentication Expired"), Some(ErrorKind::Unauthenticated));
        assert_eq!(kind("Permissions Violation for Publish to \"a\""), None);
        assert_eq!(kind("Stale Connection"), None);
    }
}
