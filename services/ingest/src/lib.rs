//! The HTTP gateway: images in over HTTP, requests out over NATS.
//!
//! | route | subject out | in → out |
//! |---|---|---|
//! | `POST /api/v1/process/image` | `ocelli.v1.<tenant>.req.filter.process` | an image file, raw pixels or a form → the result |
//! | `GET /api/v1/filters` | `ocelli.v1.<tenant>.req.filter.list` | → JSON |
//! | `GET /health`, `GET /` | none | → JSON |
//!
//! Every error is `application/problem+json`.
//!
//! The path of a request: [`topology`] has the server; `connection` looks after the client; `routes`
//! finds the handler in the table that `areas` holds; `scope` gives the request its id, tenant, span
//! and place in a trace; `areas::process` reads the [`query`] and the body, the latter straight into
//! its place in the message ([`wire`]), asks a worker and hands the response to `reply`.

#![forbid(unsafe_code)]

mod answer;
mod areas;
mod body;
mod config;
mod connection;
mod metrics;
pub mod multipart;
mod names;
pub mod places;
pub mod query;
mod reply;
mod routes;
mod scope;
mod service;
mod shared;
pub mod topology;
pub mod wire;

pub use config::Config;
pub use service::Ingest;
pub use topology::{Gateway, GatewayActor, Parts, child, start};
