//! The tree of a process's actors, for the admin port.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::supervisor::Exit;

/// The state of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildState {
    /// The child was started and is not ready yet.
    Starting,
    /// The child is ready and does its work.
    Ready,
    /// The child ended and waits for its restart.
    BackingOff,
    /// The child was asked to stop and has not ended yet.
    Stopping,
    /// The child ended and will not be restarted.
    Stopped,
}

type Observe = Arc<dyn Fn() -> Value + Send + Sync>;

/// An actor or supervisor in the tree.
pub(crate) struct Node {
    name: &'static str,
    path: String,
    inner: Mutex<Inner>,
}

struct Inner {
    state: ChildState,
    since: Instant,
    restarts: u64,
    last_exit: Option<Exit>,
    observe: Option<Observe>,
    children: Vec<Arc<Node>>,
}

impl Node {
    fn new(name: &'static str, path: String) -> Arc<Self> {
        Arc::new(Self {
            name,
            path,
            inner: Mutex::new(Inner {
                state: ChildState::Starting,
                since: Instant::now(),
                restarts: 0,
                last_exit: None,
                observe: None,
                children: Vec::new(),
            }),
        })
    }

    /// Replaces the children when a new generation of their supervisor starts.
    pub(crate) fn replace_children(
        &self,
        names: impl Iterator<Item = &'static str>,
    ) -> Vec<Arc<Self>> {
        let children: Vec<_> =
            names.map(|name| Self::new(name, format!("{}/{name}", self.path))).collect();
        self.inner.lock().children.clone_from(&children);
        children
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn observe(&self, observe: Observe) {
        self.inner.lock().observe = Some(observe);
    }

    pub(crate) fn set(&self, state: ChildState) {
        let mut inner = self.inner.lock();
        if inner.state != state {
            inner.state = state;
            inner.since = Instant::now();
        }
    }

    pub(crate) fn restarting(&self) {
        self.inner.lock().restarts += 1;
        self.set(ChildState::Starting);
    }

    pub(crate) fn ended(&self, exit: Exit, state: ChildState) {
        let observe = {
            let mut inner = self.inner.lock();
            inner.last_exit = Some(exit);
            inner.observe.take()
        };
        // Dropped without the lock: it may own the last reference to the old generation, whose
        // destructor may read the tree.
        drop(observe);
        self.set(state);
    }

    /// Whether the node and all nodes below it are ready. Nodes that stopped for good do not count.
    pub(crate) fn is_ready(&self) -> bool {
        let (state, children) = {
            let inner = self.inner.lock();
            (inner.state, inner.children.clone())
        };
        match state {
            ChildState::Ready => children.iter().all(|child| child.is_settled()),
            _ => false,
        }
    }

    fn is_settled(&self) -> bool {
        self.inner.lock().state == ChildState::Stopped || self.is_ready()
    }

    fn to_json(&self) -> Value {
        // The observer and the children are called without the lock, because they may be slow.
        let (mut value, observe, children) = {
            let inner = self.inner.lock();
            let value = json!({
                "name": self.name,
                "state": inner.state,
                "restarts": inner.restarts,
                "last_exit": inner.last_exit.as_ref().map(ToString::to_string),
                "since_ms": u64::try_from(inner.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            });
            (value, inner.observe.clone(), inner.children.clone())
        };
        if let Some(object) = value.as_object_mut() {
            object.insert("observed".to_owned(), observe.map_or_else(|| json!({}), |see| see()));
            let children = children.iter().map(|child| child.to_json()).collect();
            object.insert("children".to_owned(), Value::Array(children));
        }
        value
    }
}

/// The supervisors of a process and all their children.
#[derive(Clone, Default)]
pub struct ActorTree {
    roots: Arc<Mutex<Vec<Arc<Node>>>>,
}

impl ActorTree {
    /// A tree without supervisors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a root to the tree. It replaces a root of the same name that has ended.
    pub(crate) fn add_root(&self, name: &'static str) -> Arc<Node> {
        let node = Node::new(name, name.to_owned());
        let mut roots = self.roots.lock();
        roots.retain(|root| root.name != name || root.inner.lock().state != ChildState::Stopped);
        roots.push(Arc::clone(&node));
        node
    }

    /// The tree as `{"children": [{name, state, restarts, last_exit, since_ms, observed, children},
    /// …]}`, with the roots at the top and the children of each below it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let roots = self.roots.lock().clone();
        json!({ "children": roots.iter().map(|root| root.to_json()).collect::<Vec<_>>() })
    }
}

impl std::fmt::Debug for ActorTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.roots.lock().iter().map(|root| root.name).collect();
        f.debug_struct("ActorTree").field("roots", &names).finish()
    }
}
