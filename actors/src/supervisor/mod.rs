//! Supervision: actors that fail are made anew, within limits.
//!
//! actix's own `Supervisor` does not restart an actor that panics, and restarts one that stops
//! without any delay or limit. Here a [`Supervisor`] starts its children in order, makes a new
//! instance from the child's factory after a jittered exponential back-off, gives up after too many
//! restarts and leaves the decision to its parent, and stops its children in reverse order.
//!
//! A panic in a future that a handler returned reaches only the caller, as
//! [`AskError::Closed`](crate::actor_ref::AskError): actix runs it apart from the actor.

mod backoff;
mod child;
mod context;
mod exit;
mod group;
mod intensity;

use std::{panic::AssertUnwindSafe, rc::Rc, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{sync::SetOnce, time::Instant};

pub use self::{
    backoff::Backoff,
    child::{ChildSpec, Restart, Stop},
    context::ChildContext,
    exit::Exit,
    intensity::Intensity,
};
use crate::tree::{ActorTree, ChildState};

/// Who else is restarted when a child fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// All its siblings: they cannot do without each other.
    AllForOne,
}

/// A supervisor and its children.
#[derive(Debug)]
pub struct SupervisorSpec {
    name: &'static str,
    strategy: Strategy,
    max_restarts: usize,
    window: Duration,
    backoff_base: Duration,
    backoff_cap: Duration,
    seed: u64,
    children: Vec<ChildSpec>,
}

impl SupervisorSpec {
    /// One for one, at most 5 restarts within 60 s, delays of 200 ms × 2ⁿ up to 30 s.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            strategy: Strategy::OneForOne,
            max_restarts: 5,
            window: Duration::from_secs(60),
            backoff_base: Backoff::BASE,
            backoff_cap: Backoff::CAP,
            seed: rand::random(),
            children: Vec::new(),
        }
    }

    /// Who else is restarted when a child fails.
    #[must_use]
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many restarts within `window` are still all right. A child that was ready for a whole
    /// window starts over with the shortest delay.
    #[must_use]
    pub const fn intensity(mut self, max_restarts: usize, window: Duration) -> Self {
        self.max_restarts = max_restarts;
        self.window = window;
        self
    }

    /// The delays before restarts: up to `base` × 2ⁿ, at most `cap`.
    #[must_use]
    pub const fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.backoff_base = base;
        self.backoff_cap = cap;
        self
    }

    /// Makes the jitter repeatable.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a child, started after those before it are ready and stopped before them.
    #[must_use]
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }
}

/// Starts supervisors.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor;

impl Supervisor {
    /// Starts a root supervisor on this thread, which must run an actix `System`, an `Arbiter` or
    /// a tokio `LocalSet`, and shows it in `tree`.
    pub fn start(spec: SupervisorSpec, tree: &ActorTree) -> SupervisorHandle {
        let ctx = ChildContext::new(tree.add_root(spec.name));
        let handle = SupervisorHandle { ctx: ctx.clone(), exited: Arc::new(SetOnce::new()) };
        let exited = Arc::clone(&handle.exited);
        actix_rt::spawn(async move {
            let run = AssertUnwindSafe(group::run(Rc::new(spec), ctx.clone())).catch_unwind();
            let ready = async {
                if ctx.became_ready().await {
                    ctx.node().set(ChildState::Ready);
                }
            };
            let (exit, ()) = tokio::join!(
                async {
                    let exit = run.await.unwrap_or_else(|panic| Exit::from_panic(panic.as_ref()));
                    ctx.finish(exit)
                },
                ready
            );
            exit.log(ctx.path());
            ctx.node().ended(exit.clone(), ChildState::Stopped);
            exited.set(exit).ok();
        });
        handle
    }
}

/// A running root supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    ctx: ChildContext,
    exited: Arc<SetOnce<Exit>>,
}

impl SupervisorHandle {
    /// Waits until all children were ready, or had ended as intended, for the first time.
    ///
    /// # Errors
    /// How the supervisor ended, where it ended before.
    pub async fn ready(&self) -> Result<(), Exit> {
        if self.ctx.became_ready().await { Ok(()) } else { Err(self.exited().await) }
    }

    /// Whether all children are ready now; those that ended for good do not count.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ctx.node().is_ready()
    }

    /// Waits until the supervisor and all below it ended. Anything but a clean exit means that the
    /// supervisor gave up: the process should end too.
    pub async fn exited(&self) -> Exit {
        self.exited.wait().await.clone()
    }

    /// Stops the children in reverse order, each within its own time and all within `grace`, and
    /// kills what is left then. [`Exit::Drained`], or the first exit that was not clean.
    pub async fn shutdown(&self, grace: Duration) -> Exit {
        self.ctx.request_stop(Instant::now() + grace);
        self.exited().await
    }
}
