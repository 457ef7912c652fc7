//! The bounded queue of a device's workers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    thread::ThreadId,
    time::Duration,
};

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

/// A worker that helps out takes jobs at once while all other workers are busy with jobs that are
/// expected to take at least this long, and twice as long as what it takes. Otherwise it waits until
/// none of them has taken one for this long. Under a load of short jobs it does nothing, because one
/// thread more than there are cores only costs switches.
const LONG: Duration = Duration::from_millis(10);

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
    /// What the job that each of them is busy with costs.
    busy: HashMap<ThreadId, Duration>,
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
            busy: HashMap::new(),
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
            if let Some(most) = self.help(&mut state, within, most) {
                let _cost = state.lines.take(to, most, limits, together);
            }
            return;
        }
        let thread = std::thread::current().id();
        state.busy.remove(&thread);
        if state.again.is_empty() && state.lines.len() == 0 {
            state.idle += 1;
            self.shared.arrived.wait_for(&mut state, within);
            state.idle -= 1;
        }
        let cost = match state.again.pop_front() {
            Some(job) => {
                to.push(job);
                Some(Duration::ZERO)
            }
            None => state.lines.take(to, Duration::MAX, limits, together),
        };
        if let Some(cost) = cost {
            state.taken = Instant::now();
            state.busy.insert(thread, cost);
        }
    }

    /// Waits until there is a job to help out with that costs at most `most`. Returns what it may
    /// cost.
    fn help(
        &self,
        state: &mut MutexGuard<'_, State<J>>,
        within: Duration,
        most: Duration,
    ) -> Option<Duration> {
        if !state.lines.has(most) || state.idle > 0 {
            state.helper_sleeps = true;
            self.shared.help.wait_for(state, within);
            state.helper_sleeps = false;
        }
        let shortest = state.busy.values().min().copied()?;
        if state.idle > 0 || !state.lines.has(most) {
            return None;
        }
        if shortest >= LONG && state.lines.has(most.min(shortest / 2)) {
            return Some(most.min(shortest / 2));
        }
        let wait = LONG.saturating_sub(state.taken.elapsed());
        if wait.is_zero() {
            return Some(most);
        }
        // Nobody wakes it: it only lets time pass.
        self.shared.help.wait_for(state, wait);
        None
    }

    /// Notes that the calling thread takes no more jobs.
    pub(super) fn leave(&self) {
        self.shared.state.lock().busy.remove(&std::thread::current().id());
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
        assert!(take(&helper).is_empty(), "no other worker is busy");
        assert_eq!(take(&queue), ['A']);
        assert_eq!(take(&helper), ['c']);
        assert!(take(&helper).is_empty(), "the rest takes too long");
        assert_eq!(take(&queue), ['B']);
    }
}
