//! Bytes inside one process: the twin of those in JetStream.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::digest::Digest;

use super::{Objects, check_get, check_put, check_size, size};
use crate::store::StoreError;

const NAME: &str = "bytes";

/// Bytes inside this process.
#[derive(Default)]
pub struct MemoryObjects {
    kept: Mutex<BTreeMap<Digest, Kept>>,
}

#[derive(Clone)]
struct Kept {
    bytes: Bytes,
    /// Milliseconds of the Unix epoch.
    stored: u64,
}

impl MemoryObjects {
    /// A store with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Digest, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Objects for MemoryObjects {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.kept().contains_key(&digest)) })
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check_put(NAME, digest, &bytes).await?;
            self.kept().insert(digest, Kept { bytes, stored: now() });
            Ok(())
        })
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let Some(kept) = self.kept().get(&digest).cloned() else { return Ok(None) };
            check_size(NAME, digest, size(&kept.bytes), bytes_max)?;
            check_get(NAME, digest, &kept.bytes).await?;
            Ok(Some(kept.bytes))
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<(Digest, u64)>, StoreError>> {
        Box::pin(async move { Ok(self.kept().iter().map(|(digest, kept)| (*digest, kept.stored)).collect()) })
    }

    fn delete(&self, digest: Digest) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.kept().remove(&digest);
            Ok(())
        })
    }
}
