//! How Ocelli's services run, fail and wait.
//!
//! - [`supervisor`]: restarts actors that panic, with back-off, a limit and escalation.
//! - [`credits`] and [`breaker`]: overload and broken dependencies as numbers and answers.
//! - [`broker`]: the connection to NATS, request/reply endpoints and live frames.
//! - [`device`]: one thread per device behind a bounded queue.
//! - [`metrics`]: the one list of metric names.
//!
//! No product logic and no CUDA here.

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
