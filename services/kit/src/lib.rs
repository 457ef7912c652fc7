//! What services and the program that runs them share.
//!
//! - [`service`]: the trait that a service implements, and the registry of services.
//! - [`host`]: the process as its services see it: connections, health, limits, exit requests.
//! - [`config`]: settings from defaults, a file, the environment and flags, with every mistake
//!   listed.
//! - [`telemetry`]: logs, traces, metrics and Sentry.
//! - [`health`]: the dependencies of a process, and whether it is ready.
//! - [`admin`]: the admin port, which shows health, metrics and actors over HTTP.
//! - [`memory`]: the budget for images and messages, and what is resident.
//! - [`metrics`]: the metrics of a process, whichever services it runs.
//! - [`problem`]: errors as RFC 9457 `application/problem+json`.
//! - [`filter_json`]: filter definitions as JSON, for HTTP and the command line.
//! - [`signals`]: the signals that start a shutdown.
//!
//! The connection to NATS is in `ocelli_actors::broker`.

#![forbid(unsafe_code)]

pub mod admin;
pub mod config;
pub mod filter_json;
pub mod health;
pub mod host;
pub mod memory;
pub mod metrics;
pub mod problem;
pub mod service;
pub mod signals;
pub mod telemetry;
