//! JetStream on a [`Connection`](super::Connection): streams and consumers, key-value buckets,
//! leases and objects.
//!
//! - [`JetStream`] is the handle; [`Connection::jetstream`](super::Connection::jetstream) makes it.
//! - [`StreamSpec`] and [`ConsumerSpec`] create a stream and its consumer, or check that the
//!   existing ones are configured as the program expects.
//!
//! Every call ends: it fails with `unavailable` at once when there is no connection, when the
//! connection breaks, and after [`CALL_WITHIN`] when nobody answers. A write that fails this way
//! may or may not have happened, so a caller that retries compares revisions.

mod api;
mod config;
mod consumer;
mod stream;

pub use api::{CALL_WITHIN, JetStream};
pub use consumer::ConsumerSpec;
pub use stream::{DeliveryClass, Retention, StreamSpec};
