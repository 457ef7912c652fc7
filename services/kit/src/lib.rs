//! What every Ocelli service needs, whatever it does.
//!
//! - [`service`]: what a service is to the process that runs it, and the registry of services.
//! - [`host`]: the process as its services see it: connections, health, limits, exit requests.
//! - [`config`]: settings from defaults, a file, the environment and flags, every mistake listed.
//! - [`telemetry`]: logs, traces, metrics and Sentry, and the trace context that messages carry.
//! - [`health`]: what a service depends on, and whether it is ready.
//! - [`admin`]: the admin port, which shows all of that over HTTP.
//! - [`problem`]: errors as RFC 9457 `application/problem+json`.
//! - [`filter_json`]: filter definitions as JSON, for HTTP and the command line.
//! - [`signals`]: when to stop.
//!
//! The connection to NATS is in `ocelli_actors::broker`.

#![forbid(unsafe_code)]

pub mod admin;
pub mod config;
pub mod filter_json;
pub mod health;
pub mod host;
pub mod problem;
pub mod service;
pub mod signals;
pub mod telemetry;
