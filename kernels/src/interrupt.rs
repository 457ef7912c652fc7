//! How work is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[allow(
    clippy::disallowed_types,
    reason = "computing takes real time, and threads without tokio's clock look at the deadline"
)]
type Instant = std::time::Instant;

/// Tells work that nobody waits for it any more: because someone called [`Interrupt::set`], or
/// because a time has come. Once set, it stays set. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    set: AtomicBool,
    until: Option<Instant>,
}

impl Interrupt {
    /// One that is never set. It takes no memory, and looking at it costs nothing.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// One that is set at that time, if there is one, or before by [`Interrupt::set`].
    #[must_use]
    pub fn new(until: Option<Instant>) -> Self {
        Self(Some(Arc::new(State { set: AtomicBool::new(false), until })))
    }

    /// Tells the work to stop. This has no effect on [`Interrupt::never`].
    pub fn set(&self) {
        if let Some(state) = &self.0 {
            state.set.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the work should stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        let Some(state) = &self.0 else { return false };
        if state.set.load(Ordering::Relaxed) {
            return true;
        }
        let passed = state.until.is_some_and(|until| Instant::now() >= until);
        if passed {
            self.set();
        }
        passed
    }

    /// Whether it can be set at all.
    pub(crate) const fn can_be_set(&self) -> bool {
        self.0.is_some()
    }
}

/// Looks at an interrupt now and then: to read the clock takes as long as a short row.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    interrupt: &'a Interrupt,
    every: usize,
    left: usize,
}

impl<'a> Watch<'a> {
    /// Bytes of a result between two looks. The most expensive filter makes them in a few
    /// milliseconds.
    const BYTES: usize = 32 << 10;

    /// The most rows between two looks: short rows have costs of their own.
    const ROWS: usize = 64;

    /// For steps that make, or read, that many bytes each.
    pub(crate) fn new(interrupt: &'a Interrupt, step_bytes: usize) -> Self {
        Self::every(interrupt, (Self::BYTES / step_bytes.max(1)).clamp(1, Self::ROWS))
    }

    /// Looks only before every so many steps.
    pub(crate) fn every(interrupt: &'a Interrupt, steps: usize) -> Self {
        let every = if interrupt.can_be_set() { steps } else { usize::MAX };
        Self { interrupt, every, left: every }
    }

    /// Whether to stop before the next step.
    #[inline]
    pub(crate) fn is_over(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.left = self.every.saturating_sub(1);
        self.interrupt.is_set()
    }
}

/// The items of an iterator up to an interrupt.
#[derive(Debug)]
pub(crate) struct Watched<'a, I> {
    items: I,
    watch: Watch<'a>,
}

impl<'a, I> Watched<'a, I> {
    pub(crate) const fn new(items: I, watch: Watch<'a>) -> Self {
        Self { items, watch }
    }
}

impl<I: Iterator> Iterator for Watched<'_, I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if self.watch.is_over() { None } else { self.items.next() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;

    #[test]
    fn it_is_set_by_hand_or_by_time_and_stays_so_for_all_clones() {
        let by_hand = Interrupt::new(None);
        let clone = by_hand.clone();
        assert!(!clone.is_set());
        by_hand.set();
        assert!(clone.is_set());
        let later = Interrupt::new(Some(now() + Duration::from_secs(3600)));
        assert!(!later.is_set());
        later.set();
        assert!(later.is_set());
        assert!(Interrupt::new(Some(now())).is_set());
    }

    #[test]
    fn never_cannot_be_set() {
        let never = Interrupt::never();
        never.set();
        assert!(!never.is_set() && !never.can_be_set());
    }

    #[test]
    fn watched_items_end_soon_after_the_interrupt() {
        let interrupt = Interrupt::new(None);
        let watch = Watch::new(&interrupt, 1);
        let seen = Watched::new(0.., watch).inspect(|at| {
            if *at == 1000 {
                interrupt.set();
            }
        });
        let seen = seen.count();
        assert!((1001..=1001 + Watch::ROWS).contains(&seen), "{seen}");
        let never = Interrupt::never();
        assert_eq!(Watched::new(0..5000, Watch::new(&never, 1)).count(), 5000);
    }
}
