//! How Ocelli's services run, fail and wait. Nothing here knows images or CUDA.
//!
//! - [`supervisor`]: restarts actors that fail, with back-off, a limit and escalation.
//! - [`actor_ref`]: the address of an actor, which survives restarts.
//! - [`tree`]: all actors of a process as JSON.
//! - [`credits`]: limits the work in progress, and refuses what exceeds the limits.
//! - [`breaker`]: pauses calls to a dependency that fails.
//! - [`broker`]: the connection to NATS, and the delivery of messages to handlers.
//! - [`device`]: one thread per device behind a bounded queue.
//! - [`metrics`]: the tables of metric names.
//! - [`trace`]: the trace headers of messages as spans.

#![forbid(unsafe_code)]

pub mod actor_ref;
pub mod breaker;
pub mod broker;
pub mod credits;
pub mod device;
pub mod log;
pub mod metrics;
pub mod supervisor;
pub mod trace;
pub mod tree;
