//! The order in which waiting jobs are taken: callers take turns, each in its own order.
//!
//! This is start-time fair queueing (Goyal, Vin and Cheng, 1996) by the expected cost of the jobs: a
//! caller whose jobs take seconds is served as often as one whose jobs take milliseconds, measured in
//! the time of the device.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::BatchLimits;
use crate::credits::Caller;

/// What a queue has to know about a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSize {
    /// Who the job is for.
    pub caller: Caller,
    /// The bytes of the job.
    pub bytes: usize,
    /// How long it is expected to keep a worker busy.
    pub cost: Duration,
}

impl From<usize> for JobSize {
    /// A job of that many bytes, of an unknown caller, that takes no time.
    fn from(bytes: usize) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// What any job costs on its caller's clock, so that jobs of unknown cost take turns too.
const LEAST_COST: Duration = Duration::from_micros(100);

/// Waiting jobs, by caller.
#[derive(Debug)]
pub(super) struct Lines<J> {
    callers: HashMap<Caller, Line<J>>,
    /// The clock of the caller that was served last.
    clock: Duration,
    arrived: u64,
    jobs: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Line<J> {
    clock: Duration,
    jobs: VecDeque<Waiting<J>>,
}

#[derive(Debug)]
struct Waiting<J> {
    job: J,
    bytes: usize,
    cost: Duration,
    /// The number of jobs that arrived before.
    at: u64,
}

impl<J> Default for Lines<J> {
    fn default() -> Self {
        Self { callers: HashMap::new(), clock: Duration::ZERO, arrived: 0, jobs: 0, bytes: 0 }
    }
}

impl<J> Lines<J> {
    /// The number of waiting jobs.
    pub(super) const fn len(&self) -> usize {
        self.jobs
    }

    /// The bytes of all waiting jobs.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, job: J, size: JobSize) {
        let JobSize { caller, bytes, cost } = size;
        let new = || Line { clock: self.clock, jobs: VecDeque::new() };
        let line = self.callers.entry(caller).or_insert_with(new);
        line.jobs.push_back(Waiting { job, bytes, cost, at: self.arrived });
        self.arrived += 1;
        self.jobs += 1;
        self.bytes += bytes;
    }

    /// Whether the next job of any caller costs at most `most`.
    pub(super) fn has(&self, most: Duration) -> bool {
        self.next(most).is_some()
    }

    /// The caller whose turn it is, of those whose next job costs at most `most`.
    fn next(&self, most: Duration) -> Option<&Caller> {
        let heads = self.callers.iter().filter_map(|(caller, line)| {
            let head = line.jobs.front().filter(|head| head.cost <= most)?;
            Some((caller, (line.clock, head.at)))
        });
        heads.min_by_key(|(_, turn)| *turn).map(|(caller, _)| caller)
    }

    /// Moves the next job that costs at most `most` into `to`, with those that can be in one batch
    /// with it, in the order of their arrival and within the limits. Returns the cost of that job.
    pub(super) fn take(
        &mut self,
        to: &mut Vec<J>,
        most: Duration,
        limits: BatchLimits,
        together: impl Fn(&J, &J) -> bool,
    ) -> Option<Duration> {
        let caller = self.next(most).cloned()?;
        let first = self.remove(&caller, 0)?;
        let (cost, mut bytes) = (first.cost, first.bytes);
        let mut like: Vec<(u64, Caller)> = Vec::new();
        if limits.jobs > 1 {
            for (caller, line) in &self.callers {
                let like_first = line.jobs.iter().filter(|other| together(&first.job, &other.job));
                like.extend(like_first.map(|other| (other.at, caller.clone())));
            }
            like.sort_unstable_by_key(|(at, _)| *at);
        }
        to.push(first.job);
        let mut taken = 1;
        for (at, caller) in like {
            let place = self.callers.get(&caller).and_then(|line| line.place(at));
            let Some((place, more)) = place else { continue };
            let all = bytes.saturating_add(more);
            if taken < limits.jobs
                && all <= limits.bytes
                && let Some(other) = self.remove(&caller, place)
            {
                to.push(other.job);
                (bytes, taken) = (all, taken + 1);
            }
        }
        Some(cost)
    }

    /// Removes a job, and moves its caller's clock on by its cost.
    fn remove(&mut self, caller: &Caller, place: usize) -> Option<Waiting<J>> {
        let line = self.callers.get_mut(caller)?;
        let waiting = line.jobs.remove(place)?;
        let start = line.clock.max(self.clock);
        line.clock = start + waiting.cost.max(LEAST_COST);
        self.clock = start;
        if line.jobs.is_empty() {
            self.callers.remove(caller);
        }
        self.jobs -= 1;
        self.bytes -= waiting.bytes;
        Some(waiting)
    }

