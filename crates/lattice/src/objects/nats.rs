//! Bytes in JetStream: a message for each chunk, and one for the whole, written last.
//!
//! The stream and the two kinds of subject are those of NATS' own object stores, so that the same permissions cover
//! them. Chunks are named by the content that they are of, not by the upload: whoever stores the same bytes writes the
//! same messages, an upload that broke off is completed by the next, and any chunk can be asked for again.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::digest::Digest;
use serde::{Deserialize, Serialize};

use super::{Objects, Stored, check_get, check_put, check_size, damaged, refused, size};
use crate::limits::{CHUNKS_AT_ONCE, KEYS_MAX, OBJECT_CHUNK_BYTES};
use crate::store::nats::{Deliver, Fault, JetStream, Reader, Tries, Wanted};
use crate::store::{Revision, StoreError};

/// Bytes in JetStream.
pub(crate) struct NatsObjects {
    jetstream: JetStream,
    bucket: String,
    stream: String,
}

/// What stands for the whole.
#[derive(Serialize, Deserialize)]
struct Whole {
    format: u32,
    size: u64,
    chunks: usize,
}

const FORMAT: u32 = 1;

impl NatsObjects {
    pub(crate) fn new(jetstream: JetStream, bucket: String, stream: String) -> Self {
        Self { jetstream, bucket, stream }
    }

    fn whole_subject(&self, digest: Digest) -> String {
        format!("$O.{}.M.{}", self.bucket, digest.hex())
    }

    fn chunk_subject(&self, digest: Digest, chunk: usize) -> String {
        format!("$O.{}.C.{}.{chunk}", self.bucket, digest.hex())
    }

    fn error(&self, digest: Option<Digest>, fault: &Fault) -> StoreError {
        let (bucket, reason) = (self.bucket.clone(), fault.text());
        if fault.is_passing() {
            return StoreError::Unavailable { bucket, reason };
        }
        StoreError::Refused { bucket, key: digest.map(|digest| digest.to_string()).unwrap_or_default(), reason }
    }

    /// Writes a message that may be written twice.
    async fn write(&self, digest: Digest, subject: String, payload: Bytes) -> Result<(), StoreError> {
        let (tries, headers) = (Tries::begin(), HeaderMap::new());
        loop {
            let patience = tries.patience().max(Duration::from_millis(1));
            let fault = match self.jetstream.publish_once(&subject, &headers, payload.clone(), patience).await {
                Ok(_) => return Ok(()),
                Err(fault) => fault,
            };
            if !fault.is_passing() || !tries.again().await {
                return Err(self.error(Some(digest), &fault));
            }
        }
    }

    async fn whole(&self, digest: Digest) -> Result<Option<Whole>, StoreError> {
        let last = self.jetstream.last(&self.stream, &self.whole_subject(digest)).await;
        let Some(kept) = last.map_err(|fault| self.error(Some(digest), &fault))? else { return Ok(None) };
        let whole: Whole = serde_json::from_slice(&kept.payload).map_err(|_| damaged(&self.bucket, digest))?;
        if whole.format > FORMAT {
            let reason = "it was stored by a newer lath; update this one".to_owned();
            return Err(refused(&self.bucket, digest, reason));
        }
        Ok(Some(whole))
    }

