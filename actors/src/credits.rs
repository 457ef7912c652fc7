//! Credits limit how much work may be in progress, by count and by bytes.
//!
//! A [`Credit`] stays with its work and returns to its pool when dropped. A caller that gets none
//! can wait for its turn in a bounded waiting room, in which callers take turns. If that is full
//! too, the request is shed at once, with a suggestion when to try again. The bytes of all pools
//! count in one [`Budget`].

mod budget;
mod room;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ocelli_messages::{ErrorKind, Failure};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

pub use budget::Budget;
use budget::Shared;
use room::{Grant, Room, Wants};

/// The sizes of a pool and of its waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditLimits {
    /// The number of credits.
    pub slots: usize,
    /// The bytes that all credits together may cover.
    pub bytes: usize,
    /// The number of requests that may wait for a credit.
    pub waiting_slots: usize,
    /// The bytes that requests may hold while they wait for a credit.
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
    ShedReason::TooLarge => "the request needs more memory than all requests in progress together may use",
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

/// Who a request comes from, as far as that can be told: callers share capacity fairly.
///
/// A NATS message does not name its sender, so this is the start of its reply inbox, such as
/// `_INBOX.abc` of `_INBOX.abc.1`, which belongs to one client, and the caller that a gateway passes
/// on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caller(Option<Arc<str>>);

impl Caller {
    /// A caller of which nothing is known. It may use the whole of a pool.
    pub const UNKNOWN: Self = Self(None);

    /// The caller with that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Some(name.into()))
    }

    /// The caller of a request with that reply subject, on behalf of `behind` if a gateway sent it.
    #[must_use]
    pub fn of(reply: Option<&str>, behind: Option<&str>) -> Self {
        let inbox = reply.map_or("", inbox);
        match (inbox, behind) {
            ("", None) => Self::UNKNOWN,
            (inbox, None) => Self::new(inbox),
            (inbox, Some(behind)) => Self(Some(format!("{inbox} {behind}").into())),
        }
    }

    fn has_name(&self) -> bool {
        self.0.is_some()
    }
}

/// The first two parts of a reply subject that has more of them.
fn inbox(reply: &str) -> &str {
    let second = reply.match_indices('.').nth(1);
    second.and_then(|(end, _)| reply.get(..end)).unwrap_or(reply)
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("unknown"))
    }
}

/// A pool of credits. Clones share it.
#[derive(Clone)]
pub struct CreditPool {
    shared: Arc<Shared>,
    /// The place of this pool in its budget.
    index: usize,
    limits: CreditLimits,
}

/// The permission to work on one request. It returns to its pool when dropped.
pub struct Credit {
    shared: Arc<Shared>,
    index: usize,
    caller: Caller,
    /// Changed only under the lock of the budget.
    bytes: AtomicUsize,
    since: Instant,
}

fn credit(shared: &Arc<Shared>, index: usize, bytes: usize, caller: &Caller) -> Credit {
    let (shared, caller) = (Arc::clone(shared), caller.clone());
    Credit { shared, index, caller, bytes: AtomicUsize::new(bytes), since: Instant::now() }
}

impl CreditPool {
    /// A pool with a budget of its own; `name` is the label of its gauge.
    #[must_use]
    pub fn new(limits: CreditLimits, name: &'static str) -> Self {
        Budget::new(limits.bytes).pool(limits, name)
    }

    /// Takes a credit for `bytes`, and waits for its turn until `deadline` if necessary.
    ///
    /// # Errors
    /// [`Shed`] states why there was no credit and when to try again.
    pub async fn acquire_before(
        &self,
        caller: &Caller,
        bytes: usize,
        deadline: Instant,
    ) -> Result<Credit, Shed> {
        self.acquire_holding(caller, 0, bytes, deadline).await
    }

    /// Like [`CreditPool::acquire_before`], for a request that holds `held` of its bytes already
    /// while it waits. They count in the budget from the start, and in the waiting room.
    ///
    /// # Errors
    /// The same as those of [`CreditPool::acquire_before`].
    pub async fn acquire_holding(
        &self,
        caller: &Caller,
        held: usize,
        bytes: usize,
        deadline: Instant,
    ) -> Result<Credit, Shed> {
        let wants = Wants { bytes, held: held.min(bytes) };
        let (id, mut granted) = match self.take_or_enter(caller, wants)? {
            Turn::Now(credit) => return Ok(credit),
            Turn::Later(id, granted) => (id, granted),
        };
        let leaving = LeaveRoom { pool: self, caller, id };
        match timeout_at(deadline, &mut granted).await {
            Ok(Ok(credit)) => Ok(credit),
            // The waiting room was full, and another caller had fewer requests in it.
            Ok(Err(_)) => Err(self.shed(ShedReason::Full)),
            Err(_) => {
                drop(leaving);
                // The credit may have been granted between the timeout and this line.
                granted.try_recv().map_err(|_| self.shed(ShedReason::Deadline))
            }
        }
    }

