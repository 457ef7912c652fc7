//! What a child's generation and its supervisor say to each other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::SetOnce, time::Instant};
use tokio_util::sync::CancellationToken;

use super::Exit;
use crate::tree::Node;

/// Given to each generation of a child: how it reports to its supervisor.
///
/// Cheap to clone and to send to the tasks and threads that work for the child.
#[derive(Clone)]
pub struct ChildContext {
    generation: Arc<Generation>,
}

struct Generation {
    node: Arc<Node>,
    born: Instant,
    /// Microseconds since `born`.
    progress: AtomicU64,
    ready: SetOnce<()>,
    stop: SetOnce<Instant>,
    exit: SetOnce<Exit>,
    token: CancellationToken,
}

impl ChildContext {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self {
            generation: Arc::new(Generation {
                node,
                born: Instant::now(),
                progress: AtomicU64::new(0),
                ready: SetOnce::new(),
                stop: SetOnce::new(),
                exit: SetOnce::new(),
                token: CancellationToken::new(),
            }),
        }
    }

    /// The child does its work from now on.
    pub fn ready(&self) {
        // Saying it twice is no mistake.
        self.generation.ready.set(()).ok();
    }

    /// The child got on with its work. Only children with
    /// [`hung_after`](super::ChildSpec::hung_after) are watched.
    pub fn progress(&self) {
        let elapsed = self.generation.born.elapsed().as_micros();
        self.generation
            .progress
            .store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Ends this generation now, for this reason. The first reason wins: what follows it is a
    /// consequence.
    pub fn exit(&self, exit: Exit) {
        if self.generation.exit.set(exit).is_ok() {
            self.generation.token.cancel();
        }
    }

    /// What the actor tree shows about the child; called each time somebody looks.
    pub fn observe(&self, observe: impl Fn() -> serde_json::Value + Send + Sync + 'static) {
        self.generation.node.observe(Arc::new(observe));
    }

    /// Where the child is in the tree: `root/child`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.generation.node.path()
    }

    /// Cancelled when this generation ends: what works for it ends with it.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.generation.token.clone()
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.generation.node
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.generation, &other.generation)
    }

    /// Records how it ended, unless a reason is known already; the reason.
    pub(super) fn finish(&self, exit: Exit) -> Exit {
        self.exit(exit.clone());
        self.reported().unwrap_or(exit)
    }

    pub(super) fn reported(&self) -> Option<Exit> {
        self.generation.exit.get().cloned()
    }

    pub(super) async fn ended(&self) {
        self.generation.token.cancelled().await;
    }

    /// Waits until it is ready; false where it ended before.
    pub(super) async fn became_ready(&self) -> bool {
        tokio::select! {
            biased;
            () = self.ended() => false,
            _ = self.generation.ready.wait() => true,
        }
    }

    /// Asks it to stop by `deadline`. The first deadline holds.
    pub(super) fn request_stop(&self, deadline: Instant) {
        self.generation.stop.set(deadline).ok();
    }

    pub(super) fn stop_deadline(&self) -> Option<Instant> {
        self.generation.stop.get().copied()
    }

    pub(super) async fn stop_requested(&self) -> Instant {
        *self.generation.stop.wait().await
    }

    /// Returns when nothing called [`progress`](Self::progress) for `limit`.
    pub(super) async fn stalled(&self, limit: Duration) {
        self.progress();
        loop {
            let last = Duration::from_micros(self.generation.progress.load(Ordering::Relaxed));
            let due = self.generation.born + last + limit;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

impl std::fmt::Debug for ChildContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildContext").field("path", &self.path()).finish_non_exhaustive()
    }
}
