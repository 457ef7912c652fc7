//! Key-value buckets.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use async_nats::{
    HeaderMap, HeaderValue,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MARKER_REASON, NATS_MESSAGE_TTL},
    jetstream::{
        consumer::DeliverPolicy,
        message::StreamMessage,
        stream::{Config, DiscardPolicy},
    },
};
use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure, Tenant};

use super::{
    DeliveryClass, JetStream, Key, KeyPattern,
    api::Refused,
    config::ensure_stream,
    message::{self, Follow, Follower},
    stream::duplicate_window,
};

pub(super) const OPERATION: &str = "KV-Operation";
/// How often a write is tried again that lost a race against an expiring marker.
const RACES: usize = 5;
/// How many values a follower may have on their way.
pub(super) const BATCH: usize = 200;

/// A bucket as the program needs it.
#[derive(Clone, Debug)]
pub struct BucketSpec {
    /// What the bucket holds: 1 to 64 characters of `[a-z0-9-]`.
    pub name: String,
    /// Whose it is: every tenant has a bucket of its own.
    pub tenant: Tenant,
    /// What its values survive.
    pub class: DeliveryClass,
    /// How many revisions of each key are kept: 1 to 64.
    pub history: u8,
    /// The age at which a value disappears; `None` keeps it for ever.
    pub max_age: Option<Duration>,
    /// The largest value, bytes; `None` for what the broker takes.
    pub max_value_bytes: Option<u32>,
    /// How long the markers of expired keys are kept, at least 1 s. A bucket needs them for leases
    /// and for watches that are to see keys expire.
    pub markers: Option<Duration>,
}

impl BucketSpec {
    /// A bucket that keeps one revision of each key for ever.
    #[must_use]
    pub fn new(name: impl Into<String>, tenant: Tenant, class: DeliveryClass) -> Self {
        Self {
            name: name.into(),
            tenant,
            class,
            history: 1,
            max_age: None,
            max_value_bytes: None,
            markers: None,
        }
    }

    /// The name on the server: `<name>_<tenant>`. A name has no `_`, so no two of them meet.
    #[must_use]
    pub fn bucket(&self) -> String {
        bucket_name(&self.name, &self.tenant)
    }

    pub(super) fn config(&self) -> Result<Config, Failure> {
        check_name(&self.name)?;
        if !(1..=64).contains(&self.history) {
            let message = format!("a history of {} revisions: 1 to 64 are allowed", self.history);
            return Err(Failure::invalid("history", message));
        }
        if self.markers.is_some_and(|markers| markers < Duration::from_secs(1)) {
            return Err(Failure::invalid("markers", "markers are kept for at least 1 s"));
        }
        let bucket = self.bucket();
        let max_age = self.max_age.unwrap_or_default();
        let max_value = self.max_value_bytes.map(i32::try_from).transpose();
        let max_value = max_value
            .map_err(|_| Failure::invalid("max_value_bytes", "at most 2147483647 is allowed"))?;
        Ok(Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: self.history.into(),
            max_age,
            max_bytes: -1,
            max_message_size: max_value.unwrap_or(-1),
            discard: DiscardPolicy::New,
            duplicate_window: duplicate_window(max_age),
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            allow_message_ttl: self.markers.is_some(),
            subject_delete_marker_ttl: self.markers,
            ..Config::default()
        })
    }
}

pub(super) fn bucket_name(name: &str, tenant: &Tenant) -> String {
    format!("{name}_{tenant}")
}

pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let given: String = name.chars().take(80).collect();
    Err(Failure::invalid("bucket", format!("{given:?} is not a name for a bucket"))
        .allow(["1 to 64 characters of a-z, 0-9 and '-'"]))
}

/// A value with its key and revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key that it stands under.
    pub key: Key,
    /// The bytes that were stored.
    pub value: Bytes,
    /// The number of the write, which grows over all keys of the bucket.
    pub revision: u64,
}

/// A key-value bucket of one tenant. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) jetstream: JetStream,
    pub(super) spec: BucketSpec,
    pub(super) stream: String,
    /// What a key's subject begins with.
    pub(super) prefix: String,
    pub(super) watched: Arc<AtomicBool>,
}

