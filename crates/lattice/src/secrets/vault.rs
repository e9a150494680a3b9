//! The secrets of a lattice: set, listed and removed by operators, opened and passed on by hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::{HostName, SecretName};
use model::secret::SecretValue;

use super::key::{HostKey, SealingKey};
use super::seal::{self, DataKey, SealError};
use crate::document::{Author, Document as _, DocumentError, PassedKey, SealedKey, SealedSecret, UnixMillis};
use crate::limits::{PASSED_AT_ONCE_MAX, PASSED_TRIED_MAX, SEALED_HOSTS_MAX, SECRETS_MAX};
use crate::store::{Bucket, Revision, StoreError};

/// Why a secret is not set or not opened. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What stands there cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It does not open, or does not close.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It is there, but not for this host.
    #[error(
        "the lattice has it, but not for the key of this host yet: another host that can open it passes it on; with none, \
         set it again"
    )]
    NotSealed,
    /// There are too many.
    #[error("the lattice has {SECRETS_MAX} secrets, and that is the most; remove one")]
    TooMany,
}

/// A secret as it can be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: SecretName,
    /// What is known of it; none where it cannot be read.
    pub facts: Option<Facts>,
}

/// What is known of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who set it.
    pub by: Author,
    /// When.
    pub at: UnixMillis,
    /// The keys that open it, with the hosts that they are said to be of.
    pub opened_by: BTreeSet<(HostName, SealingKey)>,
}

/// A host that opens secrets.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// Its name.
    pub host: HostName,
    /// Its key.
    pub key: HostKey,
}

/// What passing on has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Keys that were passed on.
    pub passed: usize,
    /// True where more may have to be, so that looking again is of use.
    pub left: bool,
}

/// The store of a lattice's secrets.
///
/// A secret stands under `value.NAME`, written by operators; what one host passes on to another under
/// `key.NAME.TO.FROM`, with its own name last.
#[derive(Clone)]
pub struct Vault(Arc<dyn Bucket>);

impl Vault {
    /// The secrets in this bucket ([`crate::store::Buckets::secrets`]).
    pub fn new(bucket: Arc<dyn Bucket>) -> Self {
        Self(bucket)
    }

    /// Sets a secret for these hosts, whatever it was; of more than [`SEALED_HOSTS_MAX`] the first.
    ///
    /// # Errors
    ///
    /// There are too many secrets; the bucket.
    pub async fn set(
        &self,
        name: &SecretName,
        value: &SecretValue,
        (by, at): (Author, UnixMillis),
        hosts: &BTreeMap<HostName, SealingKey>,
    ) -> Result<SealedSecret, VaultError> {
        let standing = self.0.keys("value.*").await?;
        if standing.len() >= SECRETS_MAX && !standing.contains(&value_key(name)) {
            return Err(VaultError::TooMany);
        }
        let hosts = hosts.iter().take(SEALED_HOSTS_MAX).map(|(host, key)| (host.clone(), key.clone())).collect();
        let sealed = seal::seal(name, value, &hosts)?;
        let secret = SealedSecret { by, at, sealed: sealed.bytes, keys: sealed.keys };
        let expected = self.0.get(&value_key(name)).await?.map(|entry| entry.revision);
        self.0.replace(&value_key(name), secret.encode(), expected).await?;
        // They open what is gone.
        self.forget_passed(name).await?;
        Ok(secret)
    }

    /// Removes a secret. False where there is none.
    ///
    /// # Errors
    ///
    /// The bucket.
    pub async fn remove(&self, name: &SecretName) -> Result<bool, VaultError> {
        let is_there = self.0.get(&value_key(name)).await?.is_some();
        if is_there {
            self.0.delete(&value_key(name)).await?;
        }
        self.forget_passed(name).await?;
        Ok(is_there)
    }

    /// Removes what was passed on to a host that does not come back. What it has passed on itself stays: others open
    /// secrets by that.
    ///
    /// # Errors
    ///
    /// The bucket.
    pub async fn forget(&self, host: &HostName) -> Result<(), VaultError> {
        for key in self.0.keys(&format!("key.*.{host}.*")).await? {
            self.0.delete(&key).await?;
        }
        Ok(())
    }

    async fn forget_passed(&self, name: &SecretName) -> Result<(), VaultError> {
        for key in self.0.keys(&format!("key.{name}.>")).await? {
            self.0.delete(&key).await?;
        }
        Ok(())
    }

    /// The secrets that there are, by name.
    ///
    /// # Errors
    ///
    /// The bucket.
    pub async fn list(&self) -> Result<Vec<Listed>, VaultError> {
        let mut listed = Vec::new();
        for name in self.names().await? {
            let facts = match self.find(&name).await {
                Ok(Some((secret, _))) => {
                    let opened_by = self.opened_by(&name, &secret).await?;
                    Some(Facts { by: secret.by, at: secret.at, opened_by })
                }
                // Removed just now.
                Ok(None) => continue,
                Err(VaultError::Document(_)) => None,
                Err(error) => return Err(error),
            };
            listed.push(Listed { name, facts });
        }
        Ok(listed)
    }

    /// Opens a secret; none where there is no such secret.
    ///
    /// # Errors
    ///
    /// It is not sealed to this host, cannot be read, or the bucket does not answer.
    pub async fn open(&self, name: &SecretName, keeper: &Keeper) -> Result<Option<SecretValue>, VaultError> {
        let Some((secret, _)) = self.find(name).await? else { return Ok(None) };
        let key = self.data_key(name, &secret, keeper).await?.ok_or(VaultError::NotSealed)?;
        Ok(Some(seal::open(name, &key, &secret.sealed)?))
    }

