//! Supervision: actors that fail are replaced, within limits.
//!
//! The `Supervisor` of actix does not restart an actor that panics, and restarts one that stops
//! without any delay or limit. This [`Supervisor`] starts its children in order and stops them in
//! reverse order. It replaces a child that failed by calling its factory after an exponential
//! back-off with jitter. After too many restarts it gives up and leaves the decision to its parent.
//!
//! A panic in a future that a handler returned reaches only the caller, as
//! [`AskError::Closed`](crate::actor_ref::AskError), because actix runs such a future apart from
//! the actor.

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

/// Which children are restarted when one of them fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Only the child that failed is restarted.
    OneForOne,
    /// All children are restarted, because they depend on each other.
    AllForOne,
}

/// The specification of a supervisor and its children.
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
    /// A supervisor without children: one for one, at most 5 restarts within 60 s, and delays of up
    /// to 200 ms × 2ⁿ, at most 30 s.
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

    /// Sets which children are restarted when one of them fails.
    #[must_use]
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets how many restarts within `window` are allowed. For a child that was ready for a whole
    /// window, the delays are reset to the shortest.
    #[must_use]
    pub const fn intensity(mut self, max_restarts: usize, window: Duration) -> Self {
        self.max_restarts = max_restarts;
        self.window = window;
        self
    }

    /// Sets the delays before restarts: up to `base` × 2ⁿ, and at most `cap`.
    #[must_use]
    pub const fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.backoff_base = base;
        self.backoff_cap = cap;
        self
    }

    /// Sets the seed of the jitter, which makes the delays reproducible.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a child. It is started once the children added before it are ready, and is stopped
    /// before them.
    #[must_use]
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }
}

/// Starts root supervisors.
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
    /// Waits until, for the first time, every child is ready or has ended as intended.
    ///
    /// # Errors
    /// The exit of the supervisor, if it ended before.
    pub async fn ready(&self) -> Result<(), Exit> {
        if self.ctx.became_ready().await { Ok(()) } else { Err(self.exited().await) }
    }

    /// Whether all children are ready now. Children that ended for good do not count.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ctx.node().is_ready()
    }

    /// Waits until the supervisor and all its children have ended. Any exit that is not clean means
    /// that the supervisor gave up, and that the process should end too.
    pub async fn exited(&self) -> Exit {
        self.exited.wait().await.clone()
    }

    /// Stops the children in reverse order, each within its own time and all within `grace`, and
    /// kills those that are left. Returns [`Exit::Drained`], or the first exit that was not clean.
    pub async fn shutdown(&self, grace: Duration) -> Exit {
        self.ctx.request_stop(Instant::now() + grace);
        self.exited().await
    }
}