    /// Takes a credit for `bytes` if one is free and no other request is waiting.
    #[must_use]
    pub fn try_acquire(&self, caller: &Caller, bytes: usize) -> Option<Credit> {
        let mut state = self.shared.lock();
        let free = self.shared.free(&state);
        let room = state.rooms.get_mut(self.index)?;
        if !room.take(caller, bytes, free) {
            return None;
        }
        state.used += bytes;
        self.shared.show(&state);
        Some(credit(&self.shared, self.index, bytes, caller))
    }

    fn take_or_enter(&self, caller: &Caller, wants: Wants) -> Result<Turn, Shed> {
        let bytes = wants.bytes;
        if bytes > self.limits.bytes || self.limits.slots == 0 {
            return Err(Shed { retry_after: Duration::ZERO, reason: ShedReason::TooLarge });
        }
        if let Some(credit) = self.try_acquire(caller, bytes) {
            return Ok(Turn::Now(credit));
        }
        let (entered, grants) = {
            let mut state = self.shared.lock();
            let before = self.shared.free(&state);
            let mut free = before;
            let room = state.rooms.get_mut(self.index);
            let entered = room.map(|room| room.enter(caller, wants, &mut free));
            state.used = state.used + before - free;
            // A credit may have come free in between, and a caller may wait for one only because
            // it has its share.
            (entered, self.shared.serve(&mut state))
        };
        hand_over(grants);
        match entered {
            Some(entered) => entered.map(|(id, granted)| Turn::Later(id, granted)),
            None => Err(self.shed(ShedReason::Full)),
        }
    }

    /// The number of credits in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.look(Room::slots_used)
    }

    /// The bytes that the credits in use cover.
    #[must_use]
    pub fn bytes_in_use(&self) -> usize {
        self.look(Room::bytes_used)
    }

    /// The number of requests that wait for a credit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.look(Room::waiting)
    }

    /// The limits of the pool.
    #[must_use]
    pub const fn limits(&self) -> CreditLimits {
        self.limits
    }

    fn look(&self, at: impl FnOnce(&Room) -> usize) -> usize {
        self.shared.lock().rooms.get(self.index).map_or(0, at)
    }

    fn shed(&self, reason: ShedReason) -> Shed {
        let state = self.shared.lock();
        let none = Shed { retry_after: Duration::ZERO, reason };
        state.rooms.get(self.index).map_or(none, |room| room.shed(reason))
    }
}

impl std::fmt::Debug for CreditPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreditPool")
            .field("limits", &self.limits)
            .field("in_use", &self.in_use())
            .field("bytes_in_use", &self.bytes_in_use())
            .field("waiting", &self.waiting())
            .finish()
    }
}

enum Turn {
    Now(Credit),
    Later(u64, oneshot::Receiver<Credit>),
}

/// Hands out credits without holding the lock, because dropping a credit that nobody takes needs
/// it.
fn hand_over(grants: Vec<Grant>) {
    for (grant, credit) in grants {
        drop(grant.send(credit));
    }
}

/// Removes a request from the waiting room when it stops waiting for any reason.
struct LeaveRoom<'a> {
    pool: &'a CreditPool,
    caller: &'a Caller,
    id: u64,
}

impl Drop for LeaveRoom<'_> {
    fn drop(&mut self) {
        let shared = &self.pool.shared;
        let (left, grants) = {
            let mut state = shared.lock();
            let room = state.rooms.get_mut(self.pool.index);
            let left = room.and_then(|room| room.leave(self.caller, self.id));
            state.used -= left.as_ref().map_or(0, |waiter| waiter.held);
            // The next requests in the queue may be small enough.
            let grants = if left.is_some() { shared.serve(&mut state) } else { Vec::new() };
            (left, grants)
        };
        drop(left);
        hand_over(grants);
    }
}

impl Credit {
    /// The bytes that the credit covers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Changes the bytes that the credit covers, without waiting.
    ///
    /// # Errors
    /// [`Shed`] if there are not so many bytes left. The credit is then unchanged.
    pub fn resize(&self, bytes: usize) -> Result<(), Shed> {
        let grants = {
            let mut state = self.shared.lock();
            let (before, free) = (self.bytes(), self.shared.free(&state));
            let Some(room) = state.rooms.get_mut(self.index) else { return Ok(()) };
            if !room.resize(&self.caller, before, bytes, free) {
                return Err(room.shed(ShedReason::Full));
            }
            state.used = state.used - before + bytes;
            self.bytes.store(bytes, Ordering::Relaxed);
            self.shared.serve(&mut state)
        };
        hand_over(grants);
        Ok(())
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        let grants = {
            let mut state = self.shared.lock();
            if let Some(room) = state.rooms.get_mut(self.index) {
                room.give_back(&self.caller, self.bytes(), self.since.elapsed());
            }
            state.used -= self.bytes();
            self.shared.serve(&mut state)
        };
        hand_over(grants);
    }
}

impl std::fmt::Debug for Credit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credit").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
