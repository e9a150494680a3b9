//! Passing secrets on: a host that can open one seals it to hosts that came after it was set.
//!
//! Planners do it, since they know all hosts. A host is given secrets while its record stands and its lease is held: one
//! that was shut out can hold neither for long.

use std::collections::{BTreeMap, BTreeSet};

use lattice::document::{Document as _, HostRecord};
use lattice::secrets::{Keeper, Passed, SealingKey, Vault, VaultError};
use lattice::store::{Buckets, Change, Entry, StoreError, Watch};
use model::ids::HostName;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::run::Input;
use crate::limits::{PASS_ON_INTERVAL, PASS_ON_PAUSE};

/// Passes on what `keeper` can open, as long as somebody listens to `inputs`. Each change of `epoch` begins anew.
pub(super) fn spawn(buckets: &Buckets, keeper: Keeper, inputs: mpsc::Sender<Input>, epoch: watch::Receiver<u64>) {
    let vault = Vault::new(buckets.secrets.clone());
    let passing = Passing { buckets: buckets.clone(), vault, keeper, keys: BTreeMap::new(), due: None, urgent: false };
    tokio::spawn(passing.run(inputs, epoch));
}

struct Passing {
    buckets: Buckets,
    vault: Vault,
    keeper: Keeper,
    /// The hosts whose records stand, with what secrets are sealed to for them.
    keys: BTreeMap<HostName, SealingKey>,
    /// When to look for what is to be passed on.
    due: Option<Instant>,
    /// The host whose turn it was has not done it.
    urgent: bool,
}

impl Passing {
    async fn run(mut self, inputs: mpsc::Sender<Input>, mut epoch: watch::Receiver<u64>) {
        while !inputs.is_closed() {
            epoch.borrow_and_update();
            let watches = self.open().await;
            let broken = async {
                match watches {
                    Ok((hosts, secrets)) => self.follow(hosts, secrets).await,
                    Err(reason) => tracing::debug!(%reason, "secrets cannot be watched; it is tried again"),
                }
                tokio::time::sleep(PASS_ON_INTERVAL).await;
            };
            tokio::select! {
                () = broken => {}
                changed = epoch.changed() => if changed.is_err() { return },
                () = inputs.closed() => return,
            }
        }
    }

    async fn open(&mut self) -> Result<(Watch, Watch), StoreError> {
        self.keys.clear();
        Ok((self.buckets.hosts.watch(">").await?, self.buckets.secrets.watch(">").await?))
    }

    /// Passes on after each change, until a watch breaks.
    async fn follow(&mut self, mut hosts: Watch, mut secrets: Watch) {
        loop {
            let due = self.due;
            let waited = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                change = hosts.next() => match change {
                    Some(Change::Entry(entry)) => self.take(&entry),
                    Some(Change::Current) => self.soon(),
                    None => return,
                },
                change = secrets.next() => match change {
                    Some(_) => self.soon(),
                    None => return,
                },
                () = waited => self.pass_on().await,
            }
        }
    }

    fn take(&mut self, entry: &Entry) {
        let Ok(host) = entry.key.parse::<HostName>() else { return };
        let record = entry.value.as_ref().and_then(|value| HostRecord::decode(value).ok());
        let key = record.and_then(|record| record.sealing);
        if self.keys.get(&host) == key.as_ref() {
            return;
        }
        match key {
            Some(key) => self.keys.insert(host, key),
            None => self.keys.remove(&host),
        };
        self.soon();
    }

    /// What changes together is looked at together.
    fn soon(&mut self) {
        let soon = Instant::now() + PASS_ON_PAUSE;
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    async fn pass_on(&mut self) {
        let passed = self.passed().await;
        let left = match passed {
            Ok(Passed { passed, left }) => {
                if passed > 0 {
                    tracing::info!(passed, "secrets were sealed to hosts that could not open them");
                }
                left
            }
            Err(reason) => {
                tracing::debug!(%reason, "secrets were not passed on; it is tried again");
                true
            }
        };
        self.urgent = left;
        self.due = left.then(|| Instant::now() + PASS_ON_INTERVAL);
    }

    async fn passed(&self) -> Result<Passed, VaultError> {
        let leases: BTreeSet<String> = self.buckets.leases.keys("*").await?.into_iter().collect();
        let is_alive = |host: &HostName| leases.contains(host.as_str());
        let living: BTreeMap<_, _> = self
            .keys
            .iter()
            .filter(|(host, _)| is_alive(host))
            .map(|(host, key)| (host.clone(), key.clone()))
            .collect();
        let all_live = living.len() == self.keys.len();
        let passed = self.vault.pass_on(&self.keeper, &living, self.urgent).await?;
        // A host writes its record about when it takes its lease, so whoever has none is looked for once more; one that is
        // dead is not looked for again and again: its next life tells of itself.
        Ok(Passed { left: passed.left || (!all_live && !self.urgent), ..passed })
    }
}
