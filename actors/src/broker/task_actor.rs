//! An actor whose work is done by a task, so that the actor can answer while the task waits.

use std::time::Duration;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, WrapFuture,
};
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_messages::Failure;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::supervisor::{ChildContext, Exit, Stop};

/// An actor that controls a task.
pub struct TaskActor {
    child: ChildContext,
    /// Asks the task to finish its work and end.
    stop: CancellationToken,
    work: Option<BoxFuture<'static, Result<(), Failure>>>,
    task: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for TaskActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskActor").field("path", &self.child.path()).finish_non_exhaustive()
    }
}

impl TaskActor {
    /// An actor that runs `work`. When its token is cancelled, the work finishes what it has begun
    /// and ends.
    pub(super) fn new<F>(
        child: &ChildContext,
        work: impl FnOnce(ChildContext, CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let work = Some(work(child.clone(), stop.clone()).boxed());
        Self { child: child.clone(), stop, work, task: None }
    }
}

/// A lane waits for its broker as long as necessary. It is not hung in the meantime, and `/ready`
/// shows what it waits for.
pub(super) const PATIENT: Duration = Duration::from_secs(365 * 24 * 3600);

impl Actor for TaskActor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        let Some(work) = self.work.take() else { return };
        let (child, killed) = (self.child.clone(), self.child.cancelled());
        self.task = Some(tokio::spawn(async move {
            match killed.run_until_cancelled(work).await {
                Some(Ok(())) => child.exit(Exit::Drained),
                Some(Err(failure)) => {
                    warn!(actor = child.path(), %failure, "a task failed");
                    child.exit(Exit::Failed(failure.kind));
                }
                None => {}
            }
        }));
    }
}

impl Handler<Stop> for TaskActor {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        self.stop.cancel();
        let task = self.task.take();
        let drained = async move {
            if let Some(task) = task {
                // A task that panicked has ended too; the panic hook has logged it.
                let _ended = task.await;
            }
        };
        context.spawn(drained.into_actor(self).map(|(), _, context| context.stop()));
    }
}
