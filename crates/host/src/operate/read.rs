//! Reading whole buckets.

use std::collections::BTreeMap;
use std::time::Duration;

use lattice::store::{Bucket, Change, Entry, StoreError};
use tokio::time::timeout;

use crate::limits::OPERATE_READ_TIME_MAX;

/// Every value under `pattern`, by key.
pub(super) async fn all(bucket: &dyn Bucket, name: &str, pattern: &str) -> Result<BTreeMap<String, Entry>, StoreError> {
    let reading = async {
        let mut watch = bucket.watch(pattern).await?;
        let mut entries = BTreeMap::new();
        while let Some(change) = watch.next().await {
            match change {
                Change::Entry(entry) if entry.value.is_some() => {
                    entries.insert(entry.key.clone(), entry);
                }
                Change::Entry(entry) => {
                    entries.remove(&entry.key);
                }
                Change::Current => return Ok(entries),
            }
        }
        Err(unavailable(name, "the connection broke while it was read"))
    };
    within(name, OPERATE_READ_TIME_MAX, reading).await
}

async fn within<T>(
    name: &str,
    patience: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(patience, work).await.unwrap_or_else(|_| Err(unavailable(name, "it was not read in time")))
}

fn unavailable(bucket: &str, reason: &str) -> StoreError {
    StoreError::Unavailable { bucket: bucket.to_owned(), reason: reason.to_owned() }
}
