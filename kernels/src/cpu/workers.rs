//! Threads that share the work on a frame while there are fewer frames than cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Threads that all CPU backends of a process share.
///
/// Frames first: while more than half as many frames as threads are being computed, each stays on
/// its own thread, which wastes nothing.
#[derive(Debug)]
pub struct Workers {
    threads: rayon::ThreadPool,
    /// Frames that are being computed.
    frames: AtomicUsize,
    /// Smaller results stay on the frame's own thread.
    least_bytes: usize,
}

/// Below this, waking other threads takes longer than what they would save.
const WORTH_IT: usize = 128 << 10;

impl Workers {
    /// That many threads.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|index| format!("ocelli-pixels-{index}"))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self { threads, frames: AtomicUsize::new(0), least_bytes: WORTH_IT })
    }

    /// Sharing the work on any result of at least that many bytes, instead of 128 KiB: with 0,
    /// tests on small images see what threads do.
    #[must_use]
    pub fn sharing_from(self, least_bytes: usize) -> Self {
        Self { least_bytes, ..self }
    }

    /// Whether a result of that many bytes is worth other threads.
    pub(super) fn worth(&self, bytes: usize) -> bool {
        bytes >= self.least_bytes
    }

    /// How many.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Whether a frame may use more than its own thread.
    pub(super) fn idle(&self) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        self.threads() > 1 && frames * 2 <= self.threads()
    }

    /// Calls it for each chunk of that length, several at a time; returns when all are done.
    pub(super) fn each_chunk(
        &self,
        all: &mut [u8],
        len: usize,
        work: impl Fn((usize, &mut [u8])) + Sync + Send,
    ) {
        self.threads.install(|| all.par_chunks_mut(len).enumerate().for_each(work));
    }

    /// Calls it for each part, several at a time; returns when all are done.
    pub(super) fn each_part<T: Send>(&self, parts: &mut [T], work: impl Fn(&mut T) + Sync + Send) {
        self.threads.install(|| parts.par_iter_mut().for_each(work));
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
