//! Devices: blocking work on threads of their own, behind one bounded queue.
//!
//! A device is a CPU core or a GPU. Its [`DeviceActor`] is only the control face: it starts the
//! thread, says when it is ready, and reports how it ended, so that the supervisor can make a new
//! one. The queue belongs to nobody's generation: jobs that wait survive the restart of a worker.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use ocelli_messages::{ErrorKind, Failure};
use tokio::sync::watch;
use tracing::error;

use crate::supervisor::{ChildContext, Exit, Stop};

/// How often an idle worker looks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Does blocking work. Made on its thread, so it need not be `Send`.
pub trait Worker: 'static {
    /// What it works on. It carries the way back for its answer: a job that a panic destroys drops
    /// it, and whoever waits there learns that.
    type Job: Send + Unpin + 'static;

    /// Does one job.
    ///
    /// # Errors
    /// Only if the worker itself cannot go on; what is wrong with a job goes into its answer.
    fn work(&mut self, job: Self::Job) -> Result<(), Failure>;
}

/// Why a queue took no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueFull {
    /// As many jobs as may wait are waiting.
    Jobs,
    /// As many bytes as may wait are waiting.
    Bytes,
}

/// The bounded queue before the workers of a device. Cheap to clone.
#[derive(Debug)]
pub struct DeviceQueue<J> {
    sender: Sender<(J, Held)>,
    receiver: Receiver<(J, Held)>,
    bytes: Arc<AtomicUsize>,
    max_bytes: usize,
}

impl<J> Clone for DeviceQueue<J> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            bytes: Arc::clone(&self.bytes),
            max_bytes: self.max_bytes,
        }
    }
}

/// The bytes of a waiting job, given back when it leaves the queue.
#[derive(Debug)]
struct Held {
    bytes: usize,
    total: Arc<AtomicUsize>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<J> DeviceQueue<J> {
    /// A queue for at most that many waiting jobs, and bytes of waiting jobs.
    #[must_use]
    pub fn new(max_jobs: usize, max_bytes: usize) -> Self {
        let (sender, receiver) = bounded(max_jobs.max(1));
        Self { sender, receiver, bytes: Arc::default(), max_bytes }
    }

    /// Adds a job. One that alone is over the bytes is taken when nothing else waits.
    ///
    /// # Errors
    /// If there is no room; the job comes back.
    pub fn submit(&self, job: J, bytes: usize) -> Result<(), (QueueFull, J)> {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let held = Held { bytes, total: Arc::clone(&self.bytes) };
        if before > 0 && before.saturating_add(bytes) > self.max_bytes {
            return Err((QueueFull::Bytes, job));
        }
        self.sender.try_send((job, held)).map_err(|refused| match refused {
            // The queue holds its receiver: it is never disconnected.
            TrySendError::Full((job, _)) | TrySendError::Disconnected((job, _)) => {
                (QueueFull::Jobs, job)
            }
        })
    }

    /// How many jobs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether no job waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

/// Makes a worker on its thread.
pub type MakeWorker<W> = Arc<dyn Fn() -> Result<W, Failure> + Send + Sync>;

/// The control face of one worker thread.
pub struct DeviceActor<W: Worker> {
    name: &'static str,
    queue: DeviceQueue<W::Job>,
    make: MakeWorker<W>,
    child: ChildContext,
    stop: watch::Sender<bool>,
    /// Open as long as the thread runs.
    running: Option<watch::Receiver<()>>,
}

impl<W: Worker> std::fmt::Debug for DeviceActor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceActor").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<W: Worker> DeviceActor<W> {
    /// A worker thread of that name on that queue.
    #[must_use]
    pub fn new(
        name: &'static str,
        queue: DeviceQueue<W::Job>,
        make: MakeWorker<W>,
        child: &ChildContext,
    ) -> Self {
        Self {
            name,
            queue,
            make,
            child: child.clone(),
            stop: watch::Sender::new(false),
            running: None,
        }
    }
}

impl<W: Worker> Actor for DeviceActor<W> {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        let (alive, running) = watch::channel(());
        self.running = Some(running);
        let seat = Seat {
            queue: self.queue.clone(),
            make: Arc::clone(&self.make),
            child: self.child.clone(),
            stop: self.stop.subscribe(),
        };
        let queue = self.queue.clone();
        self.child.observe(move || serde_json::json!({ "queued": queue.len() }));
        let child = self.child.clone();
        let spawned = std::thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            let exit = seat.run();
            child.exit(exit);
            drop(alive);
        });
        if let Err(failed) = spawned {
            error!(device = self.name, error = %failed, "no thread for a device");
            self.child.exit(Exit::Failed(ErrorKind::Unavailable));
        }
    }
}

impl<W: Worker> Drop for DeviceActor<W> {
    fn drop(&mut self) {
        // A killed actor must not leave its thread behind: two generations would share the queue.
        self.stop.send_replace(true);
    }
}

impl<W: Worker> Handler<Stop> for DeviceActor<W> {
    type Result = ();

    /// The job in hand is finished; those that wait are left to other workers.
    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        self.stop.send_replace(true);
        let running = self.running.take();
        let ended = async move {
            if let Some(mut running) = running {
                // It never changes; it closes when the thread ends.
                let _closed = running.changed().await;
            }
        };
        context.spawn(ended.into_actor(self).map(|(), _, context| context.stop()));
    }
}

/// What a worker thread has.
struct Seat<W: Worker> {
    queue: DeviceQueue<W::Job>,
    make: MakeWorker<W>,
    child: ChildContext,
    stop: watch::Receiver<bool>,
}

impl<W: Worker> Seat<W> {
    fn run(&self) -> Exit {
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| (self.make)()));
        let mut worker = match made {
            Ok(Ok(worker)) => worker,
            Ok(Err(failure)) => {
                error!(%failure, "a device could not be opened");
                return Exit::Failed(failure.kind);
            }
            Err(panic) => return Exit::Panicked(panic_text(panic.as_ref())),
        };
        self.child.ready();
        loop {
            if *self.stop.borrow() {
                return Exit::Drained;
            }
            let job = match self.queue.receiver.recv_timeout(LOOK_UP) {
                Ok((job, _held)) => job,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Exit::Drained,
            };
            match std::panic::catch_unwind(AssertUnwindSafe(|| worker.work(job))) {
                Ok(Ok(())) => self.child.progress(),
                Ok(Err(failure)) => {
                    if failure.kind == ErrorKind::DeviceLost {
                        // No new thread will bring it back: whoever waits should know now.
                        while self.queue.receiver.try_recv().is_ok() {}
                    }
                    return Exit::Failed(failure.kind);
                }
                // What the panic left behind is not trusted: the supervisor makes a new worker.
                Err(panic) => return Exit::Panicked(panic_text(panic.as_ref())),
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_bounded_by_jobs_and_by_bytes() {
        let queue = DeviceQueue::new(2, 100);
        assert!(queue.submit('a', 60).is_ok());
        assert_eq!(queue.submit('b', 50), Err((QueueFull::Bytes, 'b')));
        assert!(queue.submit('c', 40).is_ok());
        assert_eq!(queue.submit('d', 0), Err((QueueFull::Jobs, 'd')));
        drop(queue.receiver.recv());
        assert!(queue.submit('e', 60).is_ok());
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn a_job_over_the_bytes_is_taken_when_it_is_alone() {
        let queue = DeviceQueue::new(2, 100);
        assert!(queue.submit('a', 500).is_ok());
        assert_eq!(queue.submit('b', 1), Err((QueueFull::Bytes, 'b')));
    }
}
