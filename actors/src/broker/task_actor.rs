//! An actor whose work is one task: the actor answers while the task waits.

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

/// The control face of a task.
pub struct TaskActor {
    child: ChildContext,
    /// Asks the task to drain.
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
    /// An actor that does what `work` does: until its token is cancelled, and then what is left.
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

/// A lane of the delivery waits for its broker as long as it takes: it is not hung meanwhile, and
/// readiness shows what it waits for.
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
                    warn!(actor = child.path(), %failure, "a task ended");
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
                // A task that panicked is drained too; the panic hook has logged it.
                let _ended = task.await;
            }
        };
        context.spawn(drained.into_actor(self).map(|(), _, context| context.stop()));
    }
}
