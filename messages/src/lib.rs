//! The wire: the messages that Ocelli's parts exchange, how they are addressed, and how they are
//! checked.
//!
//! - [`v1`]: the protobuf messages of package `ocelli.v1`, generated from `proto/`.
//! - [`Subject`]: the NATS subjects that messages travel on, from the table [`mod@subjects`].
//! - [`MessageContext`]: the headers that every message carries.
//! - [`Failure`] and [`ErrorKind`]: the fixed list of error kinds, and what each of them means for
//!   an acknowledgement, an HTTP status, a circuit breaker and a log line.
//! - [`CheckedFrame`]: a frame that is within the [`Limits`] and whose fields are consistent.
//!
//! The crate uses neither tokio nor a NATS client, because a message is data.

#![forbid(unsafe_code)]

mod context;
mod deadline;
mod error_kind;
mod failure;
mod image;
mod media;
mod names;
mod place;
mod subject;
mod token;
mod trace;

pub use context::{MessageContext, header};
pub use deadline::Deadline;
pub use error_kind::{Ack, BreakerVerdict, ErrorKind, LogLevel};
pub use failure::Failure;
pub use image::{CheckedFrame, EncodedFrame, Payload, RawFrame, sniff_codec};
pub use names::{Named, parse_filter};
pub use ocelli_media::{Codec, Header, Limits, PixelFormat, Shape, Size};
pub use place::{Place, Segment};
pub use subject::{StreamSubject, Subject, SubjectError, SubjectRow, TenantSubject, subjects};
pub use token::{StreamName, Tenant, Tenants, TokenError};
pub use trace::{TraceContext, TraceParent};

/// The messages of package `ocelli.v1`.
#[allow(missing_docs, clippy::all, clippy::restriction)]
// The comments in the generated code are written for protobuf, not for rustdoc.
#[allow(rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/ocelli.v1.rs"));
}
