//! What tests share.
//!
//! - [`Broker`] and [`Cluster`]: real `nats-server` processes to start, kill, restart and freeze.
//! - [`wait_until`]: waits for a condition with one limit of patience, and never sleeps a fixed
//!   time.
//! - [`frames`]: small pictures to send.

#![forbid(unsafe_code)]

mod broker;
mod cluster;
pub mod frames;
mod wait;

pub use broker::Broker;
pub use cluster::Cluster;
pub use wait::{PATIENCE, patiently, wait_until};
