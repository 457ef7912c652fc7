//! The specification of a supervisor's child.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler};
use futures::future::LocalBoxFuture;
use ocelli_messages::ErrorKind;
use tokio::{sync::watch, time::Instant};

use super::{ChildContext, Exit, SupervisorSpec, group};
use crate::actor_ref::{ActorRef, Slot};

/// Whether a child is restarted after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The child is always restarted.
    Permanent,
    /// The child is restarted unless it ended as intended.
    Transient,
    /// The child is restarted unless its device is lost, which a new thread cannot recover.
    UnlessLost,
    /// The child is never restarted.
    Temporary,
}

impl Restart {
    pub(super) const fn wants(self, exit: &Exit) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !exit.is_clean(),
            Self::UnlessLost => !matches!(exit, Exit::Failed(ErrorKind::DeviceLost)),
            Self::Temporary => false,
        }
    }
}

/// Asks an actor to finish its work within `grace` and then to stop itself with `ctx.stop()`.
///
/// An actor that is still running after the grace period is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "()")]
pub struct Stop {
    /// How long the actor may take to stop.
    pub grace: Duration,
}

type Run = Box<dyn Fn(ChildContext) -> LocalBoxFuture<'static, Exit>>;

/// A child of a supervisor: how to create it and when to restart or kill it.
pub struct ChildSpec {
    pub(super) name: &'static str,
    pub(super) restart: Restart,
    pub(super) ready_within: Option<Duration>,
    pub(super) shutdown_within: Duration,
    pub(super) hung_after: Option<Duration>,
    pub(super) run: Run,
}

impl ChildSpec {
    /// The default time that an actor may take to become ready.
    pub const READY_WITHIN: Duration = Duration::from_secs(10);
    /// The default time that an actor may take to stop.
    pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);

    /// An actor that `factory` creates for each generation. Also returns the address of the running
    /// generation. The default is [`Restart::Permanent`].
    ///
    /// The factory can call [`ChildContext::exit`] if it cannot create a working actor.
    pub fn actor<A>(
        name: &'static str,
        factory: impl Fn(&ChildContext) -> A + 'static,
    ) -> (Self, ActorRef<A>)
    where
        A: Actor<Context = Context<A>> + Handler<Stop>,
    {
        let (slot, receiver) = watch::channel(Slot::empty());
        let slot = Rc::new(slot);
        let factory = Rc::new(factory);
        let run: Run =
            Box::new(move |ctx| Box::pin(run_actor(Rc::clone(&factory), Rc::clone(&slot), ctx)));
        let spec = Self {
            name,
            restart: Restart::Permanent,
            ready_within: Some(Self::READY_WITHIN),
            shutdown_within: Self::SHUTDOWN_WITHIN,
            hung_after: None,
            run,
        };
        (spec, ActorRef::new(receiver))
    }

    /// A nested supervisor. It is ready when all its children are, and may take the sum of their
    /// times to stop. It is [`Restart::Transient`], because it ends normally when all its children
    /// did.
    #[must_use]
    pub fn supervisor(spec: SupervisorSpec) -> Self {
        let name = spec.name;
        let shutdown_within = spec
            .children
            .iter()
            .fold(Duration::from_secs(1), |sum, child| sum.saturating_add(child.shutdown_within));
        let spec = Rc::new(spec);
        Self {
            name,
            restart: Restart::Transient,
            // The children have time limits of their own.
            ready_within: None,
            shutdown_within,
            hung_after: None,
            run: Box::new(move |ctx| Box::pin(group::run(Rc::clone(&spec), ctx))),
        }
    }

    /// Sets whether the child is restarted after it ended.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets how long the child may take to become ready before it counts as failed.
    #[must_use]
    pub const fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = Some(limit);
        self
    }

    /// Sets how long the child may take to stop before it is killed.
    #[must_use]
    pub const fn shutdown_within(mut self, limit: Duration) -> Self {
        self.shutdown_within = limit;
        self
    }

    /// Kills the child if, once ready, it makes no [`progress`](ChildContext::progress) for this
    /// long.
    ///
    /// A child that blocks its thread also blocks its supervisor, so blocking work belongs on a
    /// thread of its own.
    #[must_use]
    pub const fn hung_after(mut self, limit: Duration) -> Self {
        self.hung_after = Some(limit);
        self
    }
}

impl std::fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("restart", &self.restart)
            .field("ready_within", &self.ready_within)
            .field("shutdown_within", &self.shutdown_within)
            .field("hung_after", &self.hung_after)
            .finish_non_exhaustive()
    }
}

/// Ends the actor if its supervisor is dropped without stopping it.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run_actor<A, F>(
    factory: Rc<F>,
    slot: Rc<watch::Sender<Slot<A>>>,
    ctx: ChildContext,
) -> Exit
where
    A: Actor<Context = Context<A>> + Handler<Stop>,
    F: Fn(&ChildContext) -> A,
{
    let actor = match std::panic::catch_unwind(AssertUnwindSafe(|| factory(&ctx))) {
        Ok(actor) => actor,
        Err(payload) => return Exit::from_panic(payload.as_ref()),
    };
    if let Some(exit) = ctx.reported() {
        return exit;
    }
    let context = Context::new();
    let address = context.address();
    let mut task = actix_rt::spawn(context.into_future(actor));
    let _abort = AbortOnDrop(task.abort_handle());
    slot.send_modify(|slot| slot.fill(address));
    let stop = async {
        let deadline = ctx.stop_requested().await;
        let grace = deadline.saturating_duration_since(Instant::now());
        let request = slot.borrow().address().map(|address| address.send(Stop { grace }));
        if let Some(request) = request {
            // The request must be awaited to be delivered. Its result is not needed, because the
            // task reports how the actor ends.
            request.await.ok();
        }
        std::future::pending::<()>().await;
    };
    let joined = tokio::select! {
        biased;
        joined = &mut task => joined,
        () = ctx.ended() => {
            task.abort();
            task.await
        }
        () = stop => Ok(()),
    };
    slot.send_modify(Slot::clear);
    match joined {
        Err(error) if error.is_panic() => Exit::from_panic(error.into_panic().as_ref()),
        Err(_) => Exit::Killed,
        Ok(()) if ctx.stop_deadline().is_some() => Exit::Drained,
        Ok(()) => Exit::Normal,
    }
}
