//! Credits limit how much work may be in progress, by count and by bytes.
//!
//! A [`Credit`] stays with its work and returns to its pool when dropped. A caller that gets none
//! can wait for its turn in a bounded waiting room. If that is full too, the request is shed at
//! once, with a suggestion when to try again.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use metrics::Gauge;
use ocelli_messages::{ErrorKind, Failure};
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::metrics::{Metric, gauge};

/// The sizes of a pool and of its waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditLimits {
    /// The number of credits.
    pub slots: usize,
    /// The bytes that all credits together may cover.
    pub bytes: usize,
    /// The number of requests that may wait for a credit.
    pub waiting_slots: usize,
    /// The bytes of the requests that may wait for a credit.
    pub waiting_bytes: usize,
}

impl CreditLimits {
    /// Limits that allow `slots` requests of `bytes` bytes in all to be in progress, and as much
    /// again to wait.
    #[must_use]
    pub const fn of(slots: usize, bytes: usize) -> Self {
        Self { slots, bytes, waiting_slots: slots, waiting_bytes: bytes }
    }
}

/// The reason why a request was shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShedReason {
    /// No credit is free and the waiting room is full.
    Full,
    /// No credit became free before the deadline.
    Deadline,
    /// The request alone is larger than the whole pool.
    TooLarge,
}

/// A request got no credit. It converts to the [`Failure`] that answers the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match .reason {
    ShedReason::Full => "too many requests are waiting",
    ShedReason::Deadline => "no capacity became free in time",
    ShedReason::TooLarge => "the request is larger than all requests in progress together may be",
})]
pub struct Shed {
    /// How long to wait before a retry; zero if a retry will not help.
    pub retry_after: Duration,
    /// The reason why the request was shed.
    pub reason: ShedReason,
}

impl From<Shed> for Failure {
    fn from(shed: Shed) -> Self {
        let kind = match shed.reason {
            ShedReason::Full | ShedReason::Deadline => ErrorKind::Overloaded,
            ShedReason::TooLarge => ErrorKind::TooLarge,
        };
        let failure = Self::new(kind, shed.to_string());
        match kind {
            ErrorKind::TooLarge => failure,
            _ => failure.retry_after(shed.retry_after),
        }
    }
}

/// The shortest and the longest wait that is suggested to a caller that is shed.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(10));

/// The weight of the newest hold time in the average.
const HOLD_WEIGHT: f64 = 0.1;

struct Waiter {
    id: u64,
    bytes: usize,
    grant: oneshot::Sender<Credit>,
}

#[derive(Default)]
struct State {
    slots_used: usize,
    bytes_used: usize,
    queue: VecDeque<Waiter>,
    bytes_waiting: usize,
    next_id: u64,
    /// The average time that a credit is held, in seconds.
    hold: f64,
}

struct Pool {
    limits: CreditLimits,
    state: Mutex<State>,
    in_use: Gauge,
}

/// A pool of credits. Clones share it.
#[derive(Clone)]
pub struct CreditPool {
    pool: Arc<Pool>,
}

/// The permission to work on one request. It returns to its pool when dropped.
pub struct Credit {
    pool: Arc<Pool>,
    bytes: usize,
    since: Instant,
}

impl CreditPool {
    /// A pool with the given limits; `name` is the label of its gauge.
    #[must_use]
    pub fn new(limits: CreditLimits, name: &'static str) -> Self {
        Self {
            pool: Arc::new(Pool {
                limits,
                state: Mutex::default(),
                in_use: gauge(Metric::CreditsInUse, &[name]),
            }),
        }
    }

    /// Takes a credit for `bytes` if one is free and no other request is waiting.
    #[cfg(test)]
    fn try_acquire(&self, bytes: usize) -> Option<Credit> {
        let mut state = self.pool.state.lock();
        if !state.queue.is_empty() {
            return None;
        }
        self.pool.take(&mut state, bytes)
    }

    /// Takes a credit for `bytes`, and waits for its turn until `deadline` if necessary.
    ///
    /// # Errors
    /// [`Shed`] states why there was no credit and when to try again.
    pub async fn acquire_before(&self, bytes: usize, deadline: Instant) -> Result<Credit, Shed> {
        let (id, mut granted) = match self.take_or_queue(bytes)? {
            Turn::Now(credit) => return Ok(credit),
            Turn::Later(id, granted) => (id, granted),
        };
        let leaving = LeaveQueue { pool: &self.pool, id };
        match timeout_at(deadline, &mut granted).await {
            Ok(Ok(credit)) => Ok(credit),
            // The pool holds the other end until it grants the credit, so this is the timeout.
            Ok(Err(_)) | Err(_) => {
                drop(leaving);
                // The credit may have been granted between the timeout and this line.
                granted.try_recv().map_err(|_| self.pool.shed(ShedReason::Deadline))
            }
        }
    }

