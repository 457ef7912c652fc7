//! The bounded queue of a device's workers.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::time::Instant;

use super::lines::{JobSize, Lines};

/// The reason why a queue refused a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueFull {
    /// The maximum number of jobs is waiting.
    Jobs,
    /// The maximum number of bytes is waiting.
    Bytes,
    /// No worker will take the job, because the device is lost.
    Closed,
}

/// The most that a worker takes at a time. A single job is always taken, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The number of jobs in a batch.
    pub jobs: usize,
    /// The bytes of all jobs in a batch, as stated when they were submitted.
    pub bytes: usize,
}

impl BatchLimits {
    /// Jobs are processed one by one.
    pub const ONE: Self = Self { jobs: 1, bytes: 0 };
}

/// A worker that helps out takes jobs only after no other worker has taken one for this long: all
/// of them are then busy with long jobs. Under a load of short jobs it does nothing, because one
/// thread more than there are cores only costs switches.
const HELP_AFTER: Duration = Duration::from_millis(25);

/// The bounded queue of a device's workers, in which callers take turns. It is cheap to clone;
/// clones share the queue.
#[derive(Debug)]
pub struct DeviceQueue<J> {
    shared: Arc<Shared<J>>,
    /// For a worker that helps out: the most that a job may cost.
    helps_with: Option<Duration>,
}

impl<J> Clone for DeviceQueue<J> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..*self }
    }
}

#[derive(Debug)]
struct Shared<J> {
    state: Mutex<State<J>>,
    arrived: Condvar,
    /// Wakes the worker that helps out.
    help: Condvar,
    max_jobs: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct State<J> {
    lines: Lines<J>,
    /// Jobs that were taken before but not processed. They come first, each alone, and do not count
    /// towards the limits.
    again: VecDeque<J>,
    closed: bool,
    /// The workers that wait for a job, without one that helps out.
    idle: usize,
    /// When one of them took a job last.
    taken: Instant,
    /// Whether a worker that helps out sleeps until it is woken.
    helper_sleeps: bool,
}

impl<J> DeviceQueue<J> {
    /// A queue in which at most `max_jobs` jobs of at most `max_bytes` bytes in all may wait.
    #[must_use]
    pub fn new(max_jobs: usize, max_bytes: usize) -> Self {
        let state = Mutex::new(State {
            lines: Lines::default(),
            again: VecDeque::new(),
            closed: false,
            idle: 0,
            taken: Instant::now(),
            helper_sleeps: false,
        });
        let (arrived, help) = (Condvar::new(), Condvar::new());
        let shared = Shared { state, arrived, help, max_jobs: max_jobs.max(1), max_bytes };
        Self { shared: Arc::new(shared), helps_with: None }
    }

    /// The same queue for a worker that helps out while all others are busy with long jobs: it
    /// takes only jobs that cost at most `most`.
    #[must_use]
    pub fn helping_with(&self, most: Duration) -> Self {
        Self { helps_with: Some(most), ..self.clone() }
    }

    /// Adds a job. A job that alone exceeds the limit on bytes is accepted if no other job waits.
    ///
    /// # Errors
    /// If there is no room. The job is returned with the reason.
    pub fn submit(&self, job: J, size: impl Into<JobSize>) -> Result<(), (QueueFull, J)> {
        let size = size.into();
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err((QueueFull::Closed, job));
        }
        let (waiting, all) = (state.lines.bytes(), state.lines.bytes().saturating_add(size.bytes));
        if waiting > 0 && all > self.shared.max_bytes {
            return Err((QueueFull::Bytes, job));
        }
        if state.lines.len() >= self.shared.max_jobs {
            return Err((QueueFull::Jobs, job));
        }
        state.lines.push(job, size);
        let wake_helper = state.idle == 0 && state.helper_sleeps;
        drop(state);
        if wake_helper {
            self.shared.help.notify_one();
        }
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// The number of waiting jobs.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.shared.state.lock();
        state.lines.len() + state.again.len()
    }

    /// Whether no job waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves the next job into `to`, together with the jobs that can be in one batch with it. If
    /// no job waits, it waits for one until the timeout, but never for a second one.
    pub(super) fn take(
        &self,
        to: &mut Vec<J>,
        within: Duration,
        limits: BatchLimits,
        together: impl Fn(&J, &J) -> bool,
    ) {
        let mut state = self.shared.state.lock();
        if let Some(most) = self.helps_with {
            if self.may_help(&mut state, within, most) {
                state.lines.take(to, most, limits, together);
            }
            return;
        }
        if state.again.is_empty() && state.lines.len() == 0 {
            state.idle += 1;
            self.shared.arrived.wait_for(&mut state, within);
            state.idle -= 1;
        }
        if let Some(job) = state.again.pop_front() {
            to.push(job);
        } else {
            state.lines.take(to, Duration::MAX, limits, together);
        }
        if !to.is_empty() {
            state.taken = Instant::now();
        }
    }

