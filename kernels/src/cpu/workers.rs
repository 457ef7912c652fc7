//! Who shares the work on a frame, and when.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::crew::Crew;
use crate::clock::Stopwatch;

/// Threads that all CPU backends of a process share.
///
/// Frames first: while more than half as many frames as threads are being computed, each stays on
/// its own thread, which wastes nothing.
#[derive(Debug)]
pub struct Workers {
    /// Those who help.
    crew: Crew,
    /// Frames that are being computed.
    frames: AtomicUsize,
    /// Smaller results stay on the frame's own thread.
    least_bytes: usize,
    since: Stopwatch,
    /// When work was shared last, in nanoseconds since then.
    last: AtomicU64,
}

/// Below this, telling others takes longer than what they would save, even if they are awake.
const WORTH_IT: usize = 64 << 10;

/// From so many times that on sleeping threads are woken at once: however little a filter does, a
/// result of 1 MiB takes longer.
const WORTH_WAKING: usize = 16;

/// Below that they are if the rest will take longer than this, by what the first part took.
const LONG: Duration = Duration::from_micros(60);

/// Or if work comes so soon after the last that they will stay awake for what comes next.
const SOON: Duration = Duration::from_micros(20);

impl Workers {
    /// That many threads, the one that computes a frame included.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let crew = Crew::new(threads.saturating_sub(1))?;
        Ok(Self {
            crew,
            frames: AtomicUsize::new(0),
            least_bytes: WORTH_IT,
            since: Stopwatch::start(),
            last: AtomicU64::new(0),
        })
    }

    /// Sharing the work on any result of at least that many bytes, instead of 64 KiB: with 0,
    /// tests on small images see what threads do.
    #[must_use]
    pub fn sharing_from(self, least_bytes: usize) -> Self {
        Self { least_bytes, ..self }
    }

    /// Whether a result of that many bytes is worth other threads.
    pub(super) fn worth(&self, bytes: usize) -> bool {
        bytes >= self.least_bytes
    }

    /// How many bands to cut such a result into: two for each thread, so that one that comes late
    /// does less, but none so small that it is not worth a thread.
    pub(super) fn bands(&self, bytes: usize) -> usize {
        (2 * self.threads()).min(bytes / self.least_bytes.max(1)).max(1)
    }

    /// How many.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.crew.len() + 1
    }

    /// Whether a frame may use more than its own thread.
    pub(super) fn idle(&self) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        self.threads() > 1 && frames * 2 <= self.threads()
    }

    /// Calls it for each part, several at a time; returns when all are done. Together they make
    /// that many bytes.
    pub(super) fn each<T: Send>(
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
        let help = || {
            while let Some(part) = next() {
                work(part);
            }
        };
        let own = || {
            let soon = self.since_last() < SOON;
            if soon || bytes >= self.least_bytes.saturating_mul(WORTH_WAKING) {
                self.crew.wake(left.load(Ordering::Relaxed));
                return help();
            }
            let watch = Stopwatch::start();
            next().into_iter().for_each(&work);
            let rest = left.load(Ordering::Relaxed);
            if watch.elapsed().saturating_mul(rest.try_into().unwrap_or(u32::MAX)) > LONG {
                self.crew.wake(rest);
            }
            help();
        };
        self.crew.share(own, &help);
        self.last.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.since.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
    }

    /// How long ago work was shared last.
    fn since_last(&self) -> Duration {
        Duration::from_nanos(self.now().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    /// Counts a frame until the result is dropped.
    pub(super) fn enter(&self) -> Frame<'_> {
        self.frames.fetch_add(1, Ordering::Relaxed);
        Frame(self)
    }
}

/// A frame that is being computed.
#[derive(Debug)]
pub(super) struct Frame<'a>(&'a Workers);

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.0.frames.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_two_a_thread_but_none_too_small() {
        let workers = Workers::new(8).unwrap();
        let bands = |bytes| workers.bands(bytes);
        assert_eq!([0, WORTH_IT, 5 * WORTH_IT, 1 << 30].map(bands), [1, 1, 5, 16]);
        assert_eq!(workers.sharing_from(0).bands(1000), 16);
    }
}
