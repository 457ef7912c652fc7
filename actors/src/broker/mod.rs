//! Everything between an actor and NATS.
//!
//! - [`Connection`]: one connection, its state, and requests with a deadline.
//! - [`ServiceActor`]: a NATS service with its endpoints, described by a [`ServiceSpec`].
//! - [`LiveActor`]: live frames, latest wins, described by a [`LiveSpec`].
//!
//! The actors are control faces. Data flows through tasks that hold credits, so an actor answers
//! while its work waits.

mod connection;
mod endpoint;
mod headers;
mod latest;
mod live;
mod pump;
mod service;
mod service_api;

pub use connection::{Connection, ConnectionOptions, Link};
pub use endpoint::{EndpointSpec, Handler, Request};
pub use latest::{DropReason, LatestQueue, Queued};
pub use live::{LiveActor, LiveFrame, LiveHandler, LiveOutcome, LiveSpec};
pub use service::{ServiceActor, ServiceSpec};
pub use service_api::{EndpointStats, ServiceApi};
