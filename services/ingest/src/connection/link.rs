//! What a connection's stream and its requests know of each other.
//!
//! Actix drives both in one task: the stream sees bytes come and go, but not where a request begins
//! or ends; the requests see that, but not the stream.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{Reason, crowd::Member};

/// The state that the stream of a connection shares with its requests.
#[derive(Debug)]
pub(crate) struct Link {
    member: Member,
    /// The connection's task.
    task: RefCell<Option<Waker>>,
    /// Its place among the idle connections, while it has no request in hand.
    resting: Cell<Option<u64>>,
    in_hand: Cell<usize>,
    /// Of those in hand, the ones whose end waits in actix's buffer.
    ending: Cell<usize>,
    /// The number of requests so far.
    begun: Cell<u64>,
    /// An answer waits until everything before it was handed to the system.
    wants_flush: Cell<bool>,
    flushed: Cell<bool>,
    /// A handler waits for more of the body.
    wants_body: Cell<bool>,
    /// The client has closed its half of the connection.
    pub(super) closed: Cell<bool>,
    /// The connection is broken.
    pub(super) broken: Cell<bool>,
    /// Why the gateway ends the connection.
    pub(super) ended: Cell<Option<Reason>>,
}

impl Link {
    pub(super) fn new(member: Member) -> Self {
        Self {
            member,
            task: RefCell::default(),
            resting: Cell::default(),
            in_hand: Cell::default(),
            ending: Cell::default(),
            begun: Cell::default(),
            wants_flush: Cell::default(),
            flushed: Cell::default(),
            wants_body: Cell::default(),
            closed: Cell::default(),
            broken: Cell::default(),
            ended: Cell::default(),
        }
    }

    /// Whether the gateway is about to stop, and wants no more requests on this connection.
    pub(crate) fn draining(&self) -> bool {
        self.member.draining()
    }

    /// Counts a request in. It is in hand until the value is dropped.
    pub(crate) fn begin(self: &Rc<Self>) -> InHand {
        if let Some(place) = self.resting.take() {
            self.member.rise(place);
        }
        self.member.begin();
        self.in_hand.set(self.in_hand.get() + 1);
        self.begun.set(self.begun.get() + 1);
        self.flushed.set(false);
        InHand { link: Rc::clone(self) }
    }

    pub(super) fn busy(&self) -> bool {
        self.in_hand.get() > 0
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun.get()
    }

    pub(super) fn must_leave(&self) -> bool {
        self.member.must_leave()
    }

    /// Whether the end of what the client sends may be told to actix, which would take whatever
    /// part of a body it has not passed on by then for missing.
    pub(super) fn may_see_the_end(&self) -> bool {
        !self.busy() || self.wants_body.get()
    }

    pub(super) fn remember(&self, context: &Context<'_>) {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
        }
        drop(task);
        if !self.busy() && self.resting.get().is_none() {
            self.rest();
        }
    }

    /// Moves to the end of those that may have to give way.
    pub(super) fn touch(&self) {
        if let Some(place) = self.resting.take() {
            self.member.rise(place);
            self.rest();
        }
    }

    fn rest(&self) {
        let waker = self.task.borrow().clone();
        if let Some(waker) = waker {
            self.resting.set(Some(self.member.rest(waker)));
        }
    }

    fn wake(&self) {
        if let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }

    /// Everything that actix wants to send was handed to the system.
    pub(super) fn all_is_flushed(&self) {
        if self.wants_flush.take() {
            self.flushed.set(true);
            self.wake();
        }
        self.end(self.ending.take());
    }

    fn end(&self, requests: usize) {
        if requests == 0 {
            return;
        }
        self.member.end(requests);
        self.in_hand.set(self.in_hand.get() - requests);
        if !self.busy() {
            self.rest();
            if self.closed.get() {
                self.wake();
            }
        }
    }

    /// Passes what a body's source says on, and notes whether a handler waits for more.
    pub(crate) async fn body<T>(&self, next: impl Future<Output = T>) -> T {
        let mut next = std::pin::pin!(next);
        let _waits = WantsBody(self);
        poll_fn(|context| {
            let polled = next.as_mut().poll(context);
            if polled.is_pending() && !self.wants_body.replace(true) && self.closed.get() {
                self.wake();
            }
            polled
        })
        .await
    }
}

struct WantsBody<'a>(&'a Link);

impl Drop for WantsBody<'_> {
    fn drop(&mut self) {
        self.0.wants_body.set(false);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(place) = self.resting.take() {
            self.member.leave(place);
        }
        // Requests that were cut off with the connection.
        self.member.end(self.in_hand.get());
    }
}

/// A request in hand, until its answer was handed to the system.
#[derive(Debug)]
pub(crate) struct InHand {
    link: Rc<Link>,
}

impl InHand {
    /// Becomes ready once the answer's last byte has left the gateway's own buffers.
    pub(crate) fn poll_sent(&self) -> Poll<()> {
        if self.link.flushed.get() {
            return Poll::Ready(());
        }
        self.link.wants_flush.set(true);
        Poll::Pending
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if self.link.flushed.get() {
            self.link.end(1);
        } else {
            self.link.ending.set(self.link.ending.get() + 1);
        }
    }
}