    async fn upload(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError> {
        check_put(&self.bucket, digest, &bytes).await?;
        let chunks: Vec<Bytes> = (0..bytes.len())
            .step_by(OBJECT_CHUNK_BYTES)
            .map(|from| bytes.slice(from..bytes.len().min(from + OBJECT_CHUNK_BYTES)))
            .collect();
        let whole = Whole { format: FORMAT, size: size(&bytes), chunks: chunks.len() };
        // Whatever stands there: its chunks may be missing, or about to be removed.
        let writes = chunks.into_iter().enumerate();
        let writes = writes.map(|(n, chunk)| self.write(digest, self.chunk_subject(digest, n), chunk));
        stream::iter(writes).buffer_unordered(CHUNKS_AT_ONCE).try_for_each(|()| async { Ok(()) }).await?;
        // Numbers only, which cannot fail.
        let payload = serde_json::to_vec(&whole).unwrap_or_default();
        self.write(digest, self.whole_subject(digest), payload.into()).await
    }

    async fn chunk(&self, digest: Digest, chunk: usize) -> Result<Bytes, StoreError> {
        let last = self.jetstream.last(&self.stream, &self.chunk_subject(digest, chunk)).await;
        let kept = last.map_err(|fault| self.error(Some(digest), &fault))?;
        kept.map(|kept| kept.payload).ok_or_else(|| damaged(&self.bucket, digest))
    }

    async fn download(&self, digest: Digest, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        let Some(whole) = self.whole(digest).await? else { return Ok(None) };
        check_size(&self.bucket, digest, whole.size, bytes_max)?;
        let length = usize::try_from(whole.size).map_err(|_| damaged(&self.bucket, digest))?;
        // Another version may have cut it otherwise; but no chunk is empty.
        if whole.chunks > length {
            return Err(damaged(&self.bucket, digest));
        }
        let chunks = (0..whole.chunks).map(|chunk| self.chunk(digest, chunk));
        let mut chunks = stream::iter(chunks).buffered(CHUNKS_AT_ONCE);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = chunks.try_next().await? {
            if bytes.len() + chunk.len() > length {
                return Err(damaged(&self.bucket, digest));
            }
            bytes.extend_from_slice(&chunk);
        }
        let bytes = bytes.freeze();
        check_get(&self.bucket, digest, &bytes).await?;
        Ok(Some(bytes))
    }

    /// What the messages of one kind are of, each with its last message.
    async fn digests(&self, kind: &str) -> Result<BTreeMap<Digest, Stored>, StoreError> {
        let prefix = format!("$O.{}.{kind}.", self.bucket);
        let filter = format!("{prefix}>");
        let wanted = Wanted { stream: &self.stream, filter: &filter, deliver: Deliver::Last, headers_only: true };
        let reader = Reader::open(&self.jetstream, wanted).await;
        let reader = reader.map_err(|fault| self.error(None, &fault))?;
        let all = reader.rest(KEYS_MAX).await.map_err(|fault| self.error(None, &fault))?;
        let digest = |subject: &str| {
            let hex = subject.strip_prefix(&prefix)?.split('.').next()?;
            format!("sha256:{hex}").parse().ok()
        };
        let mut found = BTreeMap::new();
        for read in all {
            let Some(digest) = digest(&read.subject) else { continue };
            let (at, revision) = (read.position.at, Revision(read.position.sequence));
            let stored = found.entry(digest).or_insert(Stored { digest, at, revision });
            if stored.revision < revision {
                *stored = Stored { digest, at, revision };
            }
        }
        Ok(found)
    }

    async fn purge(&self, digest: Digest, filter: &str, last: Revision) -> Result<(), StoreError> {
        let purged = self.jetstream.purge(&self.stream, filter, last.0).await;
        purged.map_err(|fault| self.error(Some(digest), &fault))
    }
}

impl Objects for NatsObjects {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.whole(digest).await?.is_some()) })
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.upload(digest, bytes).await })
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { self.download(digest, bytes_max).await })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move { Ok(self.digests("M").await?.into_values().collect()) })
    }

    fn partial(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let mut begun = self.digests("C").await?;
            // Read second: what is finished meanwhile is not taken for unfinished.
            let whole = self.digests("M").await?;
            begun.retain(|digest, _| !whole.contains_key(digest));
            Ok(begun.into_values().collect())
        })
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // First what makes it visible, so that nobody finds a part of it.
            self.purge(digest, &self.whole_subject(digest), last).await?;
            self.purge(digest, &format!("$O.{}.C.{}.>", self.bucket, digest.hex()), last).await
        })
    }
}