    /// Waits until there is a job that costs at most `most` and all other workers have been busy
    /// for a while. Returns whether that is so.
    fn may_help(
        &self,
        state: &mut MutexGuard<'_, State<J>>,
        within: Duration,
        most: Duration,
    ) -> bool {
        if !state.lines.has(most) || state.idle > 0 {
            state.helper_sleeps = true;
            self.shared.help.wait_for(state, within);
            state.helper_sleeps = false;
        }
        if state.lines.has(most) && state.idle == 0 {
            let wait = HELP_AFTER.saturating_sub(state.taken.elapsed());
            if wait.is_zero() {
                return true;
            }
            // Nobody wakes it: it only lets time pass.
            self.shared.help.wait_for(state, wait);
        }
        false
    }

    /// Returns jobs that were taken together to the queue, so that each is processed alone.
    pub(super) fn again(&self, jobs: impl Iterator<Item = J>) {
        self.shared.state.lock().again.extend(jobs);
        self.shared.arrived.notify_all();
    }

    /// Drops all waiting jobs and refuses new ones.
    pub(super) fn close(&self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        let (lines, again) = (state.lines.clear(), std::mem::take(&mut state.again));
        drop(state);
        drop((lines, again));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credits::Caller;

    const NEVER: fn(&char, &char) -> bool = |_, _| false;
    const SOON: Duration = Duration::from_millis(1);

    fn take(queue: &DeviceQueue<char>) -> Vec<char> {
        let mut jobs = Vec::new();
        queue.take(&mut jobs, SOON, BatchLimits::ONE, NEVER);
        jobs
    }

    #[test]
    fn a_queue_is_bounded_by_jobs_and_by_bytes() {
        let queue = DeviceQueue::new(2, 100);
        assert!(queue.submit('a', 60).is_ok());
        assert_eq!(queue.submit('b', 50), Err((QueueFull::Bytes, 'b')));
        assert!(queue.submit('c', 40).is_ok());
        assert_eq!(queue.submit('d', 0), Err((QueueFull::Jobs, 'd')));
        assert_eq!(take(&queue), ['a']);
        assert!(queue.submit('e', 60).is_ok());
        assert_eq!(queue.len(), 2);
        queue.close();
        assert!(queue.is_empty());
        assert_eq!(queue.submit('f', 1), Err((QueueFull::Closed, 'f')));
    }

    #[test]
    fn a_job_over_the_bytes_is_taken_when_it_is_alone() {
        let queue = DeviceQueue::new(2, 100);
        assert!(queue.submit('a', 500).is_ok());
        assert_eq!(queue.submit('b', 1), Err((QueueFull::Bytes, 'b')));
    }

    #[test]
    fn jobs_that_come_back_are_first_and_alone() {
        let queue = DeviceQueue::new(9, 100);
        for job in ['a', 'b', 'c'] {
            queue.submit(job, 1).unwrap();
        }
        let all = BatchLimits { jobs: 2, bytes: 100 };
        let mut jobs = Vec::new();
        queue.take(&mut jobs, SOON, all, |_, _| true);
        assert_eq!(jobs, ['a', 'b']);
        queue.again(jobs.drain(..));
        assert_eq!(queue.len(), 3);
        for must in ['a', 'b', 'c'] {
            queue.take(&mut jobs, SOON, all, |_, _| true);
            assert_eq!(jobs, [must]);
            jobs.clear();
        }
        assert!(take(&queue).is_empty());
    }

    #[test]
    fn who_waits_for_a_job_is_woken() {
        let queue = DeviceQueue::new(9, 100);
        let taken = std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut jobs = Vec::new();
                queue.take(&mut jobs, Duration::from_secs(60), BatchLimits::ONE, NEVER);
                jobs
            });
            queue.submit('a', 1).unwrap();
            waits.join().unwrap()
        });
        assert_eq!(taken, ['a']);
    }

    #[test]
    fn a_worker_that_helps_out_takes_short_jobs_while_the_others_are_busy_with_long_ones() {
        let queue = DeviceQueue::new(9, 100);
        let helper = queue.helping_with(Duration::from_millis(50));
        let size = |caller: &str, ms| {
            let cost = Duration::from_millis(ms);
            JobSize { caller: Caller::new(caller), bytes: 1, cost }
        };
        queue.submit('A', size("slow", 900)).unwrap();
        queue.submit('B', size("slow", 900)).unwrap();
        queue.submit('c', size("quick", 5)).unwrap();
        assert_eq!(take(&queue), ['A']);
        // The other worker has only just taken a job.
        assert!(take(&helper).is_empty());
        let helped = (0..10_000).map(|_| take(&helper)).find(|jobs| !jobs.is_empty());
        assert_eq!(helped, Some(vec!['c']));
        assert!(take(&helper).is_empty(), "the rest takes too long");
        assert_eq!(take(&queue), ['B']);
    }
}
