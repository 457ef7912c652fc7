//! Devices: blocking work on threads of their own, behind one bounded queue.
//!
//! A device is a CPU core or a GPU. Its [`DeviceActor`] is only the control face: it starts the
//! thread, says when it is ready, and reports how it ended, so that the supervisor can make a new
//! one. The queue belongs to nobody's generation: jobs that wait survive the restart of a worker.
//!
//! A worker makes progress whenever it takes jobs or finds none. With
//! [`hung_after`](crate::supervisor::ChildSpec::hung_after), one that is busy with the same jobs for
//! longer is replaced: a new thread takes over the queue, and the old one ends after its jobs.

mod queue;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler};
use ocelli_messages::{ErrorKind, Failure};
use tokio::sync::watch;
use tracing::error;

pub use queue::{BatchLimits, DeviceQueue, QueueFull};

use crate::supervisor::{ChildContext, Exit, Stop};

/// How often an idle worker looks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Does blocking work. Made on its thread, so it need not be `Send`.
pub trait Worker: 'static {
    /// What it works on. It carries the way back for its answer: a job that a panic destroys drops
    /// it, and whoever waits there learns that.
    type Job: Send + Unpin + 'static;

    /// How many of the jobs that wait it takes at a time. It never waits for more to come.
    fn batch(&self) -> BatchLimits {
        BatchLimits::ONE
    }

    /// Whether a job can be done together with the one before whose turn it is.
    fn together(first: &Self::Job, other: &Self::Job) -> bool {
        let _ = (first, other);
        false
    }

    /// Does those jobs, and takes each out of the list before it answers it. After a panic those
    /// that are still in it are done again, each alone, unless it was only one.
    ///
    /// # Errors
    /// Only if the worker itself cannot go on; what is wrong with a job goes into its answer.
    fn work(&mut self, jobs: &mut Vec<Self::Job>) -> Result<(), Failure>;
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
        // A killed actor must not leave its thread behind: two generations would share the queue. A
        // thread that hangs ends when its jobs do; nothing can end it before.
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
            // Whatever has been done so far, it does not hang: from here on the time of the jobs in
            // hand counts.
            self.child.progress();
            let taken = jobs.len();
            if taken == 0 {
                continue;
            }
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| worker.work(&mut jobs)));
            if done.is_err() && taken > 1 {
                // Which of them it was shows when each is done alone.
                self.queue.again(jobs.drain(..));
            }
            jobs.clear();
            match done {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return self.failed(&failure),
                // What the panic left behind is not trusted: the supervisor makes a new worker.
                Err(panic) => return Exit::from_panic(panic.as_ref()),
            }
        }
    }

    fn failed(&self, failure: &Failure) -> Exit {
        if failure.kind == ErrorKind::DeviceLost {
            // No new thread will bring it back: whoever waits should know now.
            self.queue.close();
        }
        Exit::Failed(failure.kind)
    }
}
