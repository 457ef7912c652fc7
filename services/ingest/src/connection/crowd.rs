//! All connections of a gateway: how many are open, which are idle, and who must go.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use ocelli_actors::metrics::gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metrics::Metric;

/// Why a new connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The gateway is about to stop.
    Draining,
    /// Every connection that may be open has a request in hand.
    Full,
}

/// The connections of a gateway, over all its threads.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    state: Mutex<State>,
    draining: AtomicBool,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    /// Connections that were asked to go and are still open.
    leaving: usize,
    /// Requests in hand: begun, and not yet answered to the last byte.
    busy: usize,
    next: u64,
    /// Those without a request in hand. The first one has been so for the longest time.
    idle: BTreeMap<u64, Idle>,
}

#[derive(Debug)]
struct Idle {
    leave: Arc<AtomicBool>,
    waker: Waker,
}

impl State {
    /// Asks the connections that were idle for the longest time to go, until no more than `most`
    /// stay; returns whom to wake, or `None` if there are not enough.
    fn make_room(&mut self, most: usize) -> Option<Vec<Waker>> {
        let excess = self.open.saturating_sub(self.leaving).saturating_sub(most);
        if excess > self.idle.len() {
            return None;
        }
        let gone = (0..excess).filter_map(|_| self.idle.pop_first()).map(|(_, idle)| {
            idle.leave.store(true, Ordering::Release);
            idle.waker
        });
        let gone: Vec<_> = gone.collect();
        self.leaving += gone.len();
        Some(gone)
    }
}

fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl Crowd {
    /// At most `most` connections are served at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
            draining: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Counts a new connection in. If there are too many now, those that were idle for the longest
    /// time go.
    ///
    /// # Errors
    /// If it must be turned away.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Member, Turned> {
        if self.draining() {
            return Err(Turned::Draining);
        }
        let mut state = self.state.lock();
        state.open += 1;
        let Some(wakers) = state.make_room(self.most) else {
            state.open -= 1;
            return Err(Turned::Full);
        };
        drop(state);
        wake(wakers);
        gauge(Metric::HttpConnections, &[]).increment(1);
        Ok(Member { crowd: Arc::clone(self), leave: Arc::default() })
    }

    /// Whether the gateway is about to stop.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Turns new connections away from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Waits until no request is in hand.
    pub(crate) async fn quiet(&self) {
        self.until(|state| state.busy == 0).await;
    }

    /// Asks every idle connection to go, and waits until none is open.
    pub(crate) async fn empty(&self) {
        let wakers = self.state.lock().make_all_leave();
        wake(wakers);
        self.until(|state| state.open == 0).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        if self.draining() {
            self.changed.notify_waiters();
        }
    }
}

impl State {
    fn make_all_leave(&mut self) -> Vec<Waker> {
        let stay = self.open.saturating_sub(self.leaving).saturating_sub(self.idle.len());
        self.make_room(stay).unwrap_or_default()
    }
}

/// A connection that is served; dropped, it is no longer counted.
#[derive(Debug)]
pub(crate) struct Member {
    crowd: Arc<Crowd>,
    /// Set when this connection was asked to go.
    leave: Arc<AtomicBool>,
}

impl Member {
    pub(crate) fn draining(&self) -> bool {
        self.crowd.draining()
    }

    /// Whether it was asked to go.
    pub(crate) fn must_leave(&self) -> bool {
        self.leave.load(Ordering::Acquire)
    }

    /// Joins the idle ones as their newest member; its place among them.
    pub(crate) fn rest(&self, waker: Waker) -> u64 {
        let mut place = 0;
        self.crowd.change(|state| {
            place = state.next;
            state.next += 1;
            state.idle.insert(place, Idle { leave: Arc::clone(&self.leave), waker });
        });
        if self.draining() {
            // It came to rest after the others were asked to go.
            wake(self.crowd.state.lock().make_all_leave());
        }
        place
    }

    /// Leaves its place among the idle ones. One that was asked to go, and got a request in that
    /// moment, stays instead.
    pub(crate) fn rise(&self, place: u64) {
        let mut wakers = None;
        self.crowd.change(|state| {
            if state.idle.remove(&place).is_none() && self.leave.swap(false, Ordering::AcqRel) {
                state.leaving -= 1;
                wakers = state.make_room(self.crowd.most);
            }
        });
        wake(wakers.unwrap_or_default());
    }

    /// Leaves its place among the idle ones for good.
    pub(crate) fn leave(&self, place: u64) {
        self.crowd.change(|state| drop(state.idle.remove(&place)));
    }

    pub(crate) fn begin(&self) {
        self.crowd.change(|state| state.busy += 1);
    }

    pub(crate) fn end(&self, requests: usize) {
        self.crowd.change(|state| state.busy -= requests);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        gauge(Metric::HttpConnections, &[]).decrement(1);
        self.crowd.change(|state| {
            state.open -= 1;
            if self.leave.load(Ordering::Acquire) {
                state.leaving -= 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn crowd(most: usize) -> Arc<Crowd> {
        Arc::new(Crowd::new(most))
    }

    #[test]
    fn the_longest_idle_one_gives_way_and_a_busy_one_never() {
        let crowd = crowd(2);
        let (first, second) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        assert_eq!(crowd.enter().unwrap_err(), Turned::Full, "neither is idle");
        let place = second.rest(Waker::noop().clone());
        first.rest(Waker::noop().clone());
        let third = crowd.enter().unwrap();
        assert!(second.must_leave() && !first.must_leave() && !third.must_leave());
        second.rise(place);
        assert!(!second.must_leave(), "it got a request in the last moment");
        assert!(first.must_leave(), "so another one goes");
        drop(first);
        assert_eq!(crowd.enter().unwrap_err(), Turned::Full);
    }

    #[test]
    fn a_drain_waits_for_requests_and_then_for_connections() {
        let crowd = crowd(9);
        let (idle, busy) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        idle.rest(Waker::noop().clone());
        busy.begin();
        crowd.drain();
        assert_eq!(crowd.enter().unwrap_err(), Turned::Draining);
        assert!(crowd.quiet().now_or_never().is_none());
        busy.end(1);
        assert!(crowd.quiet().now_or_never().is_some());
        assert!(crowd.empty().now_or_never().is_none());
        assert!(idle.must_leave());
        busy.rest(Waker::noop().clone());
        assert!(busy.must_leave());
        drop((idle, busy));
        assert!(crowd.empty().now_or_never().is_some());
    }
}