    /// Removes all jobs.
    pub(super) fn clear(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl<J> Line<J> {
    /// The place and the bytes of the job that arrived as number `at`.
    fn place(&self, at: u64) -> Option<(usize, usize)> {
        let place = self.jobs.binary_search_by_key(&at, |waiting| waiting.at).ok()?;
        self.jobs.get(place).map(|waiting| (place, waiting.bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(caller: &str, cost_ms: u64) -> JobSize {
        JobSize { caller: Caller::new(caller), bytes: 1, cost: Duration::from_millis(cost_ms) }
    }

    fn take(lines: &mut Lines<char>, most: Duration) -> Option<char> {
        let mut to = Vec::new();
        lines.take(&mut to, most, BatchLimits::ONE, |_, _| false);
        to.pop()
    }

    #[test]
    fn callers_take_turns_by_the_time_that_their_jobs_take() {
        let mut lines = Lines::default();
        for job in ['A', 'B', 'C'] {
            lines.push(job, size("slow", 100));
        }
        for job in ['a', 'b', 'c', 'd', 'e'] {
            lines.push(job, size("quick", 30));
        }
        let order: String = std::iter::from_fn(|| take(&mut lines, Duration::MAX)).collect();
        // 100 ms of the one are as much as four jobs of 30 ms of the other.
        assert_eq!(order, "AabcdBeC");
        assert_eq!((lines.len(), lines.bytes()), (0, 0));
    }

    #[test]
    fn a_caller_that_was_idle_has_saved_nothing() {
        let mut lines = Lines::default();
        for job in ['A', 'B', 'C'] {
            lines.push(job, size("busy", 100));
        }
        assert_eq!(take(&mut lines, Duration::MAX), Some('A'));
        assert_eq!(take(&mut lines, Duration::MAX), Some('B'));
        for job in ['a', 'b', 'c'] {
            lines.push(job, size("late", 100));
        }
        let order: String = std::iter::from_fn(|| take(&mut lines, Duration::MAX)).collect();
        assert_eq!(order, "aCbc");
    }

    #[test]
    fn only_cheap_jobs_are_taken_where_that_is_asked_for() {
        let mut lines = Lines::default();
        lines.push('A', size("slow", 100));
        lines.push('b', size("slow", 1));
        let most = Duration::from_millis(50);
        assert!(!lines.has(most), "a job does not overtake those of its own caller");
        lines.push('a', size("quick", 1));
        assert!(lines.has(most));
        assert_eq!(take(&mut lines, most), Some('a'));
        assert_eq!(take(&mut lines, most), None);
    }

    proptest! {
        /// A job is a number and a kind; equal kinds go together.
        #[test]
        fn a_batch_is_the_first_job_and_its_like(
            jobs in prop::collection::vec((0..3_usize, 0..50_usize, 0..3_u8), 0..20),
            most in 1..9_usize,
            bytes in 0..200_usize,
        ) {
            let mut lines = Lines::default();
            for (number, (kind, bytes, caller)) in jobs.iter().enumerate() {
                let caller = Caller::new(&caller.to_string());
                lines.push((number, *kind), JobSize { caller, bytes: *bytes, ..JobSize::default() });
            }
            let size = |job: &(usize, usize)| jobs[job.0].1;
            let mut taken = Vec::new();
            let limits = BatchLimits { jobs: most, bytes };
            lines.take(&mut taken, Duration::MAX, limits, |a, b| a.1 == b.1);

            let first = (!jobs.is_empty()).then(|| (0, jobs[0].0));
            prop_assert_eq!(taken.first().copied(), first);
            prop_assert!(taken.len() <= most);
            prop_assert!(taken.iter().all(|job| job.1 == taken[0].1));
            let held: usize = taken.iter().map(size).sum();
            prop_assert!(taken.len() <= 1 || held <= bytes);
            prop_assert!(taken.is_sorted());
            // No job is lost, and none that would fit stays behind.
            let mut left = Vec::new();
            while lines.len() > 0 {
                lines.take(&mut left, Duration::MAX, BatchLimits::ONE, |_, _| false);
            }
            prop_assert_eq!(lines.bytes(), 0);
            let fits = |job: &&(usize, usize)| {
                Some(job.1) == first.map(|it| it.1) && taken.len() < most && held + size(job) <= bytes
            };
            prop_assert_eq!(left.iter().find(fits), None);
            let mut all = [taken.clone(), left].concat();
            all.sort_unstable();
            let must: Vec<_> = jobs.iter().map(|job| job.0).enumerate().collect();
            prop_assert_eq!(all, must);
        }
    }
}
