//! Bytes that no kept version needs, and none that runs.

use std::collections::BTreeSet;

use lattice::objects::Stored;
use model::digest::Digest;
use tokio::time::timeout;

use super::{OperateError, Operator, bytes, deploy};
use crate::limits::{COLLECT_AGE_MIN, COLLECT_DOCUMENTS_MAX, COLLECT_PIECES_MAX, COLLECT_TIME_MAX};

impl Operator {
    /// Removes bytes that no kept version of any application refers to and none that runs, and what uploads that broke off have
    /// left, [`COLLECT_PIECES_MAX`] at most; gives how many pieces that were. Nothing is removed unless every kept version and
    /// every place could be read.
    ///
    /// # Errors
    ///
    /// The store; a version that cannot be understood.
    pub async fn collect(&self) -> Result<usize, OperateError> {
        let mut stored = self.objects.partial().await?;
        stored.extend(self.objects.list().await?);
        let old = old(&stored);
        if old.is_empty() {
            return Ok(0);
        }
        // Read after the list: what a version written meanwhile refers to is young, or is known here.
        let Some(referred) = self.referred().await? else { return Ok(0) };
        let mut removed = 0;
        for Stored { digest, revision, .. } in
            old.into_iter().filter(|stored| !referred.contains(&stored.digest)).take(COLLECT_PIECES_MAX)
        {
            // As it was listed: whoever deploys it meanwhile has stored it again.
            self.objects.delete(digest, revision).await?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The same beside something else: it takes no longer than [`COLLECT_TIME_MAX`], and what goes wrong with it is left
    /// for the next time.
    pub(super) async fn collect_some(&self) -> usize {
        if !self.collects {
            return 0;
        }
        match timeout(COLLECT_TIME_MAX, self.collect()).await {
            Ok(Ok(removed)) => removed,
            Ok(Err(error)) => {
                tracing::debug!(%error, "unused bytes were not removed");
                0
            }
            Err(_) => 0,
        }
    }

    /// Everything that kept versions refer to, and those that run or are gone back to: where many in a row were refused they are
    /// kept no more. None where that cannot be told: a document is not there, or there are more than are read.
    pub(super) async fn referred(&self) -> Result<Option<BTreeSet<Digest>>, OperateError> {
        let mut documents = BTreeSet::new();
        for key in self.buckets.intent.keys("*").await? {
            for entry in self.buckets.intent.history(&key).await? {
                documents.extend(deploy::head(&entry)?.and_then(|head| head.document));
            }
        }
        let mut unreadable = Vec::new();
        for placed in self.placement(None, &mut unreadable).await?.applications.into_values() {
            documents.insert(placed.intent);
            documents.extend(placed.before.map(|before| before.intent));
        }
        if !unreadable.is_empty() || documents.len() > COLLECT_DOCUMENTS_MAX {
            return Ok(None);
        }
        let mut referred = documents.clone();
        for digest in documents {
            let Some(document) = self.document(digest).await? else {
                tracing::warn!(%digest, "a kept version's document is not there: no bytes are removed while it is kept");
                return Ok(None);
            };
            referred.extend(bytes::components(&document).into_keys());
        }
        Ok(Some(referred))
    }
}

/// Bytes that were stored longer than [`COLLECT_AGE_MIN`] before the newest: younger ones may be of a version that is
/// being written. Ages are by the clock that stamped them alone, for that of the one who asks may be wrong.
fn old(stored: &[Stored]) -> Vec<Stored> {
    let newest = stored.iter().map(|stored| stored.at).max().unwrap_or_default();
    let age_min = u64::try_from(COLLECT_AGE_MIN.as_millis()).unwrap_or(u64::MAX);
    stored.iter().filter(|stored| newest.saturating_sub(stored.at) > age_min).copied().collect()
}
