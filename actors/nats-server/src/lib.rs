//! A real `nats-server` as a child process.
//!
//! It is ready about 15 ms after it was started, so every test that needs a broker has one of its
//! own, and `ocelli up` brings one along: there is no in-memory imitation of NATS.

#![forbid(unsafe_code)]

mod binary;
mod guard;
mod server;

pub use binary::{BINARY_VARIABLE, find_binary};
pub use guard::exec_guarded;
pub use server::{ClusterOptions, NatsServer, ServerError, ServerOptions};
