//! Circuit breakers: a dependency that fails is left alone for a while.
//!
//! One breaker stands before each dependency. *Closed*, it counts; it opens at a failure rate or a
//! run of hard failures. *Open*, it refuses and says for how long. *Half-open*, it lets exactly as
//! many probes through as its policy says, and closes after enough of them succeeded.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use metrics::Gauge;
use ocelli_messages::{BreakerVerdict, ErrorKind};
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::metrics::{Metric, gauge};

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// How far back the failure rate looks.
    pub window: Duration,
    /// In how many steps the window moves on.
    pub buckets: u32,
    /// Opens at this share of failures…
    pub failure_rate: f64,
    /// …among at least so many calls,
    pub min_samples: u32,
    /// or at so many hard failures in a row.
    pub consecutive_failures: u32,
    /// How long it stays open the first time; doubled each time a probe fails.
    pub open_for: Duration,
    /// How long it stays open at most.
    pub open_for_max: Duration,
    /// How many calls may be on their way while half-open.
    pub probes: u32,
    /// How many of them must succeed, in a row, before it closes.
    pub successes_to_close: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            buckets: 10,
            failure_rate: 0.5,
            min_samples: 20,
            consecutive_failures: 5,
            open_for: Duration::from_secs(1),
            open_for_max: Duration::from_secs(60),
            probes: 1,
            successes_to_close: 2,
        }
    }
}

/// What a call says about its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Success,
    /// Nothing.
    Neutral,
    /// It is overloaded: counts in the rate, not in the run of hard failures.
    RateOnly,
    /// It failed.
    Failure,
    /// It is gone: opens at once.
    Trip,
}

impl From<BreakerVerdict> for Verdict {
    fn from(verdict: BreakerVerdict) -> Self {
        match verdict {
            BreakerVerdict::Neutral => Self::Neutral,
            BreakerVerdict::RateOnly => Self::RateOnly,
            BreakerVerdict::Failure => Self::Failure,
            BreakerVerdict::Trip => Self::Trip,
        }
    }
}

impl From<ErrorKind> for Verdict {
    fn from(kind: ErrorKind) -> Self {
        kind.breaker().into()
    }
}

/// The breaker is open, or all its probes are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dependency failed too often; try again in {retry_in:?}")]
pub struct Rejected {
    /// When to try again.
    pub retry_in: Duration,
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Lets them through.
    Closed,
    /// Lets probes through.
    HalfOpen,
    /// Refuses them.
    Open,
}

impl BreakerState {
    const fn gauge(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 1.0,
            Self::Open => 2.0,
        }
    }
}

struct Bucket {
    /// Which step of time it counts.
    step: u128,
    calls: u32,
    failures: u32,
}

enum Phase {
    Closed { window: VecDeque<Bucket>, run: u32 },
    Open { until: Instant },
    HalfOpen { on_their_way: u32, successes: u32 },
}

/// The pure state machine: time comes in as `now`.
struct Machine {
    policy: BreakerPolicy,
    phase: Phase,
    /// Grows with each change of phase: what was begun before says nothing about what is now.
    generation: u64,
    /// How many times it opened without having closed.
    trips: u32,
    origin: Instant,
    rng: StdRng,
}

