//! The wire: everything that passes between Ocelli's parts, and nothing else.
//!
//! - [`v1`]: the protobuf messages of package `ocelli.v1`, generated from `proto/`.
//! - [`Subject`]: the NATS subjects they travel on, from the table [`subjects`].
//! - [`MessageContext`]: the headers every message carries.
//! - [`Failure`] and [`ErrorKind`]: the closed list of what can go wrong, and what that means for an
//!   ack, an HTTP status, a breaker and a log line.
//! - [`CheckedFrame`]: a frame that is within the [`Limits`] and whose fields agree.
//!
//! No tokio and no NATS client here: a message is data.

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
// Their comments are written for protobuf, not for rustdoc.
#[allow(rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/ocelli.v1.rs"));
}
