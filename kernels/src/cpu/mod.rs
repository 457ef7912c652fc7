//! How operations run on the CPU.

mod cut;
mod engine;
mod points;
mod stream;
mod table;
mod threads;
mod window;

pub use cut::Cut;
pub(crate) use engine::run;
pub use table::Table;
pub(crate) use table::look_up;
pub use threads::WorkerPool;
pub use window::Window;

use std::ops::Range;
use std::sync::Arc;

use crate::simd::Level;
use crate::{Pool, PooledBuffer};

/// What an operation works with: memory, vector instructions, other threads.
#[derive(Clone, Debug)]
pub struct Cpu {
    pool: Pool,
    level: Level,
    workers: Option<Arc<WorkerPool>>,
}

impl Cpu {
    /// One thread, with the widest vector instructions that there are.
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, level: Level::best(), workers: None }
    }

    pub(crate) fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    pub(crate) fn with_workers(self, workers: Arc<WorkerPool>) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// Where memory comes from.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Memory for pixels, with what was left in it.
    #[must_use]
    pub fn take(&self, len: usize) -> PooledBuffer {
        self.pool.take(len)
    }

    /// The vector instructions to use.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The other threads, if they have nothing else to do.
    pub(crate) fn idle_workers(&self) -> Option<&WorkerPool> {
        self.workers.as_deref().filter(|workers| workers.is_idle())
    }

    /// How many threads [`Cpu::bands`] uses now.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.idle_workers().map_or(1, WorkerPool::threads)
    }

    /// Calls `work` for bands of some rows that together make up `output`: several at a time, if
    /// it is worth it and threads are idle. A band is a range of rows, and their bytes.
    pub fn bands(
        &self,
        output: &mut [u8],
        row_bytes: usize,
        work: impl Fn(Range<usize>, &mut [u8]) + Sync + Send,
    ) {
        let rows = output.len() / row_bytes.max(1);
        let band = rows.div_ceil(self.band_count(output.len())).max(1);
        self.bands_of(output, row_bytes, band, work);
    }

    /// The same with bands of that many rows.
    pub fn bands_of(
        &self,
        output: &mut [u8],
        row_bytes: usize,
        band_rows: usize,
        work: impl Fn(Range<usize>, &mut [u8]) + Sync + Send,
    ) {
        self.bands_from(output.len(), output, row_bytes, band_rows, work);
    }

    /// The same for work that looks at so many bytes to make few: whether it is worth sharing
    /// hangs on those.
    pub(crate) fn bands_from(
        &self,
        looked_at: usize,
        output: &mut [u8],
        row_bytes: usize,
        band_rows: usize,
        work: impl Fn(Range<usize>, &mut [u8]) + Sync + Send,
    ) {
        let bands = output.chunks_mut((row_bytes * band_rows).max(1)).enumerate();
        self.each(looked_at, bands, |(index, band)| {
            let first = index * band_rows;
            work(first..first + band.len() / row_bytes.max(1), band);
        });
    }

    /// Calls `work` for each part, which together make or look at that many bytes: several at a
    /// time, if it is worth it and threads are idle.
    pub(crate) fn each<T: Send>(
        &self,
        bytes: usize,
        parts: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
        work: impl Fn(T) + Sync + Send,
    ) {
        let parts = parts.into_iter();
        match self
            .idle_workers()
            .filter(|workers| parts.len() > 1 && workers.is_worth_sharing(bytes))
        {
            Some(workers) => workers.each(bytes, parts, work),
            None => parts.for_each(work),
        }
    }

    /// How many bands to cut a result of that many bytes into.
    pub(crate) fn band_count(&self, bytes: usize) -> usize {
        self.idle_workers().map_or(1, |workers| workers.bands(bytes))
    }
}
