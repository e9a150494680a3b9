//! Bytes inside one process: the twin of those in JetStream.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::digest::Digest;

use super::{Objects, Stored, check_get, check_put, check_size, size};
use crate::store::{Revision, StoreError};

const NAME: &str = "bytes";

/// Bytes inside this process.
#[derive(Default)]
pub struct MemoryObjects {
    kept: Mutex<All>,
}

#[derive(Default)]
struct All {
    pieces: BTreeMap<Digest, Kept>,
    revision: u64,
}

#[derive(Clone)]
struct Kept {
    bytes: Bytes,
    /// Milliseconds of the Unix epoch.
    at: u64,
    revision: Revision,
}

impl MemoryObjects {
    /// A store with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, All> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Objects for MemoryObjects {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.kept().pieces.contains_key(&digest)) })
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check_put(NAME, digest, &bytes).await?;
            let mut kept = self.kept();
            kept.revision += 1;
            let revision = Revision(kept.revision);
            kept.pieces.insert(digest, Kept { bytes, at: now(), revision });
            Ok(())
        })
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let Some(kept) = self.kept().pieces.get(&digest).cloned() else { return Ok(None) };
            check_size(NAME, digest, size(&kept.bytes), bytes_max)?;
            check_get(NAME, digest, &kept.bytes).await?;
            Ok(Some(kept.bytes))
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let stored =
                |(digest, kept): (&Digest, &Kept)| Stored { digest: *digest, at: kept.at, revision: kept.revision };
            Ok(self.kept().pieces.iter().map(stored).collect())
        })
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.kept().pieces.retain(|kept, piece| *kept != digest || piece.revision > last);
            Ok(())
        })
    }
}
