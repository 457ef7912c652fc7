//! How Ocelli's services run, fail and wait.
//!
//! - [`supervisor`]: restarts actors that panic, with back-off, a limit and escalation.
//! - [`credits`] and [`breaker`]: overload and broken dependencies as numbers and answers.
//! - [`broker`]: the connection to NATS, request/reply endpoints and live frames.
//! - [`device`]: one thread per device behind a bounded queue.
//! - [`metrics`]: the one list of metric names.
//!
//! No product logic and no CUDA here.

pub mod broker;
pub mod device;
pub mod metrics;
