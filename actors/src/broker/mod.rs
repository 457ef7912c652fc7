//! Everything between an actor and NATS.
//!
//! - [`Connection`]: one connection, its state, and requests with a deadline.
//! - [`service()`]: a NATS service with its endpoints, described by a [`ServiceSpec`]; the reply
//!   lane of the delivery.
//! - [`live()`]: live frames, of which the latest wins, described by a [`LiveSpec`].
//! - [`work()`]: durable work from a JetStream stream, described by a [`WorkSpec`].
//!
//! The actors are control faces. Data flows through tasks that hold credits, so an actor answers
//! while its work waits.

mod connection;
mod delivery;
mod jetstream;
mod service;
mod service_api;
mod task_actor;

pub use connection::{Connection, ConnectionOptions, Link};
pub use delivery::{
    Encoded,
    Request,
    latest::{LiveHandler, LiveSpec, live},
    queue::{DropReason, LatestQueue, Queued},
    reply::{EndpointSpec, Handler},
    work::{WorkHandler, WorkSpec, work},
};
pub use jetstream::*;
pub use service::{ServiceSpec, service};
pub use service_api::{EndpointStats, ServiceApi};
pub use task_actor::TaskActor;