impl Machine {
    fn new(policy: BreakerPolicy, seed: u64, now: Instant) -> Self {
        Self {
            policy,
            phase: Phase::Closed { window: VecDeque::new(), run: 0 },
            generation: 0,
            trips: 0,
            origin: now,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    const fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }

    /// The generation of a call that may go ahead.
    fn try_acquire(&mut self, now: Instant) -> Result<u64, Rejected> {
        if let Phase::Open { until } = self.phase {
            if now < until {
                return Err(Rejected { retry_in: until - now });
            }
            self.enter(Phase::HalfOpen { on_their_way: 0, successes: 0 });
        }
        if let Phase::HalfOpen { on_their_way, .. } = &mut self.phase {
            if *on_their_way >= self.policy.probes.max(1) {
                return Err(Rejected { retry_in: self.policy.open_for });
            }
            *on_their_way += 1;
        }
        Ok(self.generation)
    }

    /// What became of a call of `generation`. `retry_after` is what the dependency asked for.
    fn record(
        &mut self,
        generation: u64,
        verdict: Verdict,
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        if generation != self.generation {
            return;
        }
        let policy = self.policy;
        match &mut self.phase {
            // Nothing is let through while open, so nothing of this generation comes back.
            Phase::Open { .. } => {}
            Phase::HalfOpen { on_their_way, successes } => {
                *on_their_way = on_their_way.saturating_sub(1);
                match verdict {
                    Verdict::Neutral => {}
                    Verdict::Success => {
                        *successes += 1;
                        if *successes >= policy.successes_to_close {
                            self.trips = 0;
                            self.enter(Phase::Closed { window: VecDeque::new(), run: 0 });
                        }
                    }
                    Verdict::RateOnly | Verdict::Failure | Verdict::Trip => {
                        self.open(retry_after, now);
                    }
                }
            }
            Phase::Closed { window, run } => {
                let failed = match verdict {
                    Verdict::Neutral => return,
                    Verdict::Success => false,
                    Verdict::RateOnly | Verdict::Failure | Verdict::Trip => true,
                };
                match verdict {
                    Verdict::Success => *run = 0,
                    Verdict::Failure => *run += 1,
                    Verdict::Neutral | Verdict::RateOnly | Verdict::Trip => {}
                }
                let step = step(now, self.origin, &policy);
                let (calls, failures) = count(window, step, failed, &policy);
                let rate = f64::from(failures) / f64::from(calls.max(1));
                if verdict == Verdict::Trip
                    || *run >= policy.consecutive_failures
                    || (failed && calls >= policy.min_samples && rate >= policy.failure_rate)
                {
                    self.open(retry_after, now);
                }
            }
        }
    }

    fn open(&mut self, retry_after: Option<Duration>, now: Instant) {
        let policy = self.policy;
        let ceiling = policy
            .open_for
            .saturating_mul(2_u32.saturating_pow(self.trips))
            .min(policy.open_for_max);
        self.trips = self.trips.saturating_add(1);
        // Half of it is certain, or the jitter would sometimes leave no pause at all.
        let pause = ceiling.mul_f64(self.rng.random_range(0.5..=1.0));
        let asked = retry_after.unwrap_or_default().min(policy.open_for_max);
        self.enter(Phase::Open { until: now + pause.max(asked) });
    }
}

fn step(now: Instant, origin: Instant, policy: &BreakerPolicy) -> u128 {
    let length = policy.window.as_nanos() / u128::from(policy.buckets.max(1));
    now.duration_since(origin).as_nanos() / length.max(1)
}

/// Adds a call to the window; the calls and the failures in it.
fn count(
    window: &mut VecDeque<Bucket>,
    step: u128,
    failed: bool,
    policy: &BreakerPolicy,
) -> (u32, u32) {
    while window.front().is_some_and(|first| first.step + u128::from(policy.buckets) <= step) {
        window.pop_front();
    }
    if window.back().is_none_or(|last| last.step < step) {
        window.push_back(Bucket { step, calls: 0, failures: 0 });
    }
    if let Some(last) = window.back_mut() {
        last.calls = last.calls.saturating_add(1);
        last.failures = last.failures.saturating_add(u32::from(failed));
    }
    window.iter().fold((0, 0), |(calls, failures): (u32, u32), bucket| {
        (calls.saturating_add(bucket.calls), failures.saturating_add(bucket.failures))
    })
}

struct Shared {
    name: &'static str,
    machine: Mutex<Machine>,
    gauge: Gauge,
}

impl Shared {
    /// Runs a step of the machine and tells the world where it led.
    fn with<T>(&self, step: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.machine.lock();
        let before = machine.state();
        let result = step(&mut machine);
        let after = machine.state();
        if before != after {
            self.gauge.set(after.gauge());
            match after {
                BreakerState::Open => tracing::warn!(breaker = self.name, "breaker opened"),
                BreakerState::HalfOpen => tracing::info!(breaker = self.name, "breaker probes"),
                BreakerState::Closed => tracing::info!(breaker = self.name, "breaker closed"),
            }
        }
        result
    }
}

/// A circuit breaker. Clones share it.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

impl Breaker {
    /// A closed breaker before the dependency `name`, the label of its gauge. The seed makes its
    /// jitter repeatable.
    #[must_use]
    pub fn new(name: &'static str, policy: BreakerPolicy, seed: u64) -> Self {
        let gauge = gauge(Metric::BreakerState, &[name]);
        gauge.set(BreakerState::Closed.gauge());
        let machine = Mutex::new(Machine::new(policy, seed, Instant::now()));
        Self { shared: Arc::new(Shared { name, machine, gauge }) }
    }

    /// The right to make one call.
    ///
    /// # Errors
    /// [`Rejected`] while the dependency is left alone.
    pub fn try_acquire(&self, now: Instant) -> Result<BreakerPermit, Rejected> {
        let generation = self.shared.with(|machine| machine.try_acquire(now))?;
        Ok(BreakerPermit { shared: Arc::clone(&self.shared), generation, spent: false })
    }

    /// What it does with calls. It turns half-open at the first call after its pause, not by
    /// itself.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.shared.machine.lock().state()
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.shared.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// The right to make one call. Dropped without a verdict it says nothing about the dependency.
#[must_use = "a call is judged by its permit"]
pub struct BreakerPermit {
    shared: Arc<Shared>,
    generation: u64,
    spent: bool,
}

impl BreakerPermit {
    /// What became of the call.
    pub fn record(self, verdict: Verdict) {
        self.settle(verdict, None);
    }

    /// What became of the call, and how long the dependency asked to be left alone.
    pub fn record_after(self, verdict: Verdict, retry_after: Duration) {
        self.settle(verdict, Some(retry_after));
    }

    fn settle(mut self, verdict: Verdict, retry_after: Option<Duration>) {
        self.spent = true;
        let now = Instant::now();
        self.shared.with(|machine| machine.record(self.generation, verdict, retry_after, now));
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if !self.spent {
            let now = Instant::now();
            self.shared
                .with(|machine| machine.record(self.generation, Verdict::Neutral, None, now));
        }
    }
}

impl std::fmt::Debug for BreakerPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BreakerPermit")
            .field("breaker", &self.shared.name)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