    /// Seals the secrets that `keeper` can open to those of `living` who cannot: the hosts that are to have them, with
    /// their keys. Of several hosts that could, the first by name does it; the others do where it is `urgent`, because it
    /// has not. At most [`PASSED_AT_ONCE_MAX`] keys are passed on.
    ///
    /// # Errors
    ///
    /// The bucket.
    pub async fn pass_on(
        &self,
        keeper: &Keeper,
        living: &BTreeMap<HostName, SealingKey>,
        urgent: bool,
    ) -> Result<Passed, VaultError> {
        let mut done = Passed::default();
        for name in self.names().await? {
            let secret = match self.find(&name).await {
                Ok(Some((secret, _))) => secret,
                // Removed just now, or not to be read: nobody can open that.
                Ok(None) | Err(VaultError::Document(_)) => continue,
                Err(error) => return Err(error),
            };
            let opened_by = self.opened_by(&name, &secret).await?;
            let can = |(host, key): (&HostName, &SealingKey)| opened_by.contains(&(host.clone(), key.clone()));
            let lacking: Vec<_> = living.iter().filter(|entry| !can(*entry)).collect();
            let first = living.iter().find(|entry| can(*entry)).map(|(host, _)| host);
            let is_mine = first == Some(&keeper.host);
            if lacking.is_empty() || !(is_mine || urgent) {
                done.left |= !lacking.is_empty();
                continue;
            }
            let key = match self.data_key(&name, &secret, keeper).await {
                Ok(Some(key)) => key,
                // Another host may open it; one that is damaged keeps no other back.
                Ok(None) | Err(VaultError::Seal(_)) => {
                    done.left = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (host, to) in lacking {
                if done.passed >= PASSED_AT_ONCE_MAX {
                    return Ok(Passed { left: true, ..done });
                }
                let passed = PassedKey { secret: secret.digest(), key: key.seal(to)? };
                done.passed += usize::from(self.pass(&passed_key(&name, host, &keeper.host), &passed).await?);
            }
        }
        Ok(done)
    }

    /// False where another process of this host was faster.
    async fn pass(&self, key: &str, passed: &PassedKey) -> Result<bool, VaultError> {
        let expected: Option<Revision> = self.0.get(key).await?.map(|entry| entry.revision);
        match self.0.replace(key, passed.encode(), expected).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn names(&self) -> Result<Vec<SecretName>, VaultError> {
        let keys = self.0.keys("value.*").await?;
        let names = keys.iter().filter_map(|key| key.strip_prefix("value.")?.parse().ok());
        let mut names: Vec<SecretName> = names.take(SECRETS_MAX).collect();
        names.sort();
        Ok(names)
    }

    async fn find(&self, name: &SecretName) -> Result<Option<(SealedSecret, Revision)>, VaultError> {
        let Some(entry) = self.0.get(&value_key(name)).await? else { return Ok(None) };
        let Some(value) = entry.value else { return Ok(None) };
        Ok(Some((SealedSecret::decode(&value)?, entry.revision)))
    }

    /// Whose keys open a secret, as far as that can be told from outside.
    async fn opened_by(
        &self,
        name: &SecretName,
        secret: &SealedSecret,
    ) -> Result<BTreeSet<(HostName, SealingKey)>, VaultError> {
        let mut opened: BTreeSet<_> = secret.keys.iter().map(|(host, key)| (host.clone(), key.to.clone())).collect();
        for key in self.0.keys(&format!("key.{name}.*.*")).await? {
            let Some(host) = key.split('.').nth(2).and_then(|host| host.parse().ok()) else { continue };
            if let Some(passed) = self.passed(&key, secret).await? {
                opened.insert((host, passed.to));
            }
        }
        Ok(opened)
    }

    /// What was passed on under this key, if it is of this secret.
    async fn passed(&self, key: &str, secret: &SealedSecret) -> Result<Option<SealedKey>, VaultError> {
        let entry = self.0.get(key).await?;
        let passed = entry.and_then(|entry| entry.value).and_then(|value| PassedKey::decode(&value).ok());
        Ok(passed.filter(|passed| passed.secret == secret.digest()).map(|passed| passed.key))
    }

    /// What opens a secret, as it was sealed to this host; none where it was not. What another host has passed on is
    /// believed only if it opens the secret.
    async fn data_key(
        &self,
        name: &SecretName,
        secret: &SealedSecret,
        keeper: &Keeper,
    ) -> Result<Option<DataKey>, VaultError> {
        let public = keeper.key.public();
        if let Some(sealed) = secret.keys.get(&keeper.host).filter(|sealed| sealed.to == public) {
            return Ok(Some(DataKey::of(sealed, &keeper.key)?));
        }
        let keys = self.0.keys(&format!("key.{name}.{}.*", keeper.host)).await?;
        let mut tried = 0;
        for key in keys {
            // One to a key that this host has lost, or of what was set before, is not tried.
            let Some(sealed) = self.passed(&key, secret).await?.filter(|sealed| sealed.to == public) else { continue };
            tried += 1;
            if tried > PASSED_TRIED_MAX {
                break;
            }
            let Ok(data) = DataKey::of(&sealed, &keeper.key) else { continue };
            if seal::open(name, &data, &secret.sealed).is_ok() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

fn value_key(name: &SecretName) -> String {
    format!("value.{name}")
}

fn passed_key(name: &SecretName, to: &HostName, from: &HostName) -> String {
    format!("key.{name}.{to}.{from}")
}
