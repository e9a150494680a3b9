//! Objects whose operations end.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::digest::Digest;
use tokio::time::timeout;

use super::{Objects, Stored};
use crate::limits::OBJECT_DEADLINE;
use crate::store::{Revision, StoreError};

/// Ends each operation of a store of bytes that takes longer than [`OBJECT_DEADLINE`] as a whole, however often a part of
/// it has moved on.
pub struct Bounded {
    bucket: String,
    objects: Arc<dyn Objects>,
}

impl Bounded {
    /// `bucket` is what errors call the store.
    pub fn new(bucket: String, objects: Arc<dyn Objects>) -> Self {
        Self { bucket, objects }
    }

    fn within<'a, T: Send + 'a>(
        &'a self,
        operation: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            timeout(OBJECT_DEADLINE, operation).await.unwrap_or_else(|_| {
                let reason = format!("not done within {} s", OBJECT_DEADLINE.as_secs());
                Err(StoreError::Unavailable { bucket: self.bucket.clone(), reason })
            })
        })
    }
}

impl Objects for Bounded {
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.within(self.objects.has(digest))
    }

    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        self.within(self.objects.put(digest, bytes))
    }

    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        self.within(self.objects.get(digest, bytes_max))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        self.within(self.objects.list())
    }

    fn partial(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        self.within(self.objects.partial())
    }

    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>> {
        self.within(self.objects.delete(digest, last))
    }
}
