//! Reads the body of a request, bounded in bytes and in time.

use actix_web::{error::PayloadError, web};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use ocelli_messages::{ErrorKind, Failure};
use tokio::time::{Instant, timeout_at};

/// Passes a body to `take`, piece by piece, as it arrives.
///
/// # Errors
/// `deadline_exceeded` if the body is not complete at `until`, `invalid_argument` if it is cut off,
/// or the error of `take`.
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

/// The error for a body, or an image in it, of more than `most` bytes.
pub(crate) fn too_large(length: Option<usize>, most: usize) -> Failure {
    let message = match length {
        Some(length) => format!("the body has {length} bytes; at most {most} are allowed"),
        None => format!("the body has more than the {most} bytes that are allowed"),
    };
    Failure::new(ErrorKind::TooLarge, message).at("body")
}

fn broken(error: &PayloadError) -> Failure {
    Failure::invalid("body", format!("the body cannot be read: {error}"))
}
