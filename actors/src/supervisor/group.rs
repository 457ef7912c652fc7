//! A running supervisor and its children.

use std::{rc::Rc, time::Duration};

use futures::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use ocelli_messages::ErrorKind;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Backoff, ChildContext, ChildSpec, Exit, Intensity, Restart, Strategy, SupervisorSpec};
use crate::{
    metrics::{Metric, counter},
    tree::{ChildState, Node},
};

/// Runs one generation of a supervisor until it is asked to stop, gives up, or has no children
/// left.
pub(super) async fn run(spec: Rc<SupervisorSpec>, ctx: ChildContext) -> Exit {
    Group::new(&spec, ctx).supervise().await
}

enum Event {
    Ready(usize, ChildContext),
    Exited(usize, Exit),
}

enum Phase {
    /// The child is to be started, not before `at`, and if `in_order`, not before all children
    /// before it are up.
    Waiting {
        at: Instant,
        in_order: bool,
    },
    Up {
        ctx: ChildContext,
        ready_since: Option<Instant>,
    },
    Done,
}

struct Child<'a> {
    spec: &'a ChildSpec,
    node: std::sync::Arc<Node>,
    backoff: Backoff,
    phase: Phase,
    started_before: bool,
}

impl Child<'_> {
    const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Up { ready_since: Some(_), .. })
    }

    const fn up(&self) -> Option<&ChildContext> {
        match &self.phase {
            Phase::Up { ctx, .. } => Some(ctx),
            Phase::Waiting { .. } | Phase::Done => None,
        }
    }
}

struct Group<'a> {
    strategy: Strategy,
    intensity: Intensity,
    ctx: ChildContext,
    children: Vec<Child<'a>>,
    events: FuturesUnordered<LocalBoxFuture<'a, Event>>,
}

impl<'a> Group<'a> {
    fn new(spec: &'a SupervisorSpec, ctx: ChildContext) -> Self {
        let now = Instant::now();
        let nodes = ctx.node().replace_children(spec.children.iter().map(|child| child.name));
        let children = (0_u64..)
            .zip(spec.children.iter().zip(nodes))
            .map(|(index, (child, node))| Child {
                spec: child,
                node,
                backoff: Backoff::new(
                    spec.backoff_base,
                    spec.backoff_cap,
                    spec.window,
                    spec.seed.wrapping_add(index),
                ),
                phase: Phase::Waiting { at: now, in_order: true },
                started_before: false,
            })
            .collect();
        Self {
            strategy: spec.strategy,
            intensity: Intensity::new(spec.max_restarts, spec.window),
            ctx,
            children,
            events: FuturesUnordered::new(),
        }
    }

    async fn supervise(mut self) -> Exit {
        loop {
            if let Some(exit) = self.ctx.reported() {
                self.stop_all().await;
                return exit;
            }
            if self.ctx.stop_deadline().is_some() {
                return self.stop_all().await;
            }
            let wake = self.start_due(Instant::now());
            if self.children.iter().all(Child::is_settled) {
                self.ctx.ready();
            }
            if self.children.iter().all(|child| matches!(child.phase, Phase::Done)) {
                return Exit::Normal;
            }
            let event = tokio::select! {
                biased;
                () = self.ctx.ended() => continue,
                _ = self.ctx.stop_requested() => continue,
                Some(event) = self.events.next() => event,
                () = until(wake) => continue,
            };
            match event {
                Event::Ready(index, ctx) => self.on_ready(index, &ctx),
                Event::Exited(index, exit) => {
                    if let Some(exit) = self.on_exit(index, exit).await {
                        return exit;
                    }
                }
            }
        }
    }

    /// Starts the children that are due, and returns when the next one is.
    fn start_due(&mut self, now: Instant) -> Option<Instant> {
        let mut wake: Option<Instant> = None;
        let mut all_before_settled = true;
        for (index, child) in self.children.iter_mut().enumerate() {
            if let Phase::Waiting { at, in_order } = child.phase
                && (all_before_settled || !in_order)
            {
                if at <= now {
                    start(index, child, &self.events);
                } else {
                    wake = Some(wake.map_or(at, |wake| wake.min(at)));
                }
            }
            all_before_settled &= child.is_settled();
        }
        wake
    }

    fn on_ready(&mut self, index: usize, of: &ChildContext) {
        if let Some(child) = self.children.get_mut(index)
            && let Phase::Up { ctx, ready_since } = &mut child.phase
            && ctx.is_same(of)
            && of.reported().is_none()
        {
            *ready_since = Some(Instant::now());
            child.node.set(ChildState::Ready);
        }
    }

