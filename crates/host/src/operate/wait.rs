//! Waiting until a version serves.

use std::time::Instant;

use lattice::store::StoreError;
use model::ids::AppName;
use tokio::time::sleep;

use super::status::{AppStatus, Phase, Status};
use super::unreadable::{Unreadable, What};
use super::view::Cache;
use super::{OperateError, Operator};
use crate::limits::{OPERATE_POLL, OPERATE_SETTLE};

/// What waiting for a version has come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited {
    /// It is everywhere as it is asked for, and trusted; of one that takes its application down: nothing runs any more.
    Done(AppStatus),
    /// It was not so when the time was over.
    Overdue(AppStatus),
    /// It was worse than the version before it, which runs again.
    RolledBack(AppStatus),
    /// A later version has taken its place.
    Superseded(AppStatus),
}

impl Operator {
    /// Waits until `version` of an application serves wherever it is asked for, every host has heard of that
    /// ([`OPERATE_SETTLE`]) and none would still go back from it, or until `deadline`. Each change of what can be told of it
    /// is told.
    ///
    /// # Errors
    ///
    /// There is no such application; the store, where it never answered.
    pub async fn wait(
        &self,
        application: &AppName,
        version: u64,
        deadline: Instant,
        progress: &mut (dyn FnMut(&AppStatus) + Send),
    ) -> Result<Waited, OperateError> {
        let mut cache = Cache::new();
        let mut wait = Wait { version, last: None, ready_since: None };
        loop {
            match self.status_with(Some(application), &mut cache).await {
                Ok(status) => {
                    let Some(found) = status.applications.into_iter().next() else {
                        return Err(self.not_found(application, status.unreadable).await?);
                    };
                    if let Some(waited) = wait.look(found, progress) {
                        return Ok(waited);
                    }
                }
                // The servers may be choosing a leader.
                Err(OperateError::Store(error)) if !is_over(deadline) => {
                    tracing::debug!(%error, "the lattice was not read");
                }
                Err(error) => return wait.at_the_end().ok_or(error),
            }
            if is_over(deadline) {
                return wait.at_the_end().ok_or_else(unread);
            }
            sleep(OPERATE_POLL).await;
        }
    }

    /// What can be told of the lattice; with `only`, of no other application.
    ///
    /// # Errors
    ///
    /// There is no such application; the store, or something in it that cannot be understood.
    pub async fn status(&self, only: Option<&AppName>) -> Result<Status, OperateError> {
        let status = self.status_with(only, &mut Cache::new()).await?;
        match only {
            Some(name) if status.applications.is_empty() => Err(self.not_found(name, status.unreadable).await?),
            _ => Ok(status),
        }
    }

    /// The error of an application that there is not, or that cannot be read.
    async fn not_found(
        &self,
        application: &AppName,
        unreadable: Vec<Unreadable>,
    ) -> Result<OperateError, OperateError> {
        let what = What::Application(application.clone());
        match unreadable.into_iter().find(|unreadable| unreadable.what == what) {
            Some(unreadable) => Ok(unreadable.into()),
            None => self.no_application(application).await,
        }
    }

    async fn status_with(&self, only: Option<&AppName>, cache: &mut Cache) -> Result<Status, OperateError> {
        Ok(Status::of(&self.view_with(only, cache).await?))
    }
}

/// A wait under way.
struct Wait {
    version: u64,
    last: Option<AppStatus>,
    ready_since: Option<tokio::time::Instant>,
}

impl Wait {
    /// What was found ends the wait, or not yet.
    fn look(&mut self, found: AppStatus, progress: &mut (dyn FnMut(&AppStatus) + Send)) -> Option<Waited> {
        if self.last.as_ref() != Some(&found) {
            progress(&found);
        }
        if found.version > self.version {
            return Some(Waited::Superseded(found));
        }
        if found.version == self.version && found.phase == Phase::RolledBack {
            return Some(Waited::RolledBack(found));
        }
        // The version before, as one shows it who has not heard of this one yet, says nothing about this one.
        let is_it = found.version == self.version;
        if !is_it || found.phase != Phase::Ready {
            self.ready_since = None;
        }
        let is_done = match found.phase {
            Phase::Down => is_it,
            Phase::Ready if is_it => {
                let since = self.ready_since.get_or_insert_with(tokio::time::Instant::now);
                since.elapsed() >= OPERATE_SETTLE && found.watched.is_empty()
            }
            _ => false,
        };
        if is_done {
            return Some(Waited::Done(found));
        }
        self.last = Some(found);
        None
    }

    /// What it has come to when the time is over; none where nothing was ever found.
    fn at_the_end(self) -> Option<Waited> {
        let serves =
            |last: &AppStatus| last.version == self.version && last.phase == Phase::Ready && last.watched.is_empty();
        self.last.map(|last| if serves(&last) { Waited::Done(last) } else { Waited::Overdue(last) })
    }
}

fn unread() -> OperateError {
    let reason = "it was not read in time".to_owned();
    OperateError::Store(StoreError::Unavailable { bucket: "intent".to_owned(), reason })
}

/// By the clock of tokio, which tests may turn.
pub(super) fn is_over(deadline: Instant) -> bool {
    tokio::time::Instant::now() >= deadline.into()
}
