//! What tests share.
//!
//! - [`Broker`] and [`Cluster`]: real `nats-server` processes to start, kill, restart and freeze;
//!   [`connect`] opens a connection as the services do.
//! - [`System`]: the whole program as a child process, on free ports.
//! - [`wait_until`] and its relatives: wait for a condition with one limit of patience, and never
//!   sleep a fixed time.
//! - [`frames`]: small pictures, and requests that send them.
//! - [`fuzz`]: mutated input for a parser.
//! - [`gpu`]: a stand-in for a GPU that is slow, fails or is lost as the test wants.

#![forbid(unsafe_code)]

mod broker;
mod cluster;
mod connection;
pub mod frames;
pub mod fuzz;
pub mod gpu;
mod system;
mod wait;

pub use broker::Broker;
pub use cluster::Cluster;
pub use connection::{connect, open};
pub use system::{Ready, System, command};
pub use wait::{Look, PATIENCE, eventually, look_until, patiently, wait_until};
