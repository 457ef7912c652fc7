//! Everything between an actor and NATS.
//!
//! - [`Connection`]: one connection, its state, and requests with a deadline.
//! - [`service()`]: a NATS service with its endpoints, described by a [`ServiceSpec`].
//! - [`JetStream`]: streams, key-value buckets, leases and objects.
//! - [`live()`]: live frames, latest wins, described by a [`LiveSpec`].
//!
//! The actors are control faces. Data flows through tasks that hold credits, so an actor answers
//! while its work waits.

mod connection;
mod endpoint;
mod headers;
mod jetstream;
mod latest;
mod live;
mod pump;
mod service;
mod service_api;
mod task_actor;

pub use connection::{Connection, ConnectionOptions, Link};
pub use endpoint::{EndpointSpec, Handler, Request};
pub use jetstream::{
    Bucket, BucketSpec, BucketWatch, CALL_WITHIN, ConsumerSpec, DeliveryClass, Entry, JetStream,
    Key, KeyPattern, Lease, LeaseLoss, ObjectInfo, ObjectReader, Objects, ObjectsSpec, Retention,
    StreamSpec, WatchEvent,
};
pub use latest::{DropReason, LatestQueue, Queued};
pub use live::{LiveFrame, LiveHandler, LiveOutcome, LiveSpec, live};
pub use service::{ServiceSpec, service};
pub use service_api::{EndpointStats, ServiceApi};
pub use task_actor::TaskActor;
