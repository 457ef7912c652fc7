//! The state of one pool: what is in use, and who waits, by caller.
//!
//! Callers are served in turn, by start-time fair queueing (Goyal, Vin and Cheng, 1996): each grant
//! moves its caller's clock on by what was granted, and the caller whose clock is behind is served
//! next. So a caller with a thousand requests delays another by one of them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use metrics::Gauge;
use tokio::sync::oneshot;

use super::{Caller, Credit, CreditLimits, Shed, ShedReason};

/// What a request waits for, in bytes, and how many of them it holds already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wants {
    pub(super) bytes: usize,
    pub(super) held: usize,
}

/// A credit, and the request that gets it.
pub(super) type Grant = (oneshot::Sender<Credit>, Credit);

/// The shortest and the longest wait that is suggested to a caller that is shed.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(10));
/// The weight of the newest hold time in the average.
const HOLD_WEIGHT: f64 = 0.1;
/// What a request of no bytes costs on its caller's clock.
const REQUEST_COST: u64 = 64 * 1024;

pub(super) struct Waiter {
    pub(super) id: u64,
    /// The bytes that it waits for.
    pub(super) bytes: usize,
    /// Those of them that it holds already while it waits.
    pub(super) held: usize,
    pub(super) grant: oneshot::Sender<Credit>,
}

/// What one caller has and waits for.
#[derive(Default)]
struct Account {
    slots: usize,
    bytes: usize,
    clock: u64,
    queue: VecDeque<Waiter>,
}

pub(super) struct Room {
    limits: CreditLimits,
    in_use: Gauge,
    slots_used: usize,
    bytes_used: usize,
    accounts: HashMap<Caller, Account>,
    waiting: usize,
    /// The bytes that waiting requests hold.
    held: usize,
    next_id: u64,
    /// The clock of the caller that was served last.
    clock: u64,
    /// The average time that a credit is held, in seconds.
    hold: f64,
}

impl Room {
    pub(super) fn new(limits: CreditLimits, in_use: Gauge) -> Self {
        Self {
            limits,
            in_use,
            slots_used: 0,
            bytes_used: 0,
            accounts: HashMap::new(),
            waiting: 0,
            held: 0,
            next_id: 0,
            clock: 0,
            hold: 0.0,
        }
    }

    pub(super) const fn slots_used(&self) -> usize {
        self.slots_used
    }

    pub(super) const fn bytes_used(&self) -> usize {
        self.bytes_used
    }

    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes a credit without waiting, unless somebody else waits for one. `free` is what the
    /// budget has left.
    pub(super) fn take(&mut self, caller: &Caller, bytes: usize, free: usize) -> bool {
        self.waiting == 0 && self.take_out_of_turn(caller, bytes, free)
    }

    fn take_out_of_turn(&mut self, caller: &Caller, bytes: usize, free: usize) -> bool {
        if !self.fits(bytes, free) || self.has_its_share(caller, bytes) {
            return false;
        }
        self.slots_used += 1;
        self.bytes_used += bytes;
        let account = self.accounts.entry(caller.clone()).or_default();
        account.slots += 1;
        account.bytes += bytes;
        let start = account.clock.max(self.clock);
        account.clock = start + REQUEST_COST + bytes as u64;
        self.clock = start;
        self.show();
        true
    }

    fn fits(&self, bytes: usize, free: usize) -> bool {
        let left = self.limits.bytes.saturating_sub(self.bytes_used);
        self.slots_used < self.limits.slots && bytes <= left.min(free)
    }

    /// Whether a caller that has a name already holds so much that the rest is kept for others: three
    /// quarters of the credits or of their bytes.
    fn has_its_share(&self, caller: &Caller, bytes: usize) -> bool {
        let Some(account) = self.accounts.get(caller).filter(|_| caller.has_name()) else {
            return false;
        };
        let (slots, most) = (self.limits.slots, self.limits.bytes);
        account.slots > 0
            && (account.slots >= slots - slots / 4
                || account.bytes.saturating_add(bytes) > most - most / 4)
    }

    /// Adds a request to the queue of its caller. If the waiting room is full, the caller with the
    /// most requests in it loses its newest one, unless that is this caller. `free` is what the
    /// budget has left.
    pub(super) fn enter(
        &mut self,
        caller: &Caller,
        Wants { bytes, held }: Wants,
        free: &mut usize,
    ) -> Result<(u64, oneshot::Receiver<Credit>), Shed> {
        if self.is_full_for(held, *free) {
            let own = self.accounts.get(caller).map_or(0, |account| account.queue.len());
            if let Some(evicted) = self.evict(own + 1) {
                // Its sender is dropped, which tells its request.
                *free += evicted.held;
            }
            if self.is_full_for(held, *free) {
                return Err(self.shed(ShedReason::Full));
            }
        }
        let (grant, granted) = oneshot::channel();
        let id = self.next_id;
        self.next_id += 1;
        self.waiting += 1;
        self.held += held;
        *free -= held;
        let account = self.accounts.entry(caller.clone()).or_default();
        account.queue.push_back(Waiter { id, bytes, held, grant });
        Ok((id, granted))
    }

    fn is_full_for(&self, held: usize, free: usize) -> bool {
        self.waiting >= self.limits.waiting_slots
            || self.held.saturating_add(held) > self.limits.waiting_bytes
            || held > free
    }

