//! Asking a host to drain, and forgetting one that is dead.

use std::time::Instant;

use lattice::document::{Document as _, DocumentError, Drain, HostRecord, drain_key};
use lattice::store::Entry;
use model::ids::HostName;
use tokio::time::sleep;

use super::status::{HostStatus, Status};
use super::unreadable::{Unreadable, What};
use super::view::{Cache, View};
use super::wait::is_over;
use super::{OperateError, Operator, deploy};
use crate::limits::{FORGET_WAIT_MAX, LEASE_LAPSE, OPERATE_POLL};

/// What waiting for a host to drain has come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Drained {
    /// It has ended.
    Done,
    /// It had not when the time was over.
    Overdue(HostStatus),
}

/// A host that was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Its name.
    pub host: HostName,
    /// The local state that it has, as `app/provider`.
    pub states: Vec<String>,
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
        let record = self.record(host).await?;
        let incarnation = record.map_err(|error| Unreadable::new(What::Host(host.clone()), &error))?.incarnation;
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
        let mut end = End::default();
        loop {
            match self.looked_at(host, &mut end, &mut cache).await {
                Ok(found) => {
                    let Some(found) = found else { return Ok(Drained::Done) };
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

    /// How a host is that was asked to drain; none once it has ended, or a later life of it has begun.
    async fn looked_at(
        &self,
        host: &HostName,
        end: &mut End,
        cache: &mut Cache,
    ) -> Result<Option<HostStatus>, OperateError> {
        let view = self.view_with(None, cache).await?;
        let found = Status::of(&view).hosts.into_iter().find(|known| known.name == *host);
        let is_readable =
            ![What::Host(host.clone()), What::Drain(host.clone())].iter().any(|what| view.is_unreadable(what));
        // A host that has left takes its record away, and a later life was not asked.
        let Some(found) = found.filter(|found| found.drain_asked || !is_readable) else {
            return if is_readable { Ok(None) } else { Err(Self::unread(view, host)) };
        };
        Ok((!end.is_seen(self.lease(&view, host).await?)).then_some(found))
    }

    fn unread(view: View, host: &HostName) -> OperateError {
        let of_host = |unreadable: &Unreadable| unreadable.what == What::Host(host.clone());
        match view.unreadable.into_iter().find(of_host) {
            Some(unreadable) => unreadable.into(),
            None => OperateError::NoHost { host: host.clone(), hosts: view.hosts.into_keys().collect() },
        }
    }

    /// What the leases say of a host.
    async fn lease(&self, view: &View, host: &HostName) -> Result<Lease, OperateError> {
        if view.hosts.get(host).is_some_and(|facts| facts.alive) {
            return Ok(Lease::Held);
        }
        let last = self.buckets.leases.history(host.as_str()).await?.pop();
        Ok(match last {
            Some(Entry { value: Some(_), .. }) => Lease::Held,
            Some(Entry { value: None, .. }) => Lease::Deleted,
            None => {
                let mut others = view.hosts.iter().filter(|(name, _)| *name != host).peekable();
                // Where there is nobody else nobody else can be seen.
                let flow = others.peek().is_none() || others.any(|(_, facts)| facts.alive);
                Lease::Missing { flow }
            }
        })
    }

    /// Removes what a dead host told of itself, and any wish that it drains: [`Self::status`] tells of it no more. With
    /// `force` even though it has local state. What is pinned to that waits for the host all the same, until its
    /// application was taken down: planners never give state up by themselves.
    ///
    /// # Errors
    ///
    /// There is no such host; it is alive, or that cannot be told; it has state, and `force` is not given; the store.
    pub async fn forget(&self, host: &HostName, force: bool) -> Result<Forgotten, OperateError> {
        let states = match self.record(host).await? {
            Ok(record) => record.states.into_iter().map(|(app, provider)| format!("{app}/{provider}")).collect(),
            // Whatever it has is not known.
            Err(_) if force => Vec::new(),
            Err(error) => return Err(Unreadable::new(What::Host(host.clone()), &error).into()),
        };
        if !states.is_empty() && !force {
            return Err(OperateError::HasState { host: host.clone(), states });
        }
        self.check_dead(host).await?;
        self.buckets.hosts.delete(host.as_str()).await?;
        self.buckets.intent.delete(&drain_key(host)).await?;
        // It takes up room, and opens nothing for anybody else. Older credentials do not know the store.
        if let Err(error) = self.vault().forget(host).await {
            tracing::debug!(%host, %error, "keys of secrets for a forgotten host stay until the secrets are set again");
        }
        Ok(Forgotten { host: host.clone(), states })
    }

    /// Waits until a host's lease is known to have ended.
    async fn check_dead(&self, host: &HostName) -> Result<(), OperateError> {
        let (mut end, mut cache) = (End::default(), Cache::new());
        let until = tokio::time::Instant::now() + FORGET_WAIT_MAX;
        loop {
            let view = self.view_with(None, &mut cache).await?;
            let lease = self.lease(&view, host).await?;
            if lease == Lease::Held {
                return Err(OperateError::Alive { host: host.clone() });
            }
            if end.is_seen(lease) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= until {
                return Err(OperateError::NotKnownDead { host: host.clone() });
            }
            sleep(OPERATE_POLL).await;
        }
    }

    /// What a host tells of itself.
    async fn record(&self, host: &HostName) -> Result<Result<HostRecord, DocumentError>, OperateError> {
        let entry = self.buckets.hosts.get(host.as_str()).await?;
        if let Some(value) = entry.and_then(|entry| entry.value) {
            return Ok(HostRecord::decode(&value));
        }
        let keys = self.buckets.hosts.keys("*").await?;
        let hosts = keys.iter().filter_map(|key| key.parse().ok()).collect();
        Err(OperateError::NoHost { host: host.clone(), hosts })
    }
}

/// What the leases say of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    /// It has one.
    Held,
    /// It gave it up.
    Deleted,
    /// There is none: it lapsed, or the bucket has lost what it had.
    Missing {
        /// True where the leases of others are seen, or there are no others.
        flow: bool,
    },
}

/// Whether a host's end was seen. A bucket that stands still or begins anew, as where its servers choose a leader, ends
/// nobody.
#[derive(Default)]
struct End {
    /// Since when its lease has been missing while others were seen, by the clock of tokio.
    missing: Option<tokio::time::Instant>,
}

impl End {
    /// Takes what was seen now; true once the host has ended.
    fn is_seen(&mut self, lease: Lease) -> bool {
        match lease {
            Lease::Deleted => true,
            Lease::Missing { flow: true } => {
                self.missing.get_or_insert_with(tokio::time::Instant::now).elapsed() >= LEASE_LAPSE
            }
            Lease::Held | Lease::Missing { flow: false } => {
                self.missing = None;
                false
            }
        }
    }
}
