//! When the work on a frame is shared, and which workers are woken for it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::workers::Workers;
use crate::clock::Stopwatch;

/// Threads that the CPU backends of a process share to work on one frame together.
///
/// Parallelism across frames comes first, because it wastes nothing: a frame uses other threads
/// only while at most half as many frames as threads are being computed.
#[derive(Debug)]
pub struct WorkerPool {
    workers: Workers,
    /// The frames that are being computed.
    frames: AtomicUsize,
    /// Results of fewer bytes stay on the frame's own thread.
    least_bytes: usize,
    started: Stopwatch,
    /// When work was last shared, in nanoseconds since `started`.
    last_shared: AtomicU64,
}

/// The default of `least_bytes`: for less, sharing takes longer than it saves, even if the workers
/// are awake.
const WORTH_SHARING: usize = 64 << 10;

/// Results of this many times `least_bytes` wake parked workers at once: even the cheapest filter
/// takes longer than that for a result of 1 MiB.
const WORTH_WAKING: usize = 16;

/// For smaller results workers are woken if the rest will take longer than this, judging by the
/// first part.
const LONG: Duration = Duration::from_micros(60);

/// Workers are also woken at once if work was shared less than this long ago: they will then stay
/// awake for the work that follows.
const SOON: Duration = Duration::from_micros(20);

impl WorkerPool {
    /// Starts a pool of that many threads, including the one that computes a frame.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let workers = Workers::start(threads.saturating_sub(1))?;
        Ok(Self {
            workers,
            frames: AtomicUsize::new(0),
            least_bytes: WORTH_SHARING,
            started: Stopwatch::start(),
            last_shared: AtomicU64::new(0),
        })
    }

    /// Shares the work on any result of at least that many bytes, instead of 64 KiB. Tests use 0,
    /// so that small images are computed on several threads.
    #[must_use]
    pub fn sharing_from(self, least_bytes: usize) -> Self {
        Self { least_bytes, ..self }
    }

    /// Whether a result of that many bytes is large enough to be shared.
    pub(in crate::cpu) fn is_worth_sharing(&self, bytes: usize) -> bool {
        bytes >= self.least_bytes
    }

    /// How many bands to cut a result of that many bytes into: two for each thread, so that a
    /// worker that joins late does less, but no band that is too small to be shared.
    pub(in crate::cpu) fn bands(&self, bytes: usize) -> usize {
        (2 * self.threads()).min(bytes / self.least_bytes.max(1)).max(1)
    }

    /// The number of threads, including the one that computes a frame.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Whether a frame may use more than its own thread.
    pub(in crate::cpu) fn is_idle(&self) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        self.threads() > 1 && frames * 2 <= self.threads()
    }

    /// Calls `work` for each part, several at a time, and returns when all are done. Together the
    /// parts make `bytes` bytes.
    pub(in crate::cpu) fn each<T: Send>(
        &self,
        bytes: usize,
        parts: impl ExactSizeIterator<Item = T> + Send,
        work: impl Fn(T) + Sync,
    ) {
        let left = AtomicUsize::new(parts.len());
        let parts = Mutex::new(parts);
        let next = || {
            let part = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
            left.fetch_sub(usize::from(part.is_some()), Ordering::Relaxed);
            part
        };
        let work_off = || {
            while let Some(part) = next() {
                work(part);
            }
        };
        let queue = self.workers.queue();
        let own = || {
            let soon = self.since_last_shared() < SOON;
            if soon || bytes >= self.least_bytes.saturating_mul(WORTH_WAKING) {
                queue.wake(left.load(Ordering::Relaxed));
                return work_off();
            }
            let watch = Stopwatch::start();
            next().into_iter().for_each(&work);
            let rest = left.load(Ordering::Relaxed);
            if watch.elapsed().saturating_mul(rest.try_into().unwrap_or(u32::MAX)) > LONG {
                queue.wake(rest);
            }
            work_off();
        };
        queue.share(own, &work_off);
        self.last_shared.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
    }

    fn since_last_shared(&self) -> Duration {
        Duration::from_nanos(self.now().saturating_sub(self.last_shared.load(Ordering::Relaxed)))
    }

    /// Counts a frame as being computed until the result is dropped.
    pub(in crate::cpu) fn enter(&self) -> Frame<'_> {
        self.frames.fetch_add(1, Ordering::Relaxed);
        Frame(self)
    }
}

/// A frame that is being computed.
#[derive(Debug)]
pub(in crate::cpu) struct Frame<'a>(&'a WorkerPool);

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.0.frames.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_bands_a_thread_but_none_is_too_small() {
        let pool = WorkerPool::new(8).unwrap();
        let bands = |bytes| pool.bands(bytes);
        assert_eq!([0, WORTH_SHARING, 5 * WORTH_SHARING, 1 << 30].map(bands), [1, 1, 5, 16]);
        assert_eq!(pool.sharing_from(0).bands(1000), 16);
    }

    #[test]
    fn every_part_is_done_once() {
        let pool = WorkerPool::new(3).unwrap();
        for bytes in [0, WORTH_SHARING * WORTH_WAKING] {
            let mut parts = [0_u8; 40];
            pool.each(bytes, parts.iter_mut(), |part| *part += 1);
            assert_eq!(parts, [1; 40]);
        }
    }

    #[test]
    fn frames_share_threads_only_while_half_of_them_are_free() {
        let pool = WorkerPool::new(4).unwrap();
        let mut frames = vec![pool.enter(), pool.enter()];
        assert!(pool.is_idle());
        frames.push(pool.enter());
        assert!(!pool.is_idle());
        drop(frames);
        assert!(pool.is_idle());
        assert!(!WorkerPool::new(1).unwrap().is_idle());
    }
}