impl Bucket {
    /// Creates the bucket, or checks that the existing one is configured this way.
    ///
    /// # Errors
    /// `invalid_argument` if the specification is wrong; `conflict` if the bucket exists with
    /// another configuration, with each setting's two values; `unsupported` if the servers do not
    /// offer the class; `unavailable` if JetStream is away.
    pub async fn open(jetstream: &JetStream, spec: BucketSpec) -> Result<Self, Failure> {
        let config = spec.config()?;
        let stream = config.name.clone();
        let prefix = format!("$KV.{}.", spec.bucket());
        ensure_stream(jetstream, spec.class, config).await?;
        let (jetstream, watched) = (jetstream.clone(), Arc::default());
        Ok(Self { inner: Arc::new(Inner { jetstream, spec, stream, prefix, watched }) })
    }

    /// The tenant whose bucket it is.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.inner.spec.tenant
    }

    /// A key of this bucket's tenant.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn key(&self, rest: &str) -> Result<Key, Failure> {
        Key::new(self.tenant(), rest)
    }

    /// The value under a key, if there is one. It is read from the bucket's leader, so it is never
    /// older than an acknowledged write.
    ///
    /// # Errors
    /// `unavailable` if the broker is away; `invalid_argument` for a key of another tenant.
    pub async fn get(&self, key: &Key) -> Result<Option<Entry>, Failure> {
        let last = self.last(key).await?;
        Ok(last.filter(|message| !is_marker(&message.headers)).map(|message| Entry {
            key: key.clone(),
            value: message.payload,
            revision: message.sequence,
        }))
    }

    /// Stores a value under a key that has none, and returns its revision. Of several that try,
    /// the first one wins.
    ///
    /// # Errors
    /// `conflict` with the existing revision; `too_large`; `unavailable` if the broker is away, and
    /// then the value may or may not be stored.
    pub async fn create(&self, key: &Key, value: Bytes) -> Result<u64, Failure> {
        let mut expected = 0;
        for _ in 0..RACES {
            match self.write(key, value.clone(), Some(expected), None).await {
                Ok(revision) => return Ok(revision),
                Err(refused) if refused.is_wrong_revision() => {}
                Err(refused) => return Err(self.failed(key, refused)),
            }
            expected = match self.last(key).await? {
                None => 0,
                Some(last) if is_marker(&last.headers) => last.sequence,
                Some(last) => {
                    let revision = last.sequence;
                    let text = format!("key {key} exists already, at revision {revision}");
                    return Err(Failure::new(ErrorKind::Conflict, text));
                }
            };
        }
        Err(Failure::new(ErrorKind::Conflict, format!("key {key} is being written by others")))
    }

    /// Replaces the value under a key if it still has that revision, and returns the new one.
    ///
    /// # Errors
    /// `conflict` with the revision that the key has now; `too_large`; `unavailable` if the broker
    /// is away, and then the value may or may not be stored.
    pub async fn update(&self, key: &Key, value: Bytes, revision: u64) -> Result<u64, Failure> {
        match self.write(key, value, Some(revision), None).await {
            Ok(revision) => Ok(revision),
            Err(refused) if refused.is_wrong_revision() => {
                let now = self.get(key).await?.map_or("has no value".to_owned(), |entry| {
                    format!("is at revision {}", entry.revision)
                });
                let text = format!("key {key} {now}, and not at revision {revision}");
                Err(Failure::new(ErrorKind::Conflict, text))
            }
            Err(refused) => Err(self.failed(key, refused)),
        }
    }

    /// Stores a value whatever is there, and returns its revision.
    ///
    /// # Errors
    /// `too_large`; `unavailable` if the broker is away, and then the value may or may not be
    /// stored.
    pub async fn put(&self, key: &Key, value: Bytes) -> Result<u64, Failure> {
        self.write(key, value, None, None).await.map_err(|refused| self.failed(key, refused))
    }

    /// Removes the value under a key; it is no error if there is none.
    ///
    /// # Errors
    /// `unavailable` if the broker is away, and then the value may or may not be removed.
    pub async fn delete(&self, key: &Key) -> Result<(), Failure> {
        self.remove(key, None).await.map_err(|refused| self.failed(key, refused))
    }

    /// The keys that have a value, in the order of their last change.
    ///
    /// # Errors
    /// `unavailable` if the broker is away.
    pub async fn keys(&self) -> Result<Vec<Key>, Failure> {
        let follow = Follow {
            stream: &self.inner.stream,
            filter: self.subject(KeyPattern::all(self.tenant()).as_str()),
            from: DeliverPolicy::LastPerSubject,
            batch: BATCH,
            headers_only: true,
        };
        let mut follower = Follower::start(&self.inner.jetstream, follow).await?;
        let mut keys = Vec::new();
        let mut pending = follower.pending;
        while pending > 0 {
            let message = follower.next_in_time().await.map_err(|reason| {
                let text = format!("the keys of bucket {}: {reason}", self.inner.spec.bucket());
                Failure::unavailable(text, super::api::RETRY_AFTER)
            })?;
            pending = message.pending;
            if !is_marker(&message.headers) {
                keys.extend(self.key_of(&message.subject));
            }
        }
        follower.stop().await;
        Ok(keys)
    }

    pub(super) fn subject(&self, key: &str) -> String {
        format!("{}{key}", self.inner.prefix)
    }

    /// The key of a subject, if it is one of ours: other programs may write into the bucket too.
    pub(super) fn key_of(&self, subject: &str) -> Option<Key> {
        let key = Key::parse(subject.strip_prefix(&self.inner.prefix)?).ok();
        key.filter(|key| key.tenant() == self.tenant())
    }

    /// The last message under a key, which may be the marker of a value that is gone.
    pub(super) async fn last(&self, key: &Key) -> Result<Option<StreamMessage>, Failure> {
        self.check(key)?;
        let subject = self.subject(key.as_str());
        message::last(&self.inner.jetstream, &self.inner.stream, &subject).await
    }

    /// Writes a value, if the key's last message has the expected sequence number; zero stands for
    /// no message. With a time to live, which is given in whole seconds, the value expires.
    pub(super) async fn write(
        &self,
        key: &Key,
        value: Bytes,
        expected: Option<u64>,
        ttl_seconds: Option<u64>,
    ) -> Result<u64, Refused> {
        self.check(key).map_err(Refused::Failure)?;
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expected));
        }
        if let Some(seconds) = ttl_seconds {
            headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(seconds));
        }
        self.inner.jetstream.publish(self.subject(key.as_str()), headers, value).await
    }

    /// Marks the value as gone, if the key's last message has the expected sequence number.
    pub(super) async fn remove(&self, key: &Key, expected: Option<u64>) -> Result<(), Refused> {
        self.check(key).map_err(Refused::Failure)?;
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, "DEL");
        if let Some(markers) = self.inner.spec.markers {
            headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(markers.as_secs()));
        }
        if let Some(expected) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expected));
        }
        let subject = self.subject(key.as_str());
        self.inner.jetstream.publish(subject, headers, Bytes::new()).await.map(drop)
    }

    pub(super) fn failed(&self, key: &Key, refused: Refused) -> Failure {
        refused.into_failure(&format!("key {key} in bucket {}", self.inner.spec.bucket()))
    }

    fn check(&self, key: &Key) -> Result<(), Failure> {
        if key.tenant() == self.tenant() {
            return Ok(());
        }
        let text = format!("key {key} does not belong to bucket {}", self.inner.spec.bucket());
        Err(Failure::invalid("key", text).allow([format!("{}.<rest>", self.tenant())]))
    }
}

/// Whether a message says that a value is gone: deleted, purged or expired.
pub(super) fn is_marker(headers: &HeaderMap) -> bool {
    headers.get(NATS_MARKER_REASON).is_some()
        || headers.get(OPERATION).is_some_and(|operation| operation.as_str() != "PUT")
}
