//! The dependencies of a process, and whether it is ready to work.
//!
//! A process is ready when every required dependency is up or degraded and it is not stopping.
//! Whatever watches a dependency reports changes through a [`Dependency`]; reading the state never
//! blocks.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tokio::sync::watch;

/// The state of one dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyState {
    /// The dependency works.
    Up,
    /// The dependency works, but not as well as it should.
    Degraded,
    /// The dependency does not work, or its state is unknown so far.
    Down,
}

/// The state of the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every dependency works.
    Ready,
    /// The process can work, although a dependency is degraded or an optional one is down.
    Degraded,
    /// A required dependency is down.
    NotReady,
    /// The process is shutting down.
    Stopping,
}

#[derive(Clone, Debug, Serialize)]
struct Entry {
    state: DependencyState,
    required: bool,
    detail: String,
    since_ms: u64,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    dependencies: BTreeMap<&'static str, Entry>,
}

impl State {
    fn status(&self) -> Status {
        let any = |wrong: fn(&Entry) -> bool| self.dependencies.values().any(wrong);
        if self.stopping {
            Status::Stopping
        } else if any(|entry| entry.required && entry.state == DependencyState::Down) {
            Status::NotReady
        } else if any(|entry| entry.state != DependencyState::Up) {
            Status::Degraded
        } else {
            Status::Ready
        }
    }
}

impl Status {
    /// Whether the process can accept work.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }
}

/// The health of this process. Clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    state: Arc<watch::Sender<State>>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// The health of a process without dependencies, which is ready.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Adds a dependency, which is down until it is reported to be up.
    ///
    /// Services of one process may share a dependency by its name. It is then required if any of
    /// them requires it.
    #[must_use]
    pub fn dependency(&self, name: &'static str, required: bool) -> Dependency {
        self.state.send_modify(|state| {
            let entry = state.dependencies.entry(name).or_insert_with(|| Entry {
                state: DependencyState::Down,
                required,
                detail: "unknown so far".to_owned(),
                since_ms: unix_ms(),
            });
            entry.required |= required;
        });
        Dependency { name, health: self.clone() }
    }

    /// Marks the process as stopping: it never becomes ready again.
    pub fn stopping(&self) {
        self.state.send_modify(|state| state.stopping = true);
    }

    /// The state of the whole process.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.borrow().status()
    }

    /// Whether the process can accept work.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.status().is_ready()
    }

    /// Waits until the process is ready. Returns `false` if it is stopping and so never will be.
    pub async fn wait_ready(&self) -> bool {
        let mut states = self.state.subscribe();
        let settled = |state: &State| state.stopping || state.status().is_ready();
        // The sender lives as long as `self`, so the channel cannot be closed.
        states.wait_for(settled).await.is_ok_and(|state| !state.stopping)
    }

    /// The state of the process and of each dependency at one moment. `since_ms` is the time since
    /// which a dependency has its state, in Unix milliseconds.
    #[must_use]
    pub fn report(&self) -> (Status, serde_json::Value) {
        let state = self.state.borrow();
        let (status, dependencies) = (state.status(), &state.dependencies);
        (status, serde_json::json!({ "status": status, "dependencies": dependencies }))
    }

    /// The second part of [`Health::report`].
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.report().1
    }
}

/// A handle through which the state of a dependency is reported.
#[derive(Clone, Debug)]
pub struct Dependency {
    name: &'static str,
    health: Health,
}

impl Dependency {
    /// Reports that the dependency works.
    pub fn up(&self, detail: impl Into<String>) {
        self.set(DependencyState::Up, detail.into());
    }

    /// Reports that the dependency works, but not as well as it should.
    pub fn degraded(&self, detail: impl Into<String>) {
        self.set(DependencyState::Degraded, detail.into());
    }

    /// Reports that the dependency does not work.
    pub fn down(&self, detail: impl Into<String>) {
        self.set(DependencyState::Down, detail.into());
    }

    fn set(&self, new: DependencyState, detail: String) {
        let dependency = self.name;
        let mut changed = None;
        self.health.state.send_if_modified(|state| {
            let Some(entry) = state.dependencies.get_mut(dependency) else {
                return false;
            };
            if entry.state == new && entry.detail == detail {
                return false;
            }
            if entry.state != new {
                entry.state = new;
                entry.since_ms = unix_ms();
                changed = Some(detail.clone());
            }
            entry.detail = detail;
            true
        });
        // Logged outside the lock, because writing a log line may be slow.
        match (changed, new) {
            (Some(detail), DependencyState::Up) => tracing::info!(dependency, detail, "up"),
            (Some(detail), DependencyState::Degraded) => {
                tracing::warn!(dependency, detail, "degraded");
            }
            (Some(detail), DependencyState::Down) => tracing::warn!(dependency, detail, "down"),
            (None, _) => {}
        }
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_what_every_required_dependency_says() {
        let health = Health::new();
        assert_eq!(health.status(), Status::Ready);
        let (broker, device) =
            (health.dependency("broker", true), health.dependency("device", false));
        assert_eq!(health.status(), Status::NotReady);
        broker.up("127.0.0.1:4222");
        assert_eq!(health.status(), Status::Degraded, "an optional one is down");
        device.up("");
        assert_eq!(health.status(), Status::Ready);
        broker.degraded("one of three nodes");
        assert_eq!(health.status(), Status::Degraded);
        assert!(health.ready());
        broker.down("gone");
        assert_eq!(health.status(), Status::NotReady);
        broker.up("back");
        health.stopping();
        assert_eq!(health.status(), Status::Stopping);
        assert!(!health.ready());
    }

    #[test]
    fn the_json_names_each_dependency() {
        let health = Health::new();
        let broker = health.dependency("broker", true);
        broker.up("nats://127.0.0.1:4222");
        let since = health.to_json()["dependencies"]["broker"]["since_ms"].clone();
        assert!(since.as_u64().unwrap() > 1_600_000_000_000);
        broker.up("nats://127.0.0.1:4223");
        assert_eq!(
            health.to_json(),
            serde_json::json!({
                "status": "ready",
                "dependencies": { "broker": {
                    "state": "up", "required": true,
                    "detail": "nats://127.0.0.1:4223", "since_ms": since,
                } },
            }),
        );
    }

    #[test]
    fn a_shared_dependency_is_required_if_one_service_requires_it() {
        let health = Health::new();
        let first = health.dependency("broker", false);
        assert_eq!(health.status(), Status::Degraded);
        let _second = health.dependency("broker", true);
        assert_eq!(health.status(), Status::NotReady);
        first.up("");
        assert_eq!(health.status(), Status::Ready, "one entry, not two");
    }

    #[tokio::test]
    async fn waiting_ends_when_the_last_required_dependency_is_up() {
        let health = Health::new();
        let (one, two) = (health.dependency("one", true), health.dependency("two", true));
        let waiting = health.wait_ready();
        tokio::pin!(waiting);
        one.up("");
        assert!(futures::poll!(&mut waiting).is_pending());
        two.up("");
        assert!(waiting.await);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_service_that_is_stopping() {
        let health = Health::new();
        let _never_up = health.dependency("broker", true);
        let waiting = health.wait_ready();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        health.stopping();
        assert!(!ocelli_testkit::patiently("the end of the wait", waiting).await.unwrap());
    }
}
