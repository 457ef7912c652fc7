//! The two calls that everything else here is made of: an API request and an acknowledged publish.

use std::{
    future::{Future, IntoFuture as _},
    time::Duration,
};

use async_nats::{
    HeaderMap,
    jetstream::{
        self, ErrorCode,
        context::{ContextBuilder, PublishAckFuture, PublishErrorKind, RequestErrorKind},
        message::PublishMessage,
        response::Response,
    },
};
use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure};
use serde::{Serialize, de::DeserializeOwned};

use crate::broker::{Connection, Link};

/// How long one call may take. A cluster that lost a leader elects another one within about four
/// seconds, so a call made in that moment still succeeds.
pub const CALL_WITHIN: Duration = Duration::from_secs(5);
/// What callers are told to wait before they try again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// JetStream on one connection. Cheap to clone; every clone shares the connection.
#[derive(Clone, Debug)]
pub struct JetStream {
    connection: Connection,
    context: jetstream::Context,
}

impl Connection {
    /// JetStream on this connection. Make one and clone it: each call starts a task that collects
    /// acknowledgements. Must be called on a tokio runtime.
    #[must_use]
    pub fn jetstream(&self) -> JetStream {
        let context = ContextBuilder::new()
            .timeout(CALL_WITHIN)
            .ack_timeout(CALL_WITHIN)
            .build(self.client().clone());
        JetStream { connection: self.clone(), context }
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server answered with an error.
    Answer(jetstream::Error),
    /// There was no answer, or it could not be sent.
    Failure(Failure),
}

impl JetStream {
    /// The connection that it uses.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The client library's handle, for what has no method here. Its calls are limited by
    /// [`CALL_WITHIN`] too, but report errors of the library.
    #[must_use]
    pub const fn context(&self) -> &jetstream::Context {
        &self.context
    }

    /// Whether the server that this is connected to belongs to a cluster.
    pub(super) fn clustered(&self) -> bool {
        self.connection.client().server_info().cluster.is_some()
    }

    /// Waits until the connection is no longer the one that it was.
    pub(super) async fn broken(&self, connected: Link) {
        let mut link = self.connection.watch();
        // It fails only if the client is gone, and `self` holds that.
        let _closed = link.wait_for(|link| *link != connected).await;
    }

    /// Sends a request to the JetStream API. `subject` goes without the prefix `$JS.API.`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        subject: String,
        payload: &(impl Serialize + Sync),
    ) -> Result<T, Refused> {
        let answer = async {
            match self.context.request(subject, payload).await {
                Ok(Response::Ok(answer)) => Ok(answer),
                Ok(Response::Err { error }) => Err(Refused::Answer(error)),
                Err(error) => Err(Refused::Failure(match error.kind() {
                    RequestErrorKind::NoResponders => away("JetStream is not available"),
                    RequestErrorKind::TimedOut => silent(),
                    RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                        Failure::internal(format!("a request to JetStream failed: {error}"))
                    }
                })),
            }
        };
        self.limited(answer).await
    }

    /// Publishes into a stream and waits for the acknowledgement. Returns the sequence number.
    pub(super) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refused> {
        let ack = self.send(subject, headers, payload).await?;
        self.acknowledged(ack).await
    }

    /// Publishes into a stream; [`Self::acknowledged`] must follow, since a message without an
    /// acknowledgement may be lost.
    pub(super) async fn send(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<PublishAckFuture, Refused> {
        let publish = PublishMessage::build().payload(payload).headers(headers);
        let sent = self.context.send_publish(subject, publish);
        self.limited(async { sent.await.map_err(unpublished) }).await
    }

    /// Waits for the acknowledgement of a message. Returns its sequence number.
    pub(super) async fn acknowledged(&self, ack: PublishAckFuture) -> Result<u64, Refused> {
        let ack = ack.into_future();
        self.limited(async { ack.await.map(|ack| ack.sequence).map_err(unpublished) }).await
    }

    async fn limited<T>(
        &self,
        call: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        let connected = self.connection.link();
        if !connected.up {
            return Err(Refused::Failure(away("there is no connection to the broker")));
        }
        tokio::select! {
            // Boxed, because the client library's futures are large and every caller holds one.
            done = Box::pin(call) => done,
            () = self.broken(connected) => {
                Err(Refused::Failure(away("the connection to the broker broke before the answer came")))
            }
            () = tokio::time::sleep(CALL_WITHIN) => Err(Refused::Failure(silent())),
        }
    }
}

/// A name that nobody else uses, of `[A-Za-z0-9]`.
pub(super) fn unique(connection: &Connection) -> String {
    let inbox = connection.client().new_inbox();
    inbox.chars().rev().take_while(char::is_ascii_alphanumeric).collect()
}

fn away(message: &str) -> Failure {
    Failure::unavailable(message, RETRY_AFTER)
}