    /// Removes the newest request of the caller with the most, if that has more than `most`.
    fn evict(&mut self, most: usize) -> Option<Waiter> {
        let longest = self.accounts.values_mut().max_by_key(|account| account.queue.len())?;
        if longest.queue.len() <= most {
            return None;
        }
        let waiter = longest.queue.pop_back()?;
        self.waiting -= 1;
        self.held -= waiter.held;
        Some(waiter)
    }

    /// Removes a request that no longer waits.
    pub(super) fn leave(&mut self, caller: &Caller, id: u64) -> Option<Waiter> {
        let account = self.accounts.get_mut(caller)?;
        let place = account.queue.binary_search_by_key(&id, |waiter| waiter.id).ok()?;
        let left = account.queue.remove(place)?;
        self.waiting -= 1;
        self.held -= left.held;
        self.forget(caller);
        Some(left)
    }

    /// Serves callers in turn while the request at the head of the next one's queue fits. Smaller
    /// requests do not overtake it, because it would then wait for ever.
    pub(super) fn serve(
        &mut self,
        free: &mut usize,
        credit: impl Fn(usize, &Caller) -> Credit,
        grants: &mut Vec<Grant>,
    ) {
        while let Some((caller, Wants { bytes, held })) = self.next() {
            // What it holds already is part of what it gets.
            if !self.take_out_of_turn(&caller, bytes, free.saturating_add(held)) {
                return;
            }
            *free = free.saturating_add(held).saturating_sub(bytes);
            let account = self.accounts.get_mut(&caller);
            let Some(waiter) = account.and_then(|account| account.queue.pop_front()) else {
                return;
            };
            self.waiting -= 1;
            self.held -= held;
            grants.push((waiter.grant, credit(bytes, &caller)));
        }
    }

    /// The caller whose turn it is, and what it waits for.
    fn next(&self) -> Option<(Caller, Wants)> {
        if self.waiting == 0 || self.slots_used >= self.limits.slots {
            return None;
        }
        let heads = self.accounts.iter().filter_map(|(caller, account)| {
            let head = account.queue.front()?;
            (!self.has_its_share(caller, head.bytes)).then_some((caller, account.clock, head))
        });
        let (caller, _, head) = heads.min_by_key(|(_, clock, head)| (*clock, head.id))?;
        Some((caller.clone(), Wants { bytes: head.bytes, held: head.held }))
    }

    /// Gives a credit back that was held for `held`.
    pub(super) fn give_back(&mut self, caller: &Caller, bytes: usize, held: Duration) {
        self.slots_used -= 1;
        self.bytes_used -= bytes;
        self.hold += HOLD_WEIGHT * (held.as_secs_f64() - self.hold);
        if let Some(account) = self.accounts.get_mut(caller) {
            account.slots -= 1;
            account.bytes -= bytes;
        }
        self.forget(caller);
        self.show();
    }

    /// Changes the bytes of a credit that is held, if they fit.
    pub(super) fn resize(&mut self, caller: &Caller, from: usize, to: usize, free: usize) -> bool {
        let left = self.limits.bytes.saturating_sub(self.bytes_used);
        if to > from && to - from > left.min(free) {
            return false;
        }
        self.bytes_used = self.bytes_used - from + to;
        if let Some(account) = self.accounts.get_mut(caller) {
            account.bytes = account.bytes - from + to;
        }
        true
    }

    fn forget(&mut self, caller: &Caller) {
        let idle = |account: &Account| account.slots == 0 && account.queue.is_empty();
        if self.accounts.get(caller).is_some_and(idle) {
            self.accounts.remove(caller);
        }
    }

    /// Estimates when a credit may become free, from the number of requests ahead and the average
    /// hold time.
    pub(super) fn shed(&self, reason: ShedReason) -> Shed {
        let (shortest, longest) = RETRY_AFTER;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let turns = (self.waiting + 1) as f64 / self.limits.slots.max(1) as f64;
        let seconds = (self.hold * turns).clamp(shortest.as_secs_f64(), longest.as_secs_f64());
        Shed { retry_after: Duration::from_secs_f64(seconds), reason }
    }

    fn show(&self) {
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.in_use.set(self.slots_used as f64);
    }

    /// Checks what must always hold. Returns the bytes that are in use and those that waiting
    /// requests hold.
    #[cfg(test)]
    pub(super) fn check(&self) -> (usize, usize) {
        let sum = |of: fn(&Account) -> usize| self.accounts.values().map(of).sum::<usize>();
        assert_eq!(sum(|account| account.slots), self.slots_used);
        assert_eq!(sum(|account| account.bytes), self.bytes_used);
        assert_eq!(sum(|account| account.queue.len()), self.waiting);
        let held = sum(|account| account.queue.iter().map(|waiter| waiter.held).sum());
        assert_eq!(held, self.held);
        assert!(self.slots_used <= self.limits.slots && self.bytes_used <= self.limits.bytes);
        assert!(self.waiting <= self.limits.waiting_slots && held <= self.limits.waiting_bytes);
        if let Some((_, Wants { bytes, .. })) = self.next() {
            assert!(!self.fits(bytes, usize::MAX), "the next request waits although it fits");
        }
        (self.bytes_used, self.held)
    }
}
