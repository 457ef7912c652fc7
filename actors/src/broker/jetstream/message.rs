//! Messages of a stream: read one by its subject, or follow them as they come.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{
        ErrorCode,
        consumer::{AckPolicy, Consumer, DeliverPolicy, Info, IntoConsumerConfig as _, pull},
        message::StreamMessage,
        stream::RawMessage,
    },
};
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_messages::Failure;
use serde::Deserialize;
use serde_json::json;

use super::{
    JetStream,
    api::{CALL_WITHIN, RETRY_AFTER, unique},
};

/// A follower that hears nothing for twice this long is cut off. The server sends a heartbeat
/// when it has no message.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long one request for messages stays with the server.
const EXPIRES: Duration = Duration::from_secs(30);
/// The server deletes a follower's consumer when nobody has asked it for messages for this long.
const INACTIVE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Got {
    message: RawMessage,
}

/// The last message on a subject, from the stream's leader: a read after a write sees the write.
pub(super) async fn last(
    jetstream: &JetStream,
    stream: &str,
    subject: &str,
) -> Result<Option<StreamMessage>, Failure> {
    let request = json!({ "last_by_subj": subject });
    match jetstream.ask::<Got>(format!("STREAM.MSG.GET.{stream}"), &request).await {
        Ok(got) => StreamMessage::try_from(got.message)
            .map(Some)
            .map_err(|error| Failure::internal(format!("stream {stream}: {error}"))),
        Err(refused) if refused.code() == Some(ErrorCode::NO_MESSAGE_FOUND) => Ok(None),
        Err(refused) => Err(refused.into_failure(&format!("stream {stream}"))),
    }
}

/// What a [`Follower`] reads.
pub(super) struct Follow<'a> {
    pub(super) stream: &'a str,
    pub(super) filter: String,
    pub(super) from: DeliverPolicy,
    /// How many messages may be on their way, which bounds the memory that they take here.
    pub(super) batch: usize,
    pub(super) headers_only: bool,
}

/// Reads a stream in order, without acknowledgements. It ends at the first gap, error or silence;
/// whoever uses it starts another one.
pub(super) struct Follower {
    jetstream: JetStream,
    stream: String,
    name: String,
    messages: pull::Stream,
    /// How many messages have been delivered.
    delivered: u64,
    /// How many messages there were when it began.
    pub(super) pending: u64,
}

/// One message of a stream.
pub(super) struct Followed {
    pub(super) subject: String,
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
    pub(super) sequence: u64,
    /// How many messages follow it now.
    pub(super) pending: u64,
}

impl Follower {
    pub(super) async fn start(jetstream: &JetStream, follow: Follow<'_>) -> Result<Self, Failure> {
        let name = format!("follow-{}", unique(jetstream.connection()));
        let config = pull::Config {
            name: Some(name.clone()),
            deliver_policy: follow.from,
            ack_policy: AckPolicy::None,
            filter_subjects: vec![follow.filter],
            headers_only: follow.headers_only,
            max_deliver: 1,
            inactive_threshold: INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let request = json!({
            "stream_name": follow.stream,
            "config": config.clone().into_consumer_config(),
            "action": "create",
        });
        let subject = format!("CONSUMER.CREATE.{}.{name}", follow.stream);
        let what = format!("stream {}", follow.stream);
        let info: Info = jetstream
            .ask(subject, &request)
            .await
            .map_err(|refused| refused.into_failure(&what))?;
        let pending = info.num_pending;
        let messages = Consumer::new(config, info, jetstream.context().clone())
            .stream()
            .max_messages_per_batch(follow.batch)
            .heartbeat(HEARTBEAT)
            .expires(EXPIRES)
            .messages()
            .await
            .map_err(|error| Failure::unavailable(format!("{what}: {error}"), RETRY_AFTER))?;
        Ok(Self {
            jetstream: jetstream.clone(),
            stream: follow.stream.to_owned(),
            name,
            messages,
            delivered: 0,
            pending,
        })
    }

    /// The next message, or why there will be none.
    pub(super) async fn next(&mut self) -> Result<Followed, String> {
        let message = match self.messages.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("the subscription ended".into()),
        };
        let info = message.info().map_err(|error| error.to_string())?;
        self.delivered += 1;
        if info.consumer_sequence != self.delivered {
            return Err(format!(
                "message {} came where {} was due",
                info.consumer_sequence, self.delivered
            ));
        }
        let (sequence, pending) = (info.stream_sequence, info.pending);
        let (message, _) = message.split();
        Ok(Followed {
            subject: message.subject.to_string(),
            headers: message.headers.unwrap_or_default(),
            payload: message.payload,
            sequence,
            pending,
        })
    }

    /// As [`Self::next`], but for a message that is known to be there.
    pub(super) async fn next_in_time(&mut self) -> Result<Followed, String> {
        tokio::time::timeout(CALL_WITHIN, self.next())
            .await
            .unwrap_or_else(|_| Err("the next message did not come in time".into()))
    }

    /// Whether every message that there is has been delivered.
    pub(super) async fn is_at_end(&self) -> Result<bool, Failure> {
        let subject = format!("CONSUMER.INFO.{}.{}", self.stream, self.name);
        let info: Info = self
            .jetstream
            .ask(subject, &json!({}))
            .await
            .map_err(|refused| refused.into_failure(&format!("stream {}", self.stream)))?;
        Ok(info.num_pending == 0 && info.delivered.consumer_sequence == self.delivered)
    }

    /// Takes the consumer off the server, if it can be reached; else the server does it by itself.
    pub(super) async fn stop(self) {
        let subject = format!("CONSUMER.DELETE.{}.{}", self.stream, self.name);
        if let Err(error) = self.jetstream.ask::<serde_json::Value>(subject, &json!({})).await {
            tracing::debug!(stream = self.stream, ?error, "a consumer could not be deleted");
        }
    }
}