fn silent() -> Failure {
    away("JetStream did not answer in time")
}

/// What an error of a publish means.
fn unpublished(error: jetstream::context::PublishError) -> Refused {
    let answered = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<jetstream::Error>())
        .cloned();
    if let Some(answered) = answered {
        return Refused::Answer(answered);
    }
    Refused::Failure(match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => {
            Failure::new(ErrorKind::TooLarge, error.to_string())
        }
        // A stream without a leader has no subscription, so this may pass.
        PublishErrorKind::StreamNotFound => away("no stream takes this subject now"),
        PublishErrorKind::TimedOut => silent(),
        PublishErrorKind::BrokenPipe => away("the connection to the broker broke"),
        PublishErrorKind::MaxAckPending => {
            Failure::overloaded("too many messages await their acknowledgement", RETRY_AFTER)
        }
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::Other => {
            Failure::internal(format!("a message could not be published: {error}"))
        }
    })
}

impl Refused {
    /// The server's error code, if the server answered.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Answer(error) => Some(error.error_code()),
            Self::Failure(_) => None,
        }
    }

    /// Whether the server expected another last revision of the subject.
    pub(super) fn is_wrong_revision(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE
                    | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
            )
        )
    }

    /// The failure for the caller; `what` names the thing that the call was about.
    pub(super) fn into_failure(self, what: &str) -> Failure {
        let error = match self {
            Self::Failure(failure) => {
                return Failure { message: format!("{what}: {}", failure.message), ..failure };
            }
            Self::Answer(error) => error,
        };
        let message = format!("{what}: {error}");
        let kind = kind_of(error.error_code());
        match kind {
            ErrorKind::Unavailable | ErrorKind::Overloaded => {
                Failure::new(kind, message).retry_after(RETRY_AFTER)
            }
            _ => Failure::new(kind, message),
        }
    }
}

/// What an error code of JetStream is in our terms.
fn kind_of(code: ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::STREAM_NOT_FOUND
        | ErrorCode::CONSUMER_NOT_FOUND
        | ErrorCode::NO_MESSAGE_FOUND
        | ErrorCode::SEQUENCE_NOT_FOUND => ErrorKind::NotFound,
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE
        | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        | ErrorCode::STREAM_WRONG_LAST_MESSAGE_ID
        | ErrorCode::STREAM_NAME_EXIST
        | ErrorCode::STREAM_SUBJECT_OVERLAP
        | ErrorCode::CONSUMER_NAME_EXIST
        | ErrorCode::CONSUMER_ALREADY_EXISTS => ErrorKind::Conflict,
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM => {
            ErrorKind::TooLarge
        }
        ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED
        | ErrorCode::CLUSTER_REQUIRED
        | ErrorCode::CLUSTER_TAGS
        | ErrorCode::REQUIRED_API_LEVEL => ErrorKind::Unsupported,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::MEMORY_RESOURCES_EXCEEDED
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::STREAM_STORE_FAILED
        | ErrorCode::STREAM_TOO_MANY_REQUESTS => ErrorKind::Overloaded,
        ErrorCode::CLUSTER_NOT_AVAILABLE
        | ErrorCode::CLUSTER_NOT_ACTIVE
        | ErrorCode::CLUSTER_NOT_LEADER
        | ErrorCode::CLUSTER_NOT_ASSIGNED
        | ErrorCode::CLUSTER_INCOMPLETE
        | ErrorCode::CLUSTER_NO_PEERS
        | ErrorCode::STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_NOT_READY
        | ErrorCode::STREAM_OFFLINE_REASON
        | ErrorCode::CONSUMER_OFFLINE_REASON
        | ErrorCode::JETSTREAM_NOT_ENABLED
        | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u64) -> Failure {
        let error = serde_json::json!({"code": 400, "err_code": code, "description": "text"});
        Refused::Answer(serde_json::from_value(error).unwrap()).into_failure("bucket flags_a")
    }

    #[test]
    fn an_answer_of_the_server_has_a_kind_and_names_the_thing() {
        for (code, kind) in [
            (10_059, ErrorKind::NotFound),
            (10_071, ErrorKind::Conflict),
            (10_054, ErrorKind::TooLarge),
            (10_008, ErrorKind::Unavailable),
            (10_074, ErrorKind::Unsupported),
            (10_047, ErrorKind::Overloaded),
            (99_999, ErrorKind::Internal),
        ] {
            let failure = answered(code);
            assert_eq!(failure.kind, kind, "{code}");
            assert!(failure.message.starts_with("bucket flags_a: text"), "{failure}");
        }
    }

    #[test]
    fn what_may_pass_says_when_to_try_again() {
        assert_eq!(answered(10_008).retry_after, Some(RETRY_AFTER));
        assert_eq!(answered(10_047).retry_after, Some(RETRY_AFTER));
        assert_eq!(answered(10_071).retry_after, None);
    }
}