    fn take_or_queue(&self, bytes: usize) -> Result<Turn, Shed> {
        let limits = self.pool.limits;
        let mut state = self.pool.state.lock();
        if bytes > limits.bytes || limits.slots == 0 {
            return Err(Shed { retry_after: Duration::ZERO, reason: ShedReason::TooLarge });
        }
        if state.queue.is_empty()
            && let Some(credit) = self.pool.take(&mut state, bytes)
        {
            return Ok(Turn::Now(credit));
        }
        if state.queue.len() >= limits.waiting_slots
            || state.bytes_waiting.saturating_add(bytes) > limits.waiting_bytes
        {
            return Err(state.shed(&limits, ShedReason::Full));
        }
        let (grant, granted) = oneshot::channel();
        let id = state.next_id;
        state.next_id += 1;
        state.bytes_waiting += bytes;
        state.queue.push_back(Waiter { id, bytes, grant });
        Ok(Turn::Later(id, granted))
    }

    /// The number of credits in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.pool.state.lock().slots_used
    }

    /// The bytes that the credits in use cover.
    #[must_use]
    pub fn bytes_in_use(&self) -> usize {
        self.pool.state.lock().bytes_used
    }

    /// The number of requests that wait for a credit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.state.lock().queue.len()
    }

    /// The limits of the pool.
    #[must_use]
    pub fn limits(&self) -> CreditLimits {
        self.pool.limits
    }
}

impl std::fmt::Debug for CreditPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.pool.state.lock();
        f.debug_struct("CreditPool")
            .field("limits", &self.pool.limits)
            .field("slots_used", &state.slots_used)
            .field("bytes_used", &state.bytes_used)
            .field("waiting", &state.queue.len())
            .finish()
    }
}

enum Turn {
    Now(Credit),
    Later(u64, oneshot::Receiver<Credit>),
}

impl State {
    /// Estimates when a credit may become free, from the number of requests ahead and the average
    /// hold time.
    fn shed(&self, limits: &CreditLimits, reason: ShedReason) -> Shed {
        let (shortest, longest) = RETRY_AFTER;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let turns = (self.queue.len() + 1) as f64 / limits.slots.max(1) as f64;
        let seconds = (self.hold * turns).clamp(shortest.as_secs_f64(), longest.as_secs_f64());
        Shed { retry_after: Duration::from_secs_f64(seconds), reason }
    }
}

impl Pool {
    fn take(self: &Arc<Self>, state: &mut State, bytes: usize) -> Option<Credit> {
        let free = self.limits.bytes.saturating_sub(state.bytes_used);
        if state.slots_used >= self.limits.slots || bytes > free {
            return None;
        }
        state.slots_used += 1;
        state.bytes_used += bytes;
        self.show(state);
        Some(Credit { pool: Arc::clone(self), bytes, since: Instant::now() })
    }

    /// Grants credits to the requests at the head of the queue. The order is strict: small requests
    /// do not overtake a large one at the head, because it would then wait forever.
    fn serve(self: &Arc<Self>, state: &mut State) -> Vec<(oneshot::Sender<Credit>, Credit)> {
        let mut served = Vec::new();
        while let Some(bytes) = state.queue.front().map(|waiter| waiter.bytes)
            && let Some(credit) = self.take(state, bytes)
        {
            if let Some(waiter) = state.queue.pop_front() {
                state.bytes_waiting -= bytes;
                served.push((waiter.grant, credit));
            }
        }
        served
    }

    fn release(self: &Arc<Self>, bytes: usize, held: Duration) {
        let served = {
            let mut state = self.state.lock();
            state.slots_used -= 1;
            state.bytes_used -= bytes;
            state.hold += HOLD_WEIGHT * (held.as_secs_f64() - state.hold);
            let served = self.serve(&mut state);
            self.show(&state);
            served
        };
        hand_over(served);
    }

    fn leave(self: &Arc<Self>, id: u64) {
        let (left, served) = {
            let mut state = self.state.lock();
            let left = state
                .queue
                .binary_search_by_key(&id, |waiter| waiter.id)
                .ok()
                .and_then(|place| state.queue.remove(place));
            state.bytes_waiting -= left.as_ref().map_or(0, |waiter| waiter.bytes);
            // The next requests in the queue may be small enough.
            let served = self.serve(&mut state);
            (left, served)
        };
        drop(left);
        hand_over(served);
    }

    fn shed(&self, reason: ShedReason) -> Shed {
        self.state.lock().shed(&self.limits, reason)
    }

    fn show(&self, state: &State) {
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.in_use.set(state.slots_used as f64);
    }
}

/// Hands out credits without holding the lock, because dropping a credit that nobody takes needs
/// it.
fn hand_over(served: Vec<(oneshot::Sender<Credit>, Credit)>) {
    for (grant, credit) in served {
        drop(grant.send(credit));
    }
}

/// Removes a waiter from the queue when it stops waiting for any reason.
struct LeaveQueue<'a> {
    pool: &'a Arc<Pool>,
    id: u64,
}

impl Drop for LeaveQueue<'_> {
    fn drop(&mut self) {
        self.pool.leave(self.id);
    }
}

impl Credit {
    /// The bytes that the credit covers.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        self.pool.release(self.bytes, self.since.elapsed());
    }
}

impl std::fmt::Debug for Credit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
