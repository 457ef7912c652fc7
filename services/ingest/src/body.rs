//! Reads the body of a request, bounded in bytes, in time and in pace.

use actix_web::{error::PayloadError, web};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use ocelli_messages::{ErrorKind, Failure};
use tokio::time::{Instant, timeout_at};

use crate::connection::{Link, Pace, Reason, Slowest};

/// The body of a request, which is on its way.
pub(crate) struct Incoming<'a> {
    pub(crate) payload: &'a mut web::Payload,
    /// The connection that it comes over; `None` only in tests.
    pub(crate) link: Option<&'a Link>,
    /// The slowest that it may come.
    pub(crate) slowest: Slowest,
    /// When all of it must have come.
    pub(crate) until: Instant,
}

impl Incoming<'_> {
    /// Passes the body to `take`, piece by piece, as it arrives.
    ///
    /// # Errors
    /// `deadline_exceeded` if the body comes too slowly or is not complete in time,
    /// `invalid_argument` if it is cut off, or the error of `take`.
    pub(crate) async fn read(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut pace = Pace::new(self.slowest, Instant::now());
        loop {
            let look = pace.check(Instant::now()).map_err(|_| self.too_slow())?;
            match timeout_at(look.min(self.until), self.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(piece)) => {
                    let bytes = piece.map_err(|error| broken(&error))?;
                    pace.moved(bytes.len());
                    take(&bytes)?;
                }
                Err(_) if Instant::now() < self.until => {}
                Err(_) => {
                    let message = "the body did not arrive before the deadline";
                    return Err(Failure::deadline(message).at("body"));
                }
            }
        }
    }

    /// Reads a body of unknown length, at most `most` bytes.
    ///
    /// # Errors
    /// As [`Incoming::read`], and `too_large`.
    pub(crate) async fn collect(&mut self, most: usize) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        self.read(|bytes| {
            if bytes.len() > most - body.len() {
                return Err(too_large(None, most));
            }
            body.extend_from_slice(bytes);
            Ok(())
        })
        .await?;
        Ok(body.freeze())
    }

    async fn next(&mut self) -> Option<Result<Bytes, PayloadError>> {
        match self.link {
            Some(link) => link.body(self.payload.next()).await,
            None => self.payload.next().await,
        }
    }

    fn too_slow(&self) -> Failure {
        Reason::SlowBody.count();
        let message = format!("the body arrives too slowly: less than {}", self.slowest);
        Failure::deadline(message).at("body")
    }
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
