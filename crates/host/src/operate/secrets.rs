//! The lattice's secrets, as operators see them: names, and who can open them.

use std::collections::{BTreeMap, BTreeSet};

use lattice::document::{Author, Document as _, HostRecord, UnixMillis};
use lattice::secrets::{SealingKey, Vault};
use model::ids::{HostName, SecretName};
use model::secret::SecretValue;

use super::{OperateError, Operator, deploy};

/// A secret that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSet {
    /// The hosts that it was sealed to.
    pub hosts: BTreeSet<HostName>,
    /// The hosts that told of no key: they run an older lath.
    pub without: BTreeSet<HostName>,
}

/// A secret as it can be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretStatus {
    /// Its name.
    pub name: SecretName,
    /// Who set it, and when; none where what is stored cannot be read.
    pub set: Option<(Author, UnixMillis)>,
    /// The hosts that can open it.
    pub hosts: BTreeSet<HostName>,
    /// The hosts that cannot.
    pub without: BTreeSet<HostName>,
}

impl Operator {
    /// Sets a secret, sealed to every host whose record stands. Parts that run keep what they were given.
    ///
    /// # Errors
    ///
    /// There is no host that could open it; there are too many secrets; the store.
    pub async fn set_secret(&self, name: &SecretName, value: &SecretValue) -> Result<SecretSet, OperateError> {
        let keys = self.sealing_keys().await?;
        let hosts: BTreeMap<HostName, SealingKey> =
            keys.iter().filter_map(|(host, key)| Some((host.clone(), key.clone()?))).collect();
        if hosts.is_empty() {
            return Err(OperateError::NoKeeper { name: name.clone() });
        }
        let set = self.vault().set(name, value, (self.by.clone(), deploy::now()), &hosts).await?;
        let hosts: BTreeSet<HostName> = set.keys.into_keys().collect();
        let without = keys.into_keys().filter(|host| !hosts.contains(host)).collect();
        Ok(SecretSet { hosts, without })
    }

    /// The secrets that there are, by name.
    ///
    /// # Errors
    ///
    /// The store.
    pub async fn secrets(&self) -> Result<Vec<SecretStatus>, OperateError> {
        let keys = self.sealing_keys().await?;
        let listed = self.vault().list().await?.into_iter().map(|listed| {
            let opened_by = listed.facts.as_ref().map(|facts| &facts.opened_by);
            let can = |(host, key): (&HostName, &Option<SealingKey>)| {
                let known = key.as_ref().map(|key| (host.clone(), key.clone()));
                known.is_some_and(|known| opened_by.is_some_and(|opened_by| opened_by.contains(&known)))
            };
            let hosts: BTreeSet<HostName> =
                keys.iter().filter(|entry| can(*entry)).map(|(host, _)| host.clone()).collect();
            let without = keys.keys().filter(|host| !hosts.contains(*host)).cloned().collect();
            let set = listed.facts.map(|facts| (facts.by, facts.at));
            SecretStatus { name: listed.name, set, hosts, without }
        });
        Ok(listed.collect())
    }

    /// Removes a secret. Parts that run keep what they were given.
    ///
    /// # Errors
    ///
    /// There is no such secret; the store.
    pub async fn remove_secret(&self, name: &SecretName) -> Result<(), OperateError> {
        if self.vault().remove(name).await? {
            return Ok(());
        }
        let secrets = self.vault().list().await?.into_iter().map(|listed| listed.name).collect();
        Err(OperateError::NoSecret { name: name.clone(), secrets })
    }

    pub(super) fn vault(&self) -> Vault {
        Vault::new(self.buckets.secrets.clone())
    }

    /// The hosts whose records stand, with what secrets are sealed to for them.
    async fn sealing_keys(&self) -> Result<BTreeMap<HostName, Option<SealingKey>>, OperateError> {
        let mut keys = BTreeMap::new();
        for key in self.buckets.hosts.keys("*").await? {
            let Ok(host) = key.parse::<HostName>() else { continue };
            let entry = self.buckets.hosts.get(&key).await?;
            let Some(value) = entry.and_then(|entry| entry.value) else { continue };
            // Of a record that cannot be read no key is known.
            keys.insert(host, HostRecord::decode(&value).ok().and_then(|record| record.sealing));
        }
        Ok(keys)
    }
}