    /// Handles the exit of a child. Returns the supervisor's own exit if it gives up.
    async fn on_exit(&mut self, index: usize, exit: Exit) -> Option<Exit> {
        let now = Instant::now();
        let child = self.children.get_mut(index)?;
        let ready_for = match child.phase {
            Phase::Up { ready_since, .. } => ready_since.map(|since| now.duration_since(since)),
            Phase::Waiting { .. } | Phase::Done => None,
        };
        ended(child, &exit);
        if !child.spec.restart.wants(&exit) {
            return None;
        }
        if !self.intensity.allows(now) {
            tracing::error!(
                supervisor = self.ctx.path(),
                actor = child.node.name(),
                "too many restarts: giving up"
            );
            self.stop_all().await;
            return Some(Exit::Failed(exit.error_kind()));
        }
        counter(Metric::ActorRestarts, &[child.spec.name, exit.reason()]).increment(1);
        let at = now + child.backoff.next(ready_for);
        match self.strategy {
            Strategy::OneForOne => back_off(child, at, false),
            Strategy::AllForOne => {
                let restarting: Vec<bool> = self
                    .children
                    .iter()
                    .enumerate()
                    .map(|(other, child)| {
                        other == index
                            || (!matches!(child.phase, Phase::Done)
                                && child.spec.restart != Restart::Temporary)
                    })
                    .collect();
                self.stop_all().await;
                for (child, _) in
                    self.children.iter_mut().zip(restarting).filter(|(_, again)| *again)
                {
                    back_off(child, at, true);
                }
            }
        }
        None
    }

    /// Stops all children in reverse order, each within its own time and all by the deadline of
    /// this supervisor, and kills those that are left. Returns [`Exit::Drained`], or the first exit
    /// that was not clean.
    async fn stop_all(&mut self) -> Exit {
        let mut outcome = Exit::Drained;
        if self.ctx.stop_deadline().is_some() {
            self.ctx.node().set(ChildState::Stopping);
        }
        for index in (0..self.children.len()).rev() {
            let Some(child) = self.children.get_mut(index) else {
                continue;
            };
            let stopping = match &child.phase {
                Phase::Up { ctx, .. } => ctx.clone(),
                Phase::Waiting { .. } => {
                    child.phase = Phase::Done;
                    child.node.set(ChildState::Stopped);
                    continue;
                }
                Phase::Done => continue,
            };
            child.node.set(ChildState::Stopping);
            let own_deadline = Instant::now() + child.spec.shutdown_within;
            let mut bounded = self.ctx.stop_deadline();
            stopping.request_stop(bounded.map_or(own_deadline, |all| all.min(own_deadline)));
            while self.children.get(index).is_some_and(|child| child.up().is_some()) {
                let deadline = bounded.map_or(own_deadline, |all| all.min(own_deadline));
                let killed = stopping.reported().is_some();
                tokio::select! {
                    biased;
                    () = self.ctx.ended(), if !killed => self.kill_all(),
                    all = self.ctx.stop_requested(), if bounded.is_none() => bounded = Some(all),
                    Some(event) = self.events.next() => {
                        if let Event::Exited(index, exit) = event
                            && let Some(child) = self.children.get_mut(index)
                        {
                            ended(child, &exit);
                            if outcome.is_clean() && !exit.is_clean() {
                                outcome = exit;
                            }
                        }
                    }
                    () = sleep_until(deadline), if !killed => stopping.exit(Exit::Killed),
                }
            }
        }
        outcome
    }

    fn kill_all(&self) {
        for ctx in self.children.iter().filter_map(Child::up) {
            ctx.exit(Exit::Killed);
        }
    }
}

fn start<'a>(
    index: usize,
    child: &mut Child<'a>,
    events: &FuturesUnordered<LocalBoxFuture<'a, Event>>,
) {
    if child.started_before {
        child.node.restarting();
    }
    child.started_before = true;
    let ctx = ChildContext::new(std::sync::Arc::clone(&child.node));
    child.phase = Phase::Up { ctx: ctx.clone(), ready_since: None };
    let of = ctx.clone();
    events.push(Box::pin(async move {
        of.became_ready().await;
        Event::Ready(index, of)
    }));
    let spec = child.spec;
    events.push(Box::pin(async move { Event::Exited(index, generation(spec, ctx).await) }));
}

/// Records the end of a child's generation in the tree, the metrics and the log.
fn ended(child: &mut Child<'_>, exit: &Exit) {
    exit.log(child.node.path());
    child.node.ended(exit.clone(), ChildState::Stopped);
    child.phase = Phase::Done;
}

fn back_off(child: &mut Child<'_>, at: Instant, in_order: bool) {
    child.phase = Phase::Waiting { at, in_order };
    child.node.set(ChildState::BackingOff);
}

/// Runs one generation of a child, from its factory to its exit.
async fn generation(spec: &ChildSpec, ctx: ChildContext) -> Exit {
    let mut run = (spec.run)(ctx.clone());
    let exit = tokio::select! {
        biased;
        exit = &mut run => exit,
        exit = fault(spec, &ctx) => {
            ctx.exit(exit);
            run.await
        }
    };
    ctx.finish(exit)
}

/// Returns when the child is not ready in time or makes no progress. Once it was asked to stop,
/// only the time to stop counts.
async fn fault(spec: &ChildSpec, ctx: &ChildContext) -> Exit {
    let broken = async {
        let ready = async {
            if !ctx.became_ready().await {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = ready => {}
            () = after(spec.ready_within) => {
                tracing::warn!(actor = ctx.path(), "not ready within {:?}", spec.ready_within);
                return Exit::Failed(ErrorKind::Unavailable);
            }
        }
        match spec.hung_after {
            Some(limit) => ctx.stalled(limit).await,
            None => std::future::pending().await,
        }
        Exit::Hung
    };
    tokio::select! {
        biased;
        _ = ctx.stop_requested() => std::future::pending().await,
        exit = broken => exit,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}
