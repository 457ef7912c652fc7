//! Objects: large values in chunks, in the format that other NATS clients read and write.
//!
//! An object is a message with its description on `$O.<bucket>.M.<name>` and messages with its
//! chunks on `$O.<bucket>.C.<id>`. Every put has an id of its own, and the description is written
//! last, so an object is visible as a whole or not at all. What a failed put leaves behind is not
//! visible; [`Objects::sweep`] removes it.

mod put;
mod read;
mod sweep;

use std::time::Duration;

use async_nats::{
    HeaderMap, HeaderValue,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_ROLLUP},
    jetstream::{
        consumer::DeliverPolicy,
        object_store,
        stream::{Config, DiscardPolicy},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use ocelli_messages::{ErrorKind, Failure, Tenant};
use serde_json::json;

pub use read::ObjectReader;

use super::{
    DeliveryClass, JetStream, Key,
    api::{RETRY_AFTER, Refused},
    bucket::{BATCH, bucket_name, check_name},
    config::ensure_stream,
    message::{self, Follow, Follower},
    stream::duplicate_window,
};

/// What the digest of an object begins with.
const SHA_256: &str = "SHA-256=";

/// An object bucket as the program needs it.
#[derive(Clone, Debug)]
pub struct ObjectsSpec {
    /// What the bucket holds: 1 to 64 characters of `[a-z0-9-]`.
    pub name: String,
    /// Whose it is: every tenant has a bucket of its own.
    pub tenant: Tenant,
    /// What its objects survive.
    pub class: DeliveryClass,
    /// The age at which an object disappears; `None` keeps it for ever.
    pub max_age: Option<Duration>,
    /// How large the bucket may become, bytes; a put that does not fit is refused with
    /// `overloaded`. `None` for no limit.
    pub max_bytes: Option<u64>,
}

impl ObjectsSpec {
    /// A bucket without limits.
    #[must_use]
    pub fn new(name: impl Into<String>, tenant: Tenant, class: DeliveryClass) -> Self {
        Self { name: name.into(), tenant, class, max_age: None, max_bytes: None }
    }

    /// The name on the server: `<name>_<tenant>`.
    #[must_use]
    pub fn bucket(&self) -> String {
        bucket_name(&self.name, &self.tenant)
    }

    fn config(&self) -> Result<Config, Failure> {
        check_name(&self.name)?;
        let bucket = self.bucket();
        let max_age = self.max_age.unwrap_or_default();
        let max_bytes = self.max_bytes.map(i64::try_from).transpose();
        let max_bytes =
            max_bytes.map_err(|_| Failure::invalid("max_bytes", "at most 2^63 - 1 is allowed"))?;
        Ok(Config {
            name: format!("OBJ_{bucket}"),
            subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")],
            max_age,
            max_bytes: max_bytes.unwrap_or(-1),
            discard: DiscardPolicy::New,
            duplicate_window: duplicate_window(max_age),
            allow_rollup: true,
            allow_direct: true,
            ..Config::default()
        })
    }
}

/// What is known about an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The name that it was put under.
    pub name: Key,
    /// How large it is, bytes.
    pub size: u64,
    /// How many messages hold it.
    pub chunks: u64,
    /// The SHA-256 of its bytes as `SHA-256=<base64url>`.
    pub digest: String,
}

/// An object bucket of one tenant. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    jetstream: JetStream,
    bucket: String,
    tenant: Tenant,
    stream: String,
}

/// The description of an object with its place in the stream.
struct Described {
    info: object_store::ObjectInfo,
    sequence: u64,
}

impl Objects {
    /// Creates the bucket, or checks that the existing one is configured this way.
    ///
    /// # Errors
    /// `invalid_argument` if the specification is wrong; `conflict` if the bucket exists with
    /// another configuration, with each setting's two values; `unsupported` if the servers do not
    /// offer the class; `unavailable` if JetStream is away.
    pub async fn open(jetstream: &JetStream, spec: ObjectsSpec) -> Result<Self, Failure> {
        let config = spec.config()?;
        let (bucket, stream) = (spec.bucket(), config.name.clone());
        ensure_stream(jetstream, spec.class, config).await?;
        Ok(Self { jetstream: jetstream.clone(), bucket, tenant: spec.tenant, stream })
    }

