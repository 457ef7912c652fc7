//! Devices do blocking work on threads of their own, behind one bounded queue.
//!
//! A device is a CPU core or a GPU. Its [`DeviceActor`] only controls it: it starts the thread,
//! reports when it is ready and how it ended, so that the supervisor can replace it. The queue does
//! not belong to a generation, so waiting jobs survive the restart of a worker.
//!
//! A worker makes progress whenever it takes jobs or finds none. With
//! [`hung_after`](crate::supervisor::ChildSpec::hung_after), a worker that is busy with the same
//! jobs for longer is replaced: a new thread takes over the queue, and the old one ends after its
//! jobs.

mod lines;
mod queue;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler};
use ocelli_messages::{ErrorKind, Failure};
use tokio::sync::watch;
use tracing::error;

pub use lines::JobSize;
pub use queue::{BatchLimits, DeviceQueue, QueueFull};

use crate::supervisor::{ChildContext, Exit, Stop};

/// How often an idle worker checks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Does blocking work. It is created on its thread, so it need not be `Send`.
pub trait Worker: 'static {
    /// A unit of work. It carries the channel for its answer: if a panic destroys a job, the
    /// channel is dropped, which tells the caller.
    type Job: Send + Unpin + 'static;

    /// How many of the waiting jobs are taken at a time. A worker never waits for more jobs to
    /// arrive.
    fn batch(&self) -> BatchLimits {
        BatchLimits::ONE
    }

    /// Whether `other` can be processed in one batch with `first`.
    fn together(first: &Self::Job, other: &Self::Job) -> bool {
        let _ = (first, other);
        false
    }

    /// Processes the jobs, and removes each from the list before answering it. After a panic, the
    /// jobs that are still in the list are processed again, each alone, unless there was only one.
    ///
    /// # Errors
    /// Only if the worker itself cannot continue. The failure of a job is its answer, not an error.
    fn work(&mut self, jobs: &mut Vec<Self::Job>) -> Result<(), Failure>;
}

/// Creates a worker on its thread.
pub type MakeWorker<W> = Arc<dyn Fn() -> Result<W, Failure> + Send + Sync>;

/// The actor that controls one worker thread.
pub struct DeviceActor<W: Worker> {
    name: &'static str,
    queue: DeviceQueue<W::Job>,
    make: MakeWorker<W>,
    child: ChildContext,
    stop: watch::Sender<bool>,
    /// Closes when the thread ends.
    running: Option<watch::Receiver<()>>,
}

impl<W: Worker> std::fmt::Debug for DeviceActor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceActor").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<W: Worker> DeviceActor<W> {
    /// Controls a worker thread with the given name that takes jobs from `queue`.
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
            seat.queue.leave();
            child.exit(exit);
            drop(alive);
        });
        if let Err(failed) = spawned {
            error!(device = self.name, error = %failed, "cannot start the thread of a device");
            self.child.exit(Exit::Failed(ErrorKind::Unavailable));
        }
    }
}

impl<W: Worker> Drop for DeviceActor<W> {
    fn drop(&mut self) {
        // A killed actor must not leave its thread behind, because two generations would share the
        // queue. A thread that hangs ends with its jobs; nothing can end it earlier.
        self.stop.send_replace(true);
    }
}

impl<W: Worker> Handler<Stop> for DeviceActor<W> {
    type Result = ();

    /// The current jobs are finished; waiting jobs are left to other workers.
    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        self.stop.send_replace(true);
        let running = self.running.take();
        let ended = async move {
            if let Some(mut running) = running {
                // The value never changes; the channel closes when the thread ends.
                let _closed = running.changed().await;
            }
        };
        context.spawn(ended.into_actor(self).map(|(), _, context| context.stop()));
    }
}

/// The state of a worker thread.
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
                error!(%failure, "cannot open a device");
                return self.failed(&failure);
            }
            Err(panic) => return Exit::from_panic(panic.as_ref()),
        };
        self.child.ready();
        let mut jobs = Vec::new();
        loop {
            if *self.stop.borrow() {
                return Exit::Drained;
            }
            self.queue.take(&mut jobs, LOOK_UP, worker.batch(), W::together);
            // The worker does not hang so far; from here on, the time of the current jobs counts.
            self.child.progress();
            let taken = jobs.len();
            if taken == 0 {
                continue;
            }
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| worker.work(&mut jobs)));
            if done.is_err() && taken > 1 {
                // The job at fault is found by processing each job alone.
                self.queue.again(jobs.drain(..));
            }
            jobs.clear();
            match done {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return self.failed(&failure),
                // The state after a panic is not trusted, so the supervisor creates a new worker.
                Err(panic) => return Exit::from_panic(panic.as_ref()),
            }
        }
    }

    fn failed(&self, failure: &Failure) -> Exit {
        if failure.kind == ErrorKind::DeviceLost {
            // A new thread cannot recover the device, so waiting callers are told now.
            self.queue.close();
        }
        Exit::Failed(failure.kind)
    }
}
