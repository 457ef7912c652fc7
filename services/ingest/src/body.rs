//! Reading a request's body: bounded in bytes and in time.

use actix_web::{error::PayloadError, web};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use ocelli_messages::{ErrorKind, Failure};
use tokio::time::{Instant, timeout_at};

/// Hands a body on, piece by piece, as it arrives.
///
/// # Errors
/// `deadline_exceeded` if it takes longer than `until`, `invalid_argument` if it is cut off, or
/// what `take` says.
pub(crate) async fn read(
    payload: &mut web::Payload,
    until: Instant,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let all = async {
        while let Some(bytes) = payload.next().await {
            take(&bytes.map_err(|error| broken(&error))?)?;
        }
        Ok(())
    };
    timeout_at(until, all).await.unwrap_or_else(|_late| {
        Err(Failure::deadline("the body did not arrive before the deadline").at("body"))
    })
}

/// Reads a body of unknown length, at most `most` bytes.
///
/// # Errors
/// As [`read`], and `too_large`.
pub(crate) async fn collect(
    payload: &mut web::Payload,
    until: Instant,
    most: usize,
) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    read(payload, until, |bytes| {
        if bytes.len() > most - body.len() {
            return Err(too_large(None, most));
        }
        body.extend_from_slice(bytes);
        Ok(())
    })
    .await?;
    Ok(body.freeze())
}

/// A body over the limit.
pub(crate) fn too_large(length: Option<usize>, most: usize) -> Failure {
    let is = length.map_or_else(|| format!("more than {most}"), |length| length.to_string());
    let message = format!("a body of {is} bytes: at most {most} are allowed");
    Failure::new(ErrorKind::TooLarge, message).at("body")
}

fn broken(error: &PayloadError) -> Failure {
    Failure::invalid("body", format!("the body cannot be read: {error}"))
}
