//! Asking a host to drain.

use std::time::Instant;

use lattice::document::{Document as _, DocumentError, Drain, HostRecord, drain_key};
use model::ids::HostName;
use tokio::time::sleep;

use super::status::{HostStatus, Status};
use super::view::Cache;
use super::wait::is_over;
use super::{OperateError, Operator, deploy};
use crate::limits::OPERATE_POLL;

/// What waiting for a host to drain has come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Drained {
    /// It has ended.
    Done,
    /// It had not when the time was over.
    Overdue(HostStatus),
}

impl Operator {
    /// Asks the life of a host that is up now to give away what it has and to end; with `force` even though something
    /// cannot be moved away, such as state of its own. The wish is kept in the bucket `intent`, which operators alone
    /// write, under [`drain_key`]: the host watches that key, and draws [`crate::control::Event::DrainAsked`] from it
    /// where the wish is for its own incarnation.
    ///
    /// # Errors
    ///
    /// There is no such host; the store.
    pub async fn drain(&self, host: &HostName, force: bool) -> Result<(), OperateError> {
        let entry = self.buckets.hosts.get(host.as_str()).await?;
        let Some(record) = entry.and_then(|entry| entry.value).map(|value| HostRecord::decode(&value)) else {
            let keys = self.buckets.hosts.keys("*").await?;
            let hosts = keys.iter().filter_map(|key| key.parse().ok()).collect();
            return Err(OperateError::NoHost { host: host.clone(), hosts });
        };
        let damaged = |error: DocumentError| OperateError::Damaged {
            what: format!("the record of host {host}"),
            reason: error.to_string(),
        };
        let incarnation = record.map_err(damaged)?.incarnation;
        let drain = Drain { incarnation, force, by: self.by.clone(), at: deploy::now() };
        self.buckets.intent.put(&drain_key(host), drain.encode()).await?;
        Ok(())
    }

    /// Waits until a host that was asked to drain has ended, or until `deadline`. Each change of what can be told of it is
    /// told.
    ///
    /// # Errors
    ///
    /// The store, where it never answered.
    pub async fn wait_drained(
        &self,
        host: &HostName,
        deadline: Instant,
        progress: &mut (dyn FnMut(&HostStatus) + Send),
    ) -> Result<Drained, OperateError> {
        let mut cache = Cache::new();
        let mut last: Option<HostStatus> = None;
        loop {
            match self.view_with(None, &mut cache).await.map(|view| Status::of(&view)) {
                Ok(status) => {
                    let found = status.hosts.into_iter().find(|known| known.name == *host);
                    // A later life of the host was not asked.
                    let Some(found) = found.filter(|found| found.alive && found.drain_asked) else {
                        return Ok(Drained::Done);
                    };
                    if last.as_ref() != Some(&found) {
                        progress(&found);
                    }
                    if is_over(deadline) {
                        return Ok(Drained::Overdue(found));
                    }
                    last = Some(found);
                }
                Err(OperateError::Store(error)) if !is_over(deadline) => {
                    tracing::debug!(%error, "the lattice was not read");
                }
                Err(error) => return last.map(Drained::Overdue).ok_or(error),
            }
            sleep(OPERATE_POLL).await;
        }
    }
}
