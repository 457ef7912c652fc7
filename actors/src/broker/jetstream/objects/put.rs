//! Writing an object.
//!
//! The client library sends a chunk for every `read`, however short, and waits for each one. Here
//! chunks are full, and several are on their way at the same time, bounded in bytes.

use std::collections::VecDeque;

use async_nats::{
    HeaderMap,
    jetstream::{
        context::PublishAckFuture,
        object_store::{self, ObjectOptions},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::{Bytes, BytesMut};
use ocelli_messages::{ErrorKind, Failure};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tracing::warn;

use super::{Key, ObjectInfo, Objects, SHA_256, describe};
use crate::broker::jetstream::api::{CALL_WITHIN, Refused, unique};

/// The size of a chunk, bytes, where the broker takes messages that large.
const CHUNK: usize = 512 * 1024;
/// How many bytes may be on their way to the broker.
const IN_FLIGHT: usize = 4 * 1024 * 1024;
/// What the broker's limit on messages leaves for headers.
const HEADER_ROOM: usize = 1024;

/// What has been written of an object.
struct Written {
    size: usize,
    chunks: usize,
    digest: String,
}

impl Objects {
    /// Stores what `data` gives until its end under a name, and replaces what is there.
    ///
    /// The object is visible when this has succeeded, and not before. Do not replace an object that
    /// may be read at the same time: its bytes go away under the reader. Results are better put
    /// under names of their own.
    ///
    /// # Errors
    /// `conflict` if the object was written by somebody else meanwhile; `overloaded` if the bucket
    /// is full; `invalid_argument` if `data` cannot be read; `unavailable` if the broker is away.
    /// After an error the object is as it was before, except that after `unavailable` it may be
    /// the new one. Chunks of a failed put are removed now or by [`Objects::sweep`].
    pub async fn put(
        &self,
        name: &Key,
        data: &mut (impl AsyncRead + Unpin + Send),
    ) -> Result<ObjectInfo, Failure> {
        let before = self.described(name).await?;
        let id = unique(self.jetstream.connection());
        let mut waiting = VecDeque::new();
        let written = match self.write_chunks(name, &id, data, &mut waiting).await {
            Ok(written) => written,
            Err(failure) => {
                // A chunk that arrives after the purge would stay.
                let arrived = async {
                    for (ack, _) in waiting {
                        let _refused = self.jetstream.acknowledged(ack).await;
                    }
                };
                let _late = tokio::time::timeout(CALL_WITHIN, arrived).await;
                self.discard(&id).await;
                return Err(failure);
            }
        };
        let info = object_store::ObjectInfo {
            name: name.to_string(),
            description: None,
            metadata: std::collections::HashMap::default(),
            headers: None,
            options: Some(ObjectOptions { link: None, max_chunk_size: Some(self.chunk_size()) }),
            bucket: self.bucket.clone(),
            nuid: id.clone(),
            size: written.size,
            chunks: written.chunks,
            modified: Some(async_nats::datetime::now()),
            digest: Some(written.digest),
            deleted: false,
        };
        let expected = before.as_ref().map_or(0, |before| before.sequence);
        match self.write(name, &info, expected).await {
            Ok(_) => {}
            Err(refused) if refused.is_wrong_revision() => {
                self.discard(&id).await;
                let text = format!("object {name} was written by somebody else meanwhile");
                return Err(Failure::new(ErrorKind::Conflict, text));
            }
            Err(refused) => {
                // Without an answer the description may have been written, now or later: the
                // chunks must stay. If it was not, the janitor finds them.
                if matches!(refused, Refused::Answer(_)) {
                    self.discard(&id).await;
                }
                return Err(self.failed(name, refused));
            }
        }
        if let Some(before) = before {
            self.discard(&before.info.nuid).await;
        }
        Ok(describe(name.clone(), &info))
    }

    async fn write_chunks(
        &self,
        name: &Key,
        id: &str,
        data: &mut (impl AsyncRead + Unpin + Send),
        waiting: &mut VecDeque<(PublishAckFuture, usize)>,
    ) -> Result<Written, Failure> {
        let subject = self.chunks(id);
        let mut in_flight = 0;
        let mut digest = Sha256::new();
        let (mut size, mut chunks) = (0, 0);
        loop {
            let chunk = self.next_chunk(data).await.map_err(|error| {
                Failure::invalid("data", format!("object {name} could not be read: {error}"))
            })?;
            let ended = chunk.is_empty();
            let length = chunk.len();
            while let Some((ack, length)) =
                waiting.pop_front_if(|_| ended || in_flight + length > IN_FLIGHT)
            {
                self.jetstream.acknowledged(ack).await.map_err(|r| self.failed(name, r))?;
                in_flight -= length;
            }
            if ended {
                break;
            }
            digest.update(&chunk);
            size += length;
            chunks += 1;
            in_flight += length;
            let sent = self.jetstream.send(subject.clone(), HeaderMap::new(), chunk).await;
            waiting.push_back((sent.map_err(|refused| self.failed(name, refused))?, length));
        }
        let digest = format!("{SHA_256}{}", URL_SAFE.encode(digest.finalize()));
        Ok(Written { size, chunks, digest })
    }

    /// The next full chunk; a shorter one at the end, and an empty one after it.
    async fn next_chunk(
        &self,
        data: &mut (impl AsyncRead + Unpin + Send),
    ) -> std::io::Result<Bytes> {
        let mut chunk = BytesMut::with_capacity(self.chunk_size());
        while chunk.len() < self.chunk_size() {
            let left = self.chunk_size() - chunk.len();
            if (&mut *data).take(left as u64).read_buf(&mut chunk).await? == 0 {
                break;
            }
        }
        Ok(chunk.freeze())
    }

    fn chunk_size(&self) -> usize {
        CHUNK.min(self.jetstream.connection().max_payload().saturating_sub(HEADER_ROOM)).max(1)
    }

    /// Removes chunks that no object needs, if the broker can be reached; else the janitor does.
    async fn discard(&self, id: &str) {
        if let Err(failure) = self.purge_chunks(id).await {
            warn!(bucket = self.bucket, %failure, "chunks of an object are left to the janitor");
        }
    }
}
