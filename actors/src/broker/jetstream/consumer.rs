//! Durable pull consumers.

use std::time::Duration;

use async_nats::jetstream::{
    ErrorCode,
    consumer::{AckPolicy, Config as AnyConfig, Consumer, Info, IntoConsumerConfig as _, pull},
};
use ocelli_messages::{ErrorKind, Failure};
use serde_json::json;

use super::{JetStream, config::differences};

/// A durable pull consumer as the program needs it.
///
/// Every message is acknowledged on its own, and is delivered again until it is: attempts are
/// counted by the program, which knows a failure from a pause or a shutdown. Work needs a short
/// `ack_wait` with progress acknowledgements, since that is how long a killed worker's messages
/// wait for the next one.
#[derive(Clone, Debug)]
pub struct ConsumerSpec {
    /// The stream that it reads.
    pub stream: String,
    /// Its name: 1 to 255 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    /// The subject that it reads, with wildcards; `None` reads the whole stream.
    pub filter: Option<String>,
    /// A message without an acknowledgement or a sign of progress for this long goes to another
    /// worker.
    pub ack_wait: Duration,
    /// How many messages may be in progress over all workers.
    pub max_ack_pending: u32,
}

impl ConsumerSpec {
    /// How long to wait for an acknowledgement, unless told otherwise.
    pub const ACK_WAIT: Duration = Duration::from_secs(5);
    /// How many messages may be in progress, unless told otherwise.
    pub const MAX_ACK_PENDING: u32 = 1_000;

    /// A consumer of a whole stream.
    #[must_use]
    pub fn new(stream: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            name: name.into(),
            filter: None,
            ack_wait: Self::ACK_WAIT,
            max_ack_pending: Self::MAX_ACK_PENDING,
        }
    }

    /// Creates the consumer, or checks that the existing one is configured this way. An existing
    /// consumer is never changed.
    ///
    /// # Errors
    /// `not_found` if there is no such stream; `conflict` if the consumer exists with another
    /// configuration, with each setting's two values; `unavailable` if JetStream is away.
    pub async fn ensure(&self, jetstream: &JetStream) -> Result<Consumer<pull::Config>, Failure> {
        let what = format!("consumer {} of stream {}", self.name, self.stream);
        let wanted = self.config();
        let info = match self.info(jetstream).await {
            Ok(info) => info,
            Err(refused) if refused.code() == Some(ErrorCode::CONSUMER_NOT_FOUND) => {
                match self.create(jetstream, &wanted.clone().into_consumer_config()).await {
                    Ok(info) => info,
                    // Somebody else created it a moment ago.
                    Err(refused) if refused.code() == Some(ErrorCode::CONSUMER_ALREADY_EXISTS) => {
                        self.info(jetstream).await.map_err(|again| again.into_failure(&what))?
                    }
                    Err(refused) => return Err(refused.into_failure(&what)),
                }
            }
            Err(refused) => return Err(refused.into_failure(&what)),
        };
        let differing =
            differences(&settings(&wanted.clone().into_consumer_config()), &settings(&info.config));
        if !differing.is_empty() {
            return Err(Failure::new(
                ErrorKind::Conflict,
                format!("{what} exists with another configuration: {differing}"),
            ));
        }
        Ok(Consumer::new(wanted, info, jetstream.context().clone()))
    }

    async fn info(&self, jetstream: &JetStream) -> Result<Info, super::api::Refused> {
        jetstream.ask(format!("CONSUMER.INFO.{}.{}", self.stream, self.name), &json!({})).await
    }

    async fn create(
        &self,
        jetstream: &JetStream,
        config: &AnyConfig,
    ) -> Result<Info, super::api::Refused> {
        let filter = self.filter.as_ref().map(|filter| format!(".{filter}")).unwrap_or_default();
        let subject = format!("CONSUMER.CREATE.{}.{}{filter}", self.stream, self.name);
        let request = json!({"stream_name": self.stream, "config": config, "action": "create"});
        jetstream.ask(subject, &request).await
    }

    fn config(&self) -> pull::Config {
        pull::Config {
            name: Some(self.name.clone()),
            durable_name: Some(self.name.clone()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_deliver: -1,
            max_ack_pending: self.max_ack_pending.into(),
            filter_subject: self.filter.clone().unwrap_or_default(),
            ..pull::Config::default()
        }
    }
}

/// The settings that this program depends on, with the server's defaults made explicit.
fn settings(config: &AnyConfig) -> Vec<(&'static str, String)> {
    vec![
        ("filter_subject", format!("{:?}", config.filter_subject)),
        ("ack_policy", format!("{:?}", config.ack_policy)),
        ("ack_wait", format!("{:?}", config.ack_wait)),
        ("max_ack_pending", config.max_ack_pending.to_string()),
        ("deliver_policy", format!("{:?}", config.deliver_policy)),
        ("max_deliver", config.max_deliver.to_string()),
    ]
}
