//! Bytes by their content: components and documents of intent.

mod bounded;
mod memory;
pub(crate) mod nats;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::digest::Digest;

use crate::limits::OBJECT_BYTES_MAX;
use crate::store::{Revision, StoreError};

pub use bounded::Bounded;
pub use memory::MemoryObjects;

/// Bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// Their digest.
    pub digest: Digest,
    /// When they were stored last, in milliseconds of the Unix epoch.
    pub at: u64,
    /// The change that stored them last.
    pub revision: Revision,
}

/// The lattice's store of bytes, addressed by content.
///
/// What is begun and not finished is not there: no operation but [`Self::partial`] shows it. Several may store the same
/// bytes at once.
pub trait Objects: Send + Sync {
    /// True where the bytes are there.
    fn has(&self, digest: Digest) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Stores `bytes` under `digest`, which is theirs; [`OBJECT_BYTES_MAX`] at most. Storing what is there already
    /// changes nothing but when it was stored.
    fn put(&self, digest: Digest, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The bytes, `bytes_max` at most, verified: what has another digest is refused as damaged. None where they are not
    /// there.
    fn get(&self, digest: Digest, bytes_max: u64) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;

    /// Everything that is there.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>>;

    /// What was begun and not finished, or is being stored; with the last change of each.
    fn partial(&self) -> BoxFuture<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Removes bytes, finished or not, as they were stored up to the change `last`, such as [`Stored::revision`]. What was
    /// stored again since, or is being stored, stays.
    fn delete(&self, digest: Digest, last: Revision) -> BoxFuture<'_, Result<(), StoreError>>;
}

fn refused(bucket: &str, digest: Digest, reason: String) -> StoreError {
    StoreError::Refused { bucket: bucket.to_owned(), key: digest.to_string(), reason }
}

/// Refuses bytes that are too many.
fn check_size(bucket: &str, digest: Digest, bytes: u64, most: u64) -> Result<(), StoreError> {
    if bytes > most {
        return Err(refused(bucket, digest, format!("it has {bytes} bytes, {most} are the most; make it smaller")));
    }
    Ok(())
}

/// Refuses to store bytes under a digest that is not theirs, and too many.
async fn check_put(bucket: &str, digest: Digest, bytes: &Bytes) -> Result<(), StoreError> {
    check_size(bucket, digest, size(bytes), OBJECT_BYTES_MAX)?;
    if digest_of(bytes.clone()).await == Some(digest) {
        return Ok(());
    }
    Err(refused(bucket, digest, "these are not the bytes of that digest; take the digest of what is stored".to_owned()))
}

/// Refuses bytes that were read and are not what was stored.
async fn check_get(bucket: &str, digest: Digest, bytes: &Bytes) -> Result<(), StoreError> {
    if digest_of(bytes.clone()).await == Some(digest) { Ok(()) } else { Err(damaged(bucket, digest)) }
}

fn damaged(bucket: &str, digest: Digest) -> StoreError {
    refused(bucket, digest, "what is stored is damaged; delete it and store it again".to_owned())
}

fn size(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The digest of `bytes`, taken where it holds up nothing else; none where the runtime is shutting down.
async fn digest_of(bytes: Bytes) -> Option<Digest> {
    tokio::task::spawn_blocking(move || Digest::of(&bytes)).await.ok()
}
