//! The bounded queue of a device's workers, and the choice of jobs for a batch.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};

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

/// The bounded queue of a device's workers. It is cheap to clone; clones share the queue.
#[derive(Debug)]
pub struct DeviceQueue<J> {
    shared: Arc<Shared<J>>,
}

impl<J> Clone for DeviceQueue<J> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<J> {
    waiting: Mutex<Waiting<J>>,
    arrived: Condvar,
    max_jobs: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Waiting<J> {
    jobs: VecDeque<(J, usize)>,
    /// The bytes of `jobs`.
    bytes: usize,
    /// Jobs that were taken before but not processed. They come first, each alone, and do not count
    /// towards the limits.
    again: VecDeque<J>,
    closed: bool,
}

impl<J> DeviceQueue<J> {
    /// A queue in which at most `max_jobs` jobs of at most `max_bytes` bytes in all may wait.
    #[must_use]
    pub fn new(max_jobs: usize, max_bytes: usize) -> Self {
        let (jobs, again) = (VecDeque::new(), VecDeque::new());
        let waiting = Waiting { jobs, bytes: 0, again, closed: false };
        let (waiting, arrived) = (Mutex::new(waiting), Condvar::new());
        Self { shared: Arc::new(Shared { waiting, arrived, max_jobs: max_jobs.max(1), max_bytes }) }
    }

    /// Adds a job of `bytes` bytes. A job that alone exceeds the limit is accepted if no other job
    /// waits.
    ///
    /// # Errors
    /// If there is no room. The job is returned with the reason.
    pub fn submit(&self, job: J, bytes: usize) -> Result<(), (QueueFull, J)> {
        let mut waiting = self.shared.waiting.lock();
        if waiting.closed {
            return Err((QueueFull::Closed, job));
        }
        let all = waiting.bytes.saturating_add(bytes);
        if waiting.bytes > 0 && all > self.shared.max_bytes {
            return Err((QueueFull::Bytes, job));
        }
        if waiting.jobs.len() >= self.shared.max_jobs {
            return Err((QueueFull::Jobs, job));
        }
        waiting.bytes = all;
        waiting.jobs.push_back((job, bytes));
        drop(waiting);
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// The number of waiting jobs.
    #[must_use]
    pub fn len(&self) -> usize {
        let waiting = self.shared.waiting.lock();
        waiting.jobs.len() + waiting.again.len()
    }

    /// Whether no job waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves the oldest job into `to`, together with the jobs that can be in one batch with it. If
    /// no job waits, it waits for one until the timeout, but never for a second one.
    pub(super) fn take(
        &self,
        to: &mut Vec<J>,
        within: Duration,
        limits: BatchLimits,
        together: impl Fn(&J, &J) -> bool,
    ) {
        let mut waiting = self.shared.waiting.lock();
        if waiting.again.is_empty() && waiting.jobs.is_empty() {
            self.shared.arrived.wait_for(&mut waiting, within);
        }
        if let Some(job) = waiting.again.pop_front() {
            to.push(job);
            return;
        }
        let Waiting { jobs, bytes, .. } = &mut *waiting;
        *bytes -= batch(jobs, to, limits, together);
    }

    /// Returns jobs that were taken together to the queue, so that each is processed alone.
    pub(super) fn again(&self, jobs: impl Iterator<Item = J>) {
        self.shared.waiting.lock().again.extend(jobs);
        self.shared.arrived.notify_all();
    }

    /// Drops all waiting jobs and refuses new ones.
    pub(super) fn close(&self) {
        let mut waiting = self.shared.waiting.lock();
        (waiting.bytes, waiting.closed) = (0, true);
        let (jobs, again) = (std::mem::take(&mut waiting.jobs), std::mem::take(&mut waiting.again));
        drop(waiting);
        drop((jobs, again));
    }
}

/// Moves the first job into `to`, with those behind it that can be in one batch with it, within the
/// limits. The others keep their order. Returns the bytes of the moved jobs.
fn batch<J>(
    waiting: &mut VecDeque<(J, usize)>,
    to: &mut Vec<J>,
    limits: BatchLimits,
    together: impl Fn(&J, &J) -> bool,
) -> usize {
    let Some((first, mut bytes)) = waiting.pop_front() else { return 0 };
    let start = to.len();
    let mut at = 0;
    while to.len() - start + 1 < limits.jobs
        && let Some((job, more)) = waiting.get(at)
    {
        let all = bytes.saturating_add(*more);
        if all <= limits.bytes
            && together(&first, job)
            && let Some((job, _)) = waiting.remove(at)
        {
            to.push(job);
            bytes = all;
        } else {
            at += 1;
        }
    }
    // It is inserted last, because the others are compared with it.
    to.insert(start, first);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        /// A job is a kind and its bytes; equal kinds go together.
        #[test]
        fn a_batch_is_the_first_job_and_its_like(
            kinds in prop::collection::vec((0..3_usize, 0..50_usize), 0..20),
            jobs in 1..9_usize,
            bytes in 0..200_usize,
        ) {
            let numbered: Vec<(usize, usize)> = kinds.iter().map(|(kind, _)| *kind).enumerate().collect();
            let sizes: Vec<usize> = kinds.iter().map(|(_, bytes)| *bytes).collect();
            let mut waiting: VecDeque<_> = numbered.iter().copied().zip(sizes.iter().copied()).collect();
            let mut taken = Vec::new();
            let limits = BatchLimits { jobs, bytes };
            let held = batch(&mut waiting, &mut taken, limits, |a, b| a.1 == b.1);

            prop_assert_eq!(taken.first(), numbered.first());
            prop_assert!(taken.len() <= jobs);
            prop_assert!(taken.iter().all(|job| job.1 == taken[0].1));
            prop_assert_eq!(held, taken.iter().map(|job| sizes[job.0]).sum::<usize>());
            prop_assert!(taken.len() <= 1 || held <= bytes);
            // Both lists keep their order, and no job is lost.
            prop_assert!(taken.is_sorted_by_key(|job| job.0));
            let left: Vec<_> = waiting.iter().map(|(job, _)| *job).collect();
            prop_assert!(left.is_sorted_by_key(|job| job.0));
            let mut all = [taken.clone(), left.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, numbered);
            // A job that stays behind is of another kind or exceeds the limits.
            let has_room = |job: &(usize, usize)| taken.len() < jobs && held + sizes[job.0] <= bytes;
            let stays = |job: &&(usize, usize)| Some(job.1) == taken.first().map(|t| t.1) && has_room(job);
            prop_assert_eq!(left.iter().find(stays), None);
        }
    }
}
