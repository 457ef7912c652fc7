//! The threads that serve a task queue.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::queue::TaskQueue;

/// Threads that serve a queue until this is dropped.
#[derive(Debug)]
pub(super) struct Workers {
    queue: Arc<TaskQueue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts that many threads.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let queue = Arc::new(TaskQueue::new());
        let mut workers = Self { queue, threads: Vec::with_capacity(threads) };
        for index in 0..threads {
            let queue = Arc::clone(&workers.queue);
            let thread = std::thread::Builder::new().name(format!("ocelli-pixels-{index}"));
            workers.threads.push(thread.spawn(move || queue.serve())?);
        }
        Ok(workers)
    }

    /// The number of threads.
    pub(super) fn len(&self) -> usize {
        self.threads.len()
    }

    /// The queue that they serve.
    pub(super) fn queue(&self) -> &TaskQueue {
        &self.queue
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its tasks, so there is none to report here.
            drop(thread.join());
        }
    }
}
