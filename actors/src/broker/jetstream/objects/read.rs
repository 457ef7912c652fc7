//! Reading an object.

use std::time::Duration;

use async_nats::jetstream::{consumer::DeliverPolicy, object_store};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::{Bytes, BytesMut};
use ocelli_messages::{ErrorKind, Failure};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::{Follow, Follower, Key, ObjectInfo, Objects, RETRY_AFTER, SHA_256, describe};

/// How many chunks may be on their way from the broker.
const CHUNKS: usize = 8;
/// How long a reader waits for the next chunk while a broker restarts or a cluster elects a leader.
const NEXT_WITHIN: Duration = Duration::from_secs(30);
/// How long it waits before it asks again.
const PAUSE: Duration = Duration::from_millis(200);
/// How often it asks for chunks that the broker says are not there: a server of a cluster may
/// know less than the leader for a moment.
const MISSING: u32 = 5;

/// The bytes of an object, in order. They are whole and undamaged only when
/// [`ObjectReader::next`] has returned `None`.
pub struct ObjectReader {
    objects: Objects,
    name: Key,
    info: object_store::ObjectInfo,
    follower: Option<Follower>,
    digest: Sha256,
    size: usize,
    chunks: usize,
    /// The place in the stream of the last chunk.
    last: u64,
}

impl std::fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectReader")
            .field("name", &self.name)
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}

impl Objects {
    /// Begins to read an object.
    ///
    /// # Errors
    /// `not_found` if there is none; `unsupported` if it is a link or has a digest of another
    /// kind; `unavailable` if the broker is away.
    pub async fn get(&self, name: &Key) -> Result<ObjectReader, Failure> {
        let info = self.existing(name).await?.info;
        let unsupported =
            |what: &str| Failure::new(ErrorKind::Unsupported, format!("object {name} {what}"));
        if info.options.as_ref().is_some_and(|options| options.link.is_some()) {
            return Err(unsupported("is a link, which is not followed"));
        }
        if !info.digest.as_ref().is_some_and(|digest| digest.starts_with(SHA_256)) {
            return Err(unsupported("has no SHA-256 digest"));
        }
        Ok(ObjectReader {
            objects: self.clone(),
            name: name.clone(),
            info,
            follower: None,
            digest: Sha256::new(),
            size: 0,
            chunks: 0,
            last: 0,
        })
    }
}

impl ObjectReader {
    /// What is known about the object.
    #[must_use]
    pub fn info(&self) -> ObjectInfo {
        describe(self.name.clone(), &self.info)
    }

    /// The next bytes, or `None` after the last ones, when the size and the digest are right.
    ///
    /// # Errors
    /// `internal` if the object is damaged or incomplete, or was replaced while it was read: what
    /// was read before must not be used. `unavailable` if no broker gives the next bytes for 30 s.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.chunks == self.info.chunks {
            if let Some(follower) = self.follower.take() {
                follower.stop().await;
            }
            return self.verify().map(|()| None);
        }
        let until = Instant::now() + NEXT_WITHIN;
        let mut missing = 0;
        loop {
            match Box::pin(self.chunk()).await {
                Ok(Some(chunk)) => {
                    self.size += chunk.len();
                    self.chunks += 1;
                    self.digest.update(&chunk);
                    if self.size > self.info.size {
                        return Err(self.damaged("it is longer than its description says"));
                    }
                    return Ok(Some(chunk));
                }
                Ok(None) if missing >= MISSING => {
                    let (chunks, all) = (self.chunks, self.info.chunks);
                    return Err(self.damaged(&format!("only {chunks} of {all} chunks are there")));
                }
                Ok(None) => missing += 1,
                Err(failure) if failure.kind != ErrorKind::Unavailable => return Err(failure),
                Err(failure) if Instant::now() >= until => return Err(failure),
                Err(failure) => debug!(%failure, "reading an object was interrupted"),
            }
            sleep(PAUSE).await;
        }
    }

    /// The whole object.
    ///
    /// # Errors
    /// As [`ObjectReader::next`], and `too_large` if it has more than `limit` bytes.
    pub async fn read_all(mut self, limit: usize) -> Result<Bytes, Failure> {
        if self.info.size > limit {
            let text = format!(
                "object {} has {} bytes, at most {limit} are allowed",
                self.name, self.info.size
            );
            return Err(Failure::new(ErrorKind::TooLarge, text));
        }
        let mut all = BytesMut::with_capacity(self.info.size);
        while let Some(chunk) = self.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The next chunk; `None` if the broker knows no further one.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => self.follow().await?,
        };
        if follower.pending == 0 {
            follower.stop().await;
            return Ok(None);
        }
        match follower.next_in_time().await {
            Ok(message) => {
                self.last = message.sequence;
                follower.pending = message.pending;
                self.follower = Some(follower);
                Ok(Some(message.payload))
            }
            Err(reason) => {
                follower.stop().await;
                let text = format!("object {}: {reason}", self.name);
                Err(Failure::unavailable(text, RETRY_AFTER))
            }
        }
    }

    async fn follow(&self) -> Result<Follower, Failure> {
        let from = if self.last == 0 {
            DeliverPolicy::All
        } else {
            DeliverPolicy::ByStartSequence { start_sequence: self.last + 1 }
        };
        let follow = Follow {
            stream: &self.objects.stream,
            filter: self.objects.chunks(&self.info.nuid),
            from,
            batch: CHUNKS,
            headers_only: false,
        };
        Follower::start(&self.objects.jetstream, follow).await
    }

    fn verify(&self) -> Result<(), Failure> {
        if self.size != self.info.size {
            let (size, all) = (self.size, self.info.size);
            return Err(self.damaged(&format!("it has {size} bytes instead of {all}")));
        }
        let digest = URL_SAFE.encode(self.digest.clone().finalize());
        let stated = self.info.digest.as_deref().unwrap_or_default();
        if stated.strip_prefix(SHA_256) != Some(digest.as_str()) {
            return Err(self.damaged("its bytes do not have the digest of its description"));
        }
        Ok(())
    }

    fn damaged(&self, how: &str) -> Failure {
        let bucket = &self.objects.bucket;
        Failure::internal(format!(
            "object {} in bucket {bucket} is damaged or was replaced while it was read: {how}",
            self.name
        ))
    }
}
