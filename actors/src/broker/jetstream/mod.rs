//! JetStream on a [`Connection`](super::Connection): streams and consumers, key-value buckets,
//! leases and objects.
//!
//! - [`JetStream`] is the handle; [`Connection::jetstream`](super::Connection::jetstream) makes it.
//! - [`StreamSpec`] and [`ConsumerSpec`] create a stream and its consumer, or check that the
//!   existing ones are configured as the program expects.
//! - [`Bucket`] keeps small values under a [`Key`]; [`Bucket::watch`] follows its changes.
//! - [`Lease`] has at most one holder at a time, and gives each one a larger fence.
//! - [`Objects`] keeps large values, in chunks and with a digest.
//!
//! Every call ends: it fails with `unavailable` at once when there is no connection, when the
//! connection breaks, and after [`CALL_WITHIN`] when nobody answers. A write that fails this way
//! may or may not have happened, so a caller that retries compares revisions.

mod api;
mod bucket;
mod config;
mod consumer;
mod key;
mod lease;
mod message;
mod objects;
mod stream;
mod watch;

pub use api::{CALL_WITHIN, JetStream};
pub use bucket::{Bucket, BucketSpec, Entry};
pub use consumer::ConsumerSpec;
pub use key::{Key, KeyPattern};
pub use lease::{Lease, LeaseLoss};
pub use objects::{ObjectInfo, ObjectReader, Objects, ObjectsSpec};
pub use stream::{DeliveryClass, Retention, StreamSpec};
pub use watch::{BucketWatch, WatchEvent};