    /// The name of the bucket on the server.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// A name for an object of this bucket's tenant.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn name(&self, rest: &str) -> Result<Key, Failure> {
        Key::new(&self.tenant, rest)
    }

    /// What is known about an object.
    ///
    /// # Errors
    /// `not_found` if there is none; `unavailable` if the broker is away.
    pub async fn info(&self, name: &Key) -> Result<ObjectInfo, Failure> {
        let described = self.existing(name).await?;
        Ok(describe(name.clone(), &described.info))
    }

    /// Removes an object and its bytes.
    ///
    /// # Errors
    /// `not_found` if there is none; `conflict` if it was replaced meanwhile; `unavailable` if the
    /// broker is away, and then the object may or may not be gone.
    pub async fn delete(&self, name: &Key) -> Result<(), Failure> {
        let Described { info, sequence } = self.existing(name).await?;
        let id = info.nuid.clone();
        let gone = object_store::ObjectInfo { chunks: 0, size: 0, deleted: true, ..info };
        self.write(name, &gone, sequence).await.map_err(|refused| self.failed(name, refused))?;
        self.purge_chunks(&id).await
    }

    /// The objects that there are, in the order of their last change.
    ///
    /// # Errors
    /// `unavailable` if the broker is away.
    pub async fn list(&self) -> Result<Vec<ObjectInfo>, Failure> {
        let described = self.all().await?.into_iter().map(|described| described.info);
        let existing = described.filter(|info| !info.deleted);
        Ok(existing
            .filter_map(|info| Some(describe(Key::parse(&info.name).ok()?, &info)))
            .collect())
    }

    /// The description of an object that is there.
    async fn existing(&self, name: &Key) -> Result<Described, Failure> {
        let described = self.described(name).await?.filter(|described| !described.info.deleted);
        described.ok_or_else(|| {
            let text = format!("there is no object {name} in bucket {}", self.bucket);
            Failure::new(ErrorKind::NotFound, text)
        })
    }

    /// The description of an object, which may say that it was deleted.
    async fn described(&self, name: &Key) -> Result<Option<Described>, Failure> {
        self.check(name)?;
        let last = message::last(&self.jetstream, &self.stream, &self.subject(name)).await?;
        last.map(|last| self.parse(&last.payload, last.sequence)).transpose()
    }

    /// The descriptions of all objects, deleted ones and those of other clients included.
    async fn all(&self) -> Result<Vec<Described>, Failure> {
        let follow = Follow {
            stream: &self.stream,
            filter: format!("$O.{}.M.>", self.bucket),
            from: DeliverPolicy::LastPerSubject,
            batch: BATCH,
            headers_only: false,
        };
        let mut follower = Follower::start(&self.jetstream, follow).await?;
        let mut all = Vec::new();
        let mut pending = follower.pending;
        while pending > 0 {
            let message = follower.next_in_time().await.map_err(|reason| {
                let text = format!("the list of bucket {}: {reason}", self.bucket);
                Failure::unavailable(text, RETRY_AFTER)
            })?;
            pending = message.pending;
            all.push(self.parse(&message.payload, message.sequence)?);
        }
        follower.stop().await;
        Ok(all)
    }

    fn parse(&self, payload: &[u8], sequence: u64) -> Result<Described, Failure> {
        let info = serde_json::from_slice(payload).map_err(|error| {
            let bucket = &self.bucket;
            Failure::internal(format!("a description in bucket {bucket} is damaged: {error}"))
        })?;
        Ok(Described { info, sequence })
    }

    /// Writes a description, if the last one on its subject has that sequence number.
    async fn write(
        &self,
        name: &Key,
        info: &object_store::ObjectInfo,
        expected: u64,
    ) -> Result<u64, Refused> {
        let payload = serde_json::to_vec(info)
            .map_err(|error| Refused::Failure(Failure::internal(error.to_string())))?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_ROLLUP, "sub");
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expected));
        self.jetstream.publish(self.subject(name), headers, payload.into()).await
    }

    async fn purge_chunks(&self, id: &str) -> Result<(), Failure> {
        self.purge(json!({ "filter": self.chunks(id) })).await
    }

    async fn purge(&self, request: serde_json::Value) -> Result<(), Failure> {
        self.jetstream
            .ask::<serde_json::Value>(format!("STREAM.PURGE.{}", self.stream), &request)
            .await
            .map(drop)
            .map_err(|refused| refused.into_failure(&format!("bucket {}", self.bucket)))
    }

    fn subject(&self, name: &Key) -> String {
        format!("$O.{}.M.{}", self.bucket, URL_SAFE.encode(name.as_str()))
    }

    fn chunks(&self, id: &str) -> String {
        format!("$O.{}.C.{id}", self.bucket)
    }

    fn check(&self, name: &Key) -> Result<(), Failure> {
        if name.tenant() == &self.tenant {
            return Ok(());
        }
        let text = format!("object {name} does not belong to bucket {}", self.bucket);
        Err(Failure::invalid("name", text).allow([format!("{}.<rest>", self.tenant)]))
    }

    fn failed(&self, name: &Key, refused: Refused) -> Failure {
        refused.into_failure(&format!("object {name} in bucket {}", self.bucket))
    }
}

fn describe(name: Key, info: &object_store::ObjectInfo) -> ObjectInfo {
    ObjectInfo {
        name,
        size: info.size as u64,
        chunks: info.chunks as u64,
        digest: info.digest.clone().unwrap_or_default(),
    }
}
