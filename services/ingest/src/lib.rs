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
//! One request's way: [`topology`] has the server; `scope` gives it an id, a span and a place in a
//! trace; `routes` finds its handler; `handlers::process_image` reads the [`query`] and the body,
//! the latter straight into its place in the message ([`wire`]), asks a worker and hands the
//! answer to `reply`.

mod body;
mod config;
mod handlers;
mod metrics;
pub mod multipart;
mod names;
pub mod places;
pub mod query;
mod reply;
mod routes;
mod scope;
mod service;
pub mod topology;
pub mod wire;

pub use config::Config;
pub use service::Ingest;
pub use topology::{Gateway, GatewayActor, Parts, child, start};
