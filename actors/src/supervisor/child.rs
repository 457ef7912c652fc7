//! What a supervisor needs to know about a child.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler};
use futures::future::LocalBoxFuture;
use ocelli_messages::ErrorKind;
use tokio::{sync::watch, time::Instant};

use super::{ChildContext, Exit, SupervisorSpec, group};
use crate::actor_ref::{ActorRef, Slot};

/// Whether a child that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Unless it ended as intended.
    Transient,
    /// Unless its device is lost: no new thread brings that back.
    UnlessLost,
    /// Never.
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
/// It is killed when the grace period is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "()")]
pub struct Stop {
    /// How long it may take.
    pub grace: Duration,
}

type Run = Box<dyn Fn(ChildContext) -> LocalBoxFuture<'static, Exit>>;

/// A child of a supervisor: how to make it and how to treat it.
pub struct ChildSpec {
    pub(super) name: &'static str,
    pub(super) restart: Restart,
    pub(super) ready_within: Option<Duration>,
    pub(super) shutdown_within: Duration,
    pub(super) hung_after: Option<Duration>,
    pub(super) run: Run,
}

impl ChildSpec {
    /// How long an actor may take to become ready, unless told otherwise.
    pub const READY_WITHIN: Duration = Duration::from_secs(10);
    /// How long an actor may take to stop, unless told otherwise.
    pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);

    /// An actor that `factory` makes anew for each generation, and the address of whichever
    /// generation is up. [`Restart::Permanent`], unless told otherwise.
    ///
    /// The factory may call [`ChildContext::exit`] where it cannot make a working actor.
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

    /// A nested supervisor. It is ready when all its children are, has the sum of their times to
    /// stop, and is [`Restart::Transient`]: it ends normally when all its children did.
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
            // Its children have limits of their own, and so has its patience with them.
            ready_within: None,
            shutdown_within,
            hung_after: None,
            run: Box::new(move |ctx| Box::pin(group::run(Rc::clone(&spec), ctx))),
        }
    }

    /// When it is started again.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How long it may take to become ready before it counts as failed.
    #[must_use]
    pub const fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = Some(limit);
        self
    }

    /// How long it may take to stop before it is killed.
    #[must_use]
    pub const fn shutdown_within(mut self, limit: Duration) -> Self {
        self.shutdown_within = limit;
        self
    }

    /// Kills it when, once ready, it makes no [`progress`](ChildContext::progress) for this long.
    ///
    /// A child that blocks its thread blocks its supervisor too; blocking work belongs on a thread
    /// of its own.
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

/// Ends the actor where its supervisor is dropped without a word.
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
            // A request that nobody waits for is not delivered; how it ends, the task tells.
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
