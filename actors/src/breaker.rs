//! Circuit breakers, which pause calls to a dependency that fails.
//!
//! Each dependency has a breaker of its own. While it is *closed*, it counts failures, and opens at
//! a failure rate or after several consecutive failures. While it is *open*, it rejects calls and
//! states when to try again. While it is *half-open*, it lets a fixed number of probes through, and
//! closes once enough of them have succeeded.

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
    /// The period that the failure rate covers.
    pub window: Duration,
    /// The number of steps in which the window moves forward.
    pub buckets: u32,
    /// The share of failures, from 0 to 1, at which the breaker opens.
    pub failure_rate: f64,
    /// The number of calls in the window below which the failure rate is ignored.
    pub min_samples: u32,
    /// The number of consecutive hard failures at which the breaker opens.
    pub consecutive_failures: u32,
    /// How long the breaker stays open the first time. The time doubles whenever a probe fails.
    pub open_for: Duration,
    /// The longest time that the breaker stays open.
    pub open_for_max: Duration,
    /// How many calls may be in progress while the breaker is half-open.
    pub probes: u32,
    /// How many probes must succeed in a row before the breaker closes.
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

/// What the outcome of a call says about its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The dependency works.
    Success,
    /// The call says nothing about the dependency and is not counted.
    Neutral,
    /// The dependency is overloaded. This counts in the failure rate, but not as a hard failure.
    RateOnly,
    /// The dependency failed. This counts as a hard failure.
    Failure,
    /// The dependency is gone. This opens the breaker at once.
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

/// A call was rejected because the breaker is open or all its probes are in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dependency failed too often; try again in {retry_in:?}")]
pub struct Rejected {
    /// How long to wait before the next attempt.
    pub retry_in: Duration,
}

/// The state of a breaker, which decides what happens to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// The breaker lets every call through.
    Closed,
    /// The breaker lets a limited number of probes through.
    HalfOpen,
    /// The breaker rejects every call.
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
    /// The step of the window that the bucket counts.
    step: u128,
    calls: u32,
    failures: u32,
}

enum Phase {
    Closed { window: VecDeque<Bucket>, run: u32 },
    Open { until: Instant },
    HalfOpen { on_their_way: u32, successes: u32 },
}

/// The state machine. It reads no clock: the time is passed in as `now`.
struct Machine {
    policy: BreakerPolicy,
    phase: Phase,
    /// Increases with each change of phase, because a call from an earlier phase says nothing about
    /// the current one.
    generation: u64,
    /// How many times the breaker opened since it was last closed.
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

    /// Admits a call and returns its generation.
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

    /// Records the outcome of a call of `generation`. `retry_after` is the pause that the
    /// dependency asked for.
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
            // An open breaker admits no calls, so none of this generation can be recorded.
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
        // Half of the pause is fixed, because full jitter would sometimes leave no pause at all.
        let pause = ceiling.mul_f64(self.rng.random_range(0.5..=1.0));
        let asked = retry_after.unwrap_or_default().min(policy.open_for_max);
        self.enter(Phase::Open { until: now + pause.max(asked) });
    }
}

fn step(now: Instant, origin: Instant, policy: &BreakerPolicy) -> u128 {
    let length = policy.window.as_nanos() / u128::from(policy.buckets.max(1));
    now.duration_since(origin).as_nanos() / length.max(1)
}

/// Adds a call to the window and returns the numbers of calls and failures in it.
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
    /// Runs a step of the machine, and reports a new state in the log and the gauge.
    fn with<T>(&self, step: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.machine.lock();
        let before = machine.state();
        let result = step(&mut machine);
        let after = machine.state();
        if before != after {
            self.gauge.set(after.gauge());
            match after {
                BreakerState::Open => tracing::warn!(breaker = self.name, "breaker opened"),
                BreakerState::HalfOpen => {
                    tracing::info!(breaker = self.name, "breaker half-open: probing")
                }
                BreakerState::Closed => tracing::info!(breaker = self.name, "breaker closed"),
            }
        }
        result
    }
}

/// A circuit breaker. Clones share its state.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

impl Breaker {
    /// A closed breaker for the dependency `name`, which is also the label of its gauge. The seed
    /// makes its jitter reproducible.
    #[must_use]
    pub fn new(name: &'static str, policy: BreakerPolicy, seed: u64) -> Self {
        let gauge = gauge(Metric::BreakerState, &[name]);
        gauge.set(BreakerState::Closed.gauge());
        let machine = Mutex::new(Machine::new(policy, seed, Instant::now()));
        Self { shared: Arc::new(Shared { name, machine, gauge }) }
    }

    /// Asks for permission to make one call.
    ///
    /// # Errors
    /// [`Rejected`] if the breaker is open or all its probes are in progress.
    pub fn try_acquire(&self, now: Instant) -> Result<BreakerPermit, Rejected> {
        let generation = self.shared.with(|machine| machine.try_acquire(now))?;
        Ok(BreakerPermit { shared: Arc::clone(&self.shared), generation, spent: false })
    }

    /// The current state. An open breaker becomes half-open with the first call after its pause,
    /// not before.
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

/// The permission to make one call. Dropped without a verdict, it counts as [`Verdict::Neutral`].
#[must_use = "a call is judged by its permit"]
pub struct BreakerPermit {
    shared: Arc<Shared>,
    generation: u64,
    spent: bool,
}

impl BreakerPermit {
    /// Records the outcome of the call.
    pub fn record(self, verdict: Verdict) {
        self.settle(verdict, None);
    }

    /// Records the outcome of the call, and the pause that the dependency asked for.
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
