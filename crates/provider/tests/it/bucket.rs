//! A bucket that does as it is told: it fails at a certain write, or holds all of them up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use lattice::store::{Bucket, Entry, KeyPage, MemoryBucket, MemoryOptions, Revision, StoreError, Watch};
use tokio::sync::Semaphore;

pub(crate) struct Obedient {
    pub(crate) inner: MemoryBucket,
    /// The write that fails, counted from 0, and how.
    pub(crate) fails: Option<(usize, StoreError)>,
    /// Writes that may pass.
    pub(crate) passes: Semaphore,
    /// True while nothing is read.
    pub(crate) is_silent: AtomicBool,
    /// Reads that were asked for.
    pub(crate) reads: AtomicUsize,
    /// Writes that were asked for.
    pub(crate) writes: AtomicUsize,
}

impl Obedient {
    pub(crate) fn new() -> Self {
        let inner = MemoryBucket::new("state", MemoryOptions::default());
        let passes = Semaphore::new(Semaphore::MAX_PERMITS);
        let (is_silent, reads, writes) = Default::default();
        Self { inner, fails: None, passes, is_silent, reads, writes }
    }

    async fn admit(&self) -> Result<(), StoreError> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        self.passes.acquire().await.unwrap().forget();
        match &self.fails {
            Some((at, error)) if *at == number => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

impl Bucket for Obedient {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.is_silent.load(Ordering::SeqCst) {
            let (bucket, reason) = ("state".to_owned(), "for a reason".to_owned());
            return Box::pin(std::future::ready(Err(StoreError::Unavailable { bucket, reason })));
        }
        self.inner.get(key)
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.inner.history(key)
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(async move {
            self.admit().await?;
            self.inner.put(key, value).await
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(async move {
            self.admit().await?;
            self.inner.replace(key, value, expected).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.admit().await?;
            self.inner.delete(key).await
        })
    }

    fn keys<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.inner.keys(pattern)
    }

    fn page<'a>(
        &'a self,
        pattern: &'a str,
        after: Revision,
        most: usize,
    ) -> BoxFuture<'a, Result<KeyPage, StoreError>> {
        self.inner.page(pattern, after, most)
    }

    fn watch<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.inner.watch(pattern)
    }
}
