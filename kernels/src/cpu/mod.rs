//! The CPU engine: runs the operations of a chain.

mod cut;
mod engine;
mod points;
mod stream;
mod table;
mod threads;
mod window;

pub use cut::Cut;
pub(crate) use engine::{peak_bytes, run, run_planned};
pub use table::Table;
pub(crate) use table::look_up;
pub use threads::WorkerPool;
pub use window::Window;

use std::ops::Range;
use std::sync::Arc;

use crate::interrupt::{Watch, Watched};
use crate::simd::Level;
use crate::{Interrupt, Pool, PooledBuffer, WorkError};

/// The resources that an operation may use: memory, vector instructions and other threads.
#[derive(Clone, Debug)]
pub struct Cpu {
    pool: Pool,
    level: Level,
    workers: Option<Arc<WorkerPool>>,
    interrupt: Interrupt,
}

/// Bytes of a band of [`Cpu::bands`] if the work can be interrupted.
const BAND_BYTES: usize = 1 << 20;

impl Cpu {
    /// One thread, with the widest vector instructions of this CPU.
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, level: Level::best(), workers: None, interrupt: Interrupt::never() }
    }

    pub(crate) fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    pub(crate) fn with_workers(self, workers: Arc<WorkerPool>) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// The same, which stops when that interrupt is set.
    pub(crate) fn with_interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// Whether nobody waits for the result any more. Work that would go on for longer than some
    /// milliseconds asks this, or [`Cpu::watched`].
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }

    /// Ends work of several passes between two of them: what an interrupted pass made must not be
    /// read.
    ///
    /// # Errors
    /// [`WorkError::Interrupted`] if nobody waits for the result any more.
    pub fn go_on(&self) -> Result<(), WorkError> {
        if self.is_interrupted() { Err(WorkError::Interrupted) } else { Ok(()) }
    }

    /// The items of an iterator, such as rows that are made one by one, until the work is
    /// interrupted. Each stands for about that many bytes.
    pub fn watched<I: IntoIterator>(
        &self,
        items: I,
        bytes: usize,
    ) -> impl Iterator<Item = I::Item> + use<'_, I> {
        Watched::new(items.into_iter(), self.watch(bytes))
    }

    /// Looks at the interrupt now and then in a loop of steps of about that many bytes.
    pub(crate) fn watch(&self, step_bytes: usize) -> Watch<'_> {
        Watch::new(&self.interrupt, step_bytes)
    }

    /// Looks at the interrupt before every so many steps.
    pub(crate) fn watch_every(&self, steps: usize) -> Watch<'_> {
        Watch::every(&self.interrupt, steps)
    }

    /// Whether anything can interrupt the work.
    pub(crate) fn can_be_interrupted(&self) -> bool {
        self.interrupt.can_be_set()
    }

    /// The pool that memory is taken from.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes memory for pixels from the pool. It is not cleared.
    #[must_use]
    pub fn take(&self, len: usize) -> PooledBuffer {
        self.pool.take(len)
    }

    /// The vector instructions to use.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The worker pool, if its threads have nothing else to do.
    pub(crate) fn idle_workers(&self) -> Option<&WorkerPool> {
        self.workers.as_deref().filter(|workers| workers.is_idle())
    }

    /// The number of threads that [`Cpu::bands`] uses now.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.idle_workers().map_or(1, WorkerPool::threads)
    }

    /// Divides `output` into bands of whole rows and calls `work` for each with the range of its
    /// rows and their bytes. Several bands run at a time if that is worthwhile and threads are
    /// idle. No band begins once the work is interrupted.
    pub fn bands(
        &self,
        output: &mut [u8],
        row_bytes: usize,
        work: impl Fn(Range<usize>, &mut [u8]) + Sync + Send,
    ) {
        let fair = self.fair_band(output.len(), row_bytes);
        // An even number of rows: two share the chroma of planar layouts.
        let most = (BAND_BYTES / row_bytes.max(1)).next_multiple_of(2).max(2);
        let band = if self.can_be_interrupted() { fair.min(most) } else { fair };
        self.bands_of(output, row_bytes, band, work);
    }

    /// The rows of a band if all threads get some of a result.
    pub(crate) fn fair_band(&self, bytes: usize, row_bytes: usize) -> usize {
        let rows = bytes / row_bytes.max(1);
        rows.div_ceil(self.band_count(bytes)).max(1)
    }

    /// Like [`Cpu::bands`], with bands of `band_rows` rows.
    pub fn bands_of(
        &self,
        output: &mut [u8],
        row_bytes: usize,
        band_rows: usize,
        work: impl Fn(Range<usize>, &mut [u8]) + Sync + Send,
    ) {
        self.bands_from(output.len(), output, row_bytes, band_rows, work);
    }

    /// Like [`Cpu::bands_of`], for work that reads many bytes to make few: `looked_at`, the number
    /// of bytes read, decides whether sharing is worthwhile.
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

    /// Calls `work` for each part, until the work is interrupted. Together the parts read or make
    /// `bytes` bytes. Several run at a time if that is worthwhile and threads are idle.
    pub(crate) fn each<T: Send>(
        &self,
        bytes: usize,
        parts: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
        work: impl Fn(T) + Sync + Send,
    ) {
        let parts = parts.into_iter();
        let work = |part| {
            if !self.is_interrupted() {
                work(part);
            }
        };
        match self
            .idle_workers()
            .filter(|workers| parts.len() > 1 && workers.is_worth_sharing(bytes))
        {
            Some(workers) => workers.each(bytes, parts, work),
            None => parts.for_each(work),
        }
    }

    /// The number of bands that a result of that many bytes should be divided into.
    pub(crate) fn band_count(&self, bytes: usize) -> usize {
        self.idle_workers().map_or(1, |workers| workers.bands(bytes))
    }
}
