//! How a generation of a child and its supervisor communicate.

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

/// The context of one generation of a child, through which it reports to its supervisor.
///
/// It is cheap to clone, and can be sent to the tasks and threads that work for the child.
#[derive(Clone)]
pub struct ChildContext {
    generation: Arc<Generation>,
}

struct Generation {
    node: Arc<Node>,
    born: Instant,
    /// The time of the last progress, in microseconds since `born`.
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

    /// Reports that the child is ready to do its work.
    pub fn ready(&self) {
        // Reporting it twice is allowed.
        self.generation.ready.set(()).ok();
    }

    /// Reports that the child made progress. Only children with
    /// [`hung_after`](super::ChildSpec::hung_after) are watched.
    pub fn progress(&self) {
        let elapsed = self.generation.born.elapsed().as_micros();
        self.generation
            .progress
            .store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Ends this generation now, for the given reason. Only the first reason counts, because later
    /// ones are consequences of it.
    pub fn exit(&self, exit: Exit) {
        if self.generation.exit.set(exit).is_ok() {
            self.generation.token.cancel();
        }
    }

    /// Sets what the actor tree shows about the child. The function is called each time the tree is
    /// read.
    pub fn observe(&self, observe: impl Fn() -> serde_json::Value + Send + Sync + 'static) {
        self.generation.node.observe(Arc::new(observe));
    }

    /// The path of the child in the actor tree, such as `root/child`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.generation.node.path()
    }

    /// A token that is cancelled when this generation ends, so that its tasks can end too.
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

    /// Records how the generation ended, unless a reason is already known, and returns the reason.
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

    /// Waits until the child is ready; `false` if it ended before.
    pub(super) async fn became_ready(&self) -> bool {
        tokio::select! {
            biased;
            () = self.ended() => false,
            _ = self.generation.ready.wait() => true,
        }
    }

    /// Asks the child to stop by `deadline`. Only the first deadline counts.
    pub(super) fn request_stop(&self, deadline: Instant) {
        self.generation.stop.set(deadline).ok();
    }

    pub(super) fn stop_deadline(&self) -> Option<Instant> {
        self.generation.stop.get().copied()
    }

    pub(super) async fn stop_requested(&self) -> Instant {
        *self.generation.stop.wait().await
    }

    /// Returns once [`progress`](Self::progress) was not called for `limit`.
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
