//! A connection's stream, which looks after what actix does not.
//!
//! Actix's dispatcher reads whenever its task is woken, writes what an answer has put into its
//! buffer, and flushes when that is empty. It has no limit on how long a client may take to read an
//! answer or to send the head of a second request, does not notice a reset once it has seen the end
//! of what a client sends, and takes what it has not yet passed on of a body for missing then. An
//! error of the stream ends the dispatcher, and with it the handler and its credit.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Reason,
    link::Link,
    pace::{Pace, Slowest},
};

/// How long a client may take to send the head of a request.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may be idle between requests. Actix forgets its own limit once it has a part
/// of another head.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The most bytes that may arrive before there is a request in them.
const MAX_HEAD: usize = 32 * 1024;
/// How often a connection that cannot be read from is asked whether it is broken.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The first bytes of a client that speaks TLS.
const TLS: &[u8] = &[0x16, 0x03];

/// The stream of a connection.
pub(crate) struct Guarded {
    /// Taken when this value is dropped.
    stream: Option<TcpStream>,
    link: Rc<Link>,
    slowest: Slowest,
    /// Whether the client takes its answer, from the first time that it had to be waited for.
    pace: Option<Pace>,
    head: Option<Head>,
    /// Since when it has had no request in hand.
    idle: Option<Instant>,
    has_read: bool,
    started: bool,
    timer: Timer,
    write_timer: Timer,
    /// Where the stream goes when actix is done with it.
    after: Rc<Cell<Option<TcpStream>>>,
}

/// The start of a request.
struct Head {
    since: Instant,
    bytes: usize,
    /// The number of requests before it.
    after: u64,
}

/// Wakes the task at a time.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(context)
    }
}

impl Guarded {
    pub(super) fn new(
        stream: TcpStream,
        link: Rc<Link>,
        slowest: Slowest,
        after: Rc<Cell<Option<TcpStream>>>,
    ) -> Self {
        Self {
            stream: Some(stream),
            link,
            slowest,
            pace: None,
            head: None,
            idle: None,
            has_read: false,
            started: false,
            timer: Timer::default(),
            write_timer: Timer::default(),
            after,
        }
    }

    pub(crate) fn link(&self) -> Rc<Link> {
        Rc::clone(&self.link)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Ends the connection; the error makes the dispatcher let go of everything.
    fn end(&self, reason: Reason) -> io::Error {
        self.link.ended.set(Some(reason));
        io::ErrorKind::ConnectionAborted.into()
    }

    fn broken(&self, error: io::Error) -> io::Error {
        self.link.broken.set(true);
        error
    }

    /// Notes bytes that may be the head of a request, or a part of one.
    fn arrived(&mut self, bytes: &[u8]) {
        let first = !std::mem::replace(&mut self.started, true);
        if self.link.busy() {
            return;
        }
        let after = self.link.begun();
        if self.head.as_ref().is_none_or(|head| head.after != after) {
            self.head = Some(Head { since: Instant::now(), bytes: 0, after });
            self.link.touch();
        }
        if let Some(head) = &mut self.head {
            head.bytes += bytes.len();
        }
        if first && bytes.starts_with(TLS) {
            self.link.ended.set(Some(Reason::Tls));
        }
    }

    /// The head that is still arriving.
    fn open_head(&self) -> Option<&Head> {
        self.head.as_ref().filter(|head| !self.link.busy() && head.after == self.link.begun())
    }

    /// Looks whether the connection is broken, where reading would not tell.
    fn poll_broken(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            let pending = self.stream()?.take_error();
            if let Some(error) = pending.unwrap_or_else(Some) {
                return Err(self.broken(error));
            }
            if self.timer.poll(Instant::now() + LOOK_EVERY, context).is_pending() {
                return Ok(());
            }
        }
    }

    /// There is nothing to read: the client has closed its half.
    fn at_the_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.may_see_the_end() {
            return Poll::Ready(Ok(()));
        }
        // It gets its answer: it may have closed its half only.
        self.poll_broken(context)?;
        Poll::Pending
    }

    /// There is nothing to read yet.
    fn waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.busy() {
            return Poll::Pending;
        }
        if self.link.must_leave() {
            if !self.link.draining() {
                Reason::GaveWay.count();
            }
            // For actix, the client has ended the connection.
            return Poll::Ready(Ok(()));
        }
        let (head, until) = self.patience();
        ready!(self.timer.poll(until, context));
        Poll::Ready(if head { Err(self.end(Reason::SlowHead)) } else { Ok(()) })
    }

    /// Whether a head is on its way, and how long the connection may stay without a request.
    fn patience(&mut self) -> (bool, Instant) {
        let idle = *self.idle.get_or_insert_with(Instant::now);
        let head = self.open_head().map(|head| head.since + HEAD_WITHIN);
        (head.is_some(), head.unwrap_or(idle + KEEP_ALIVE))
    }

    fn try_write(
        &mut self,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, io::Error>> {
        match self.stream()?.poll_write(context, data) {
            Poll::Ready(Ok(written)) => {
                if let Some(pace) = &mut self.pace {
                    pace.moved(written);
                }
                return Poll::Ready(Ok(written));
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken(error))),
            Poll::Pending => {}
        }
        loop {
            let now = Instant::now();
            let pace = self.pace.get_or_insert_with(|| Pace::new(self.slowest, now));
            let Ok(next) = pace.check(now) else {
                return Poll::Ready(Err(self.end(Reason::SlowAnswer)));
            };
            ready!(self.write_timer.poll(next, context));
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.link.remember(context);
        this.has_read = true;
        if this.link.closed.get() {
            return this.at_the_end(context);
        }
        let before = buffer.filled().len();
        match this.stream()?.poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled().get(before..).unwrap_or_default();
                if bytes.is_empty() {
                    this.link.closed.set(true);
                    return this.at_the_end(context);
                }
                this.arrived(bytes);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(this.broken(error))),
            Poll::Pending => this.waiting(context),
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.link.busy() {
            return this.try_write(context, data);
        }
        // Nobody was asked, so this is actix's own answer to a head that it could not read. It
        // would log an error afterwards, and its answer says nothing: ours does.
        let reason = match (this.link.ended.get(), data.get(9..12)) {
            (Some(reason), _) => reason,
            (None, Some(b"408")) => Reason::SlowHead,
            (None, Some(b"431")) => Reason::HeadTooLarge,
            (None, _) => Reason::Malformed,
        };
        Poll::Ready(Err(this.end(reason)))
    }

    /// Actix calls this whenever its buffer is empty, after it has read and parsed what there is.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.link.all_is_flushed();
        let has_read = std::mem::take(&mut this.has_read);
        if this.link.broken.get() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if this.link.busy() {
            this.idle = None;
            if !has_read {
                this.poll_broken(context)?;
            }
        } else {
            this.pace = None;
            if this.open_head().is_some_and(|head| head.bytes > MAX_HEAD) {
                return Poll::Ready(Err(this.end(Reason::HeadTooLarge)));
            }
            // The next read ends it; until then nothing else might wake the task.
            let (_, until) = this.patience();
            if this.timer.poll(until, context).is_ready() {
                context.waker().wake_by_ref();
            }
        }
        this.stream()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_shutdown(context)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.after.set(self.stream.take());
    }
}
