//! Everything between actors and NATS.
//!
//! - [`Connection`]: a connection, its state, and requests with a deadline.
//! - [`Intake`]: the messages of subscriptions, received without async-nats.
//! - [`ServiceSpec`]: a NATS service with its endpoints, on the reply lane of the delivery.
//! - [`LiveSpec`]: live frames, of which newer ones replace older ones.
//! - [`WorkSpec`]: durable work from a JetStream stream.
//! - [`JetStream`]: streams, key-value buckets, leases and objects.
//!
//! The actors only control. Data flows through tasks that hold credits, so an actor can answer
//! while its work waits.

mod connection;
mod delivery;
mod intake;
mod jetstream;
mod outgoing;
mod requests;
mod service;
mod service_api;
mod task_actor;

pub use connection::{Connection, ConnectionOptions, LOGIN_REFUSED, Link};
pub use delivery::{
    Admission, Encoded, Hold, Request,
    latest::{LiveHandler, LiveSpec},
    queue::{DropReason, LatestQueue, Queued},
    reply::{EndpointSpec, Handler},
    work::{WorkHandler, WorkSpec},
};
pub use intake::{Intake, IntakeEvent, Subscription};
pub use jetstream::{
    Bucket, BucketSpec, BucketWatch, CALL_WITHIN, ConsumerSpec, DeliveryClass, Entry, JetStream,
    Key, KeyPattern, Lease, LeaseLoss, ObjectInfo, ObjectReader, Objects, ObjectsSpec, Retention,
    StreamSpec, WatchEvent,
};
pub use outgoing::Outgoing;
pub use service::ServiceSpec;
pub use service_api::{EndpointStats, ServiceApi};
pub use task_actor::TaskActor;
