//! Streams: what they keep, for how long, and what they survive.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, Info, Placement, RetentionPolicy, StorageType};
use ocelli_messages::{ErrorKind, Failure};

use super::{JetStream, config::ensure_stream};

/// How many servers hold a stream that has to survive the loss of one.
const REPLICAS: usize = 3;
/// Servers with this tag write every message to disk before they acknowledge it.
const SYNC_TAG: &str = "sync:always";
/// Within this time a second message with the same `Nats-Msg-Id` is dropped, unless the messages
/// themselves live shorter.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// What a message survives once it has been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryClass {
    /// Core NATS: it is lost if nobody listens. There is no stream for this class.
    Ephemeral,
    /// In the memory of one server: it is lost when that server ends.
    Buffered,
    /// On the disks of three servers, or of one where there is no cluster: it survives the end of
    /// a process, but the last seconds may be lost in a power cut.
    Replicated,
    /// On the disks of three servers that sync every message: it survives a power cut. Servers
    /// offer it with `sync_interval: always` and the tag `sync:always`.
    Durable,
}

impl DeliveryClass {
    /// Where messages are kept; `None` if they are not.
    #[must_use]
    pub const fn storage(self) -> Option<StorageType> {
        match self {
            Self::Ephemeral => None,
            Self::Buffered => Some(StorageType::Memory),
            Self::Replicated | Self::Durable => Some(StorageType::File),
        }
    }

    /// How many servers of a cluster keep each message.
    #[must_use]
    pub const fn replicas(self) -> usize {
        match self {
            Self::Ephemeral => 0,
            Self::Buffered => 1,
            Self::Replicated | Self::Durable => REPLICAS,
        }
    }

    pub(super) fn apply(self, jetstream: &JetStream, config: &mut Config) -> Result<(), Failure> {
        let Some(storage) = self.storage() else {
            return Err(Failure::new(
                ErrorKind::InvalidArgument,
                "the delivery class ephemeral has no stream",
            )
            .allow(["buffered", "replicated", "durable"]));
        };
        let clustered = jetstream.clustered();
        if self == Self::Durable && !clustered {
            return Err(unsynced("the server is not part of a cluster"));
        }
        config.storage = storage;
        config.num_replicas = if clustered { self.replicas() } else { 1 };
        if self == Self::Durable {
            let tags = vec![SYNC_TAG.to_owned()];
            config.placement = Some(Placement { tags, ..Placement::default() });
        }
        Ok(())
    }

    /// Says why a durable stream was refused: the server only reports that it found no peers.
    pub(super) fn explain(self, failure: Failure) -> Failure {
        if self == Self::Durable && failure.kind != ErrorKind::Conflict {
            unsynced(&failure.message)
        } else {
            failure
        }
    }
}

fn unsynced(reason: &str) -> Failure {
    Failure::new(
        ErrorKind::Unsupported,
        format!(
            "the delivery class durable needs a cluster of at least {REPLICAS} servers with \
             `sync_interval: always` and the tag {SYNC_TAG:?}: {reason}"
        ),
    )
}

/// When a stream forgets a message, besides its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// It keeps messages until a limit is reached.
    #[default]
    Limits,
    /// It forgets a message when its one consumer has acknowledged it.
    WorkQueue,
}

/// A stream as the program needs it.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    /// Its name: 1 to 255 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    /// The subjects that it takes in, with wildcards.
    pub subjects: Vec<String>,
    /// What its messages survive.
    pub class: DeliveryClass,
    /// When a message is forgotten.
    pub retention: Retention,
    /// The age at which a message is forgotten; `None` keeps it for ever.
    pub max_age: Option<Duration>,
    /// The size at which the oldest messages are forgotten, bytes; `None` for no limit.
    pub max_bytes: Option<u32>,
}

impl StreamSpec {
    /// A stream without limits.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        subjects: impl IntoIterator<Item = String>,
        class: DeliveryClass,
    ) -> Self {
        Self {
            name: name.into(),
            subjects: subjects.into_iter().collect(),
            class,
            retention: Retention::Limits,
            max_age: None,
            max_bytes: None,
        }
    }

    /// Creates the stream, or checks that the existing one is configured this way. An existing
    /// stream is never changed.
    ///
    /// # Errors
    /// `conflict` if it exists with another configuration, with each setting's two values;
    /// `unsupported` if the servers do not offer the class; `unavailable` if JetStream is away.
    pub async fn ensure(&self, jetstream: &JetStream) -> Result<Info, Failure> {
        ensure_stream(jetstream, self.class, self.config()).await
    }

    fn config(&self) -> Config {
        let max_age = self.max_age.unwrap_or_default();
        Config {
            name: self.name.clone(),
            subjects: self.subjects.clone(),
            retention: match self.retention {
                Retention::Limits => RetentionPolicy::Limits,
                Retention::WorkQueue => RetentionPolicy::WorkQueue,
            },
            max_age,
            max_bytes: self.max_bytes.map_or(-1, i64::from),
            duplicate_window: duplicate_window(max_age),
            ..Config::default()
        }
    }
}

/// The window for messages that live for `max_age`; zero means for ever.
pub(super) fn duplicate_window(max_age: Duration) -> Duration {
    if max_age.is_zero() { DUPLICATE_WINDOW } else { DUPLICATE_WINDOW.min(max_age) }
}
