//! A secret of the lattice's store: encrypted, with the keys that open it.

use std::collections::BTreeMap;

use bytes::Bytes;
use data_encoding::BASE64;
use model::digest::Digest;
use model::ids::HostName;
use model::limits::SECRET_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::wire::{Kind, Text, write};
use super::{Author, Document, DocumentError, UnixMillis};
use crate::limits::{SEALED_HOSTS_MAX, SEALED_KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::secrets::SealingKey;

/// What encrypting adds at most: a name, a nonce and a tag, in bytes.
const AROUND_BYTES: usize = 256;

/// A secret as operators write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Who set it.
    pub by: Author,
    /// When, by the clock of whoever set it.
    pub at: UnixMillis,
    /// The value, encrypted.
    pub sealed: Vec<u8>,
    /// What it was encrypted with, sealed to the hosts that there were.
    pub keys: BTreeMap<HostName, SealedKey>,
}

impl SealedSecret {
    /// What tells it from the secret of the same name that was set before or after it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.sealed)
    }
}

/// What opens a secret, sealed to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    /// The host's key.
    pub to: SealingKey,
    /// What only that host can open.
    pub sealed: Vec<u8>,
}

/// What opens a secret, as one host passes it on to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedKey {
    /// Of which secret it is: [`SealedSecret::digest`].
    pub secret: Digest,
    /// What opens it.
    pub key: SealedKey,
}

const SECRET: Kind = Kind { name: SealedSecret::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };
const PASSED: Kind = Kind { name: PassedKey::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SecretWire {
    format: u32,
    by: Text<Author>,
    at: u64,
    sealed: String,
    keys: BTreeMap<Text<HostName>, KeyWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeyWire {
    to: Text<SealingKey>,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PassedWire {
    format: u32,
    secret: Text<Digest>,
    key: KeyWire,
}

impl Document for SealedSecret {
    const NAME: &'static str = "secret";

    fn encode(&self) -> Bytes {
        let Self { by, at, sealed, keys } = self;
        write(&SecretWire {
            format: SECRET.format,
            by: Text(by.clone()),
            at: at.0,
            sealed: BASE64.encode(sealed),
            keys: keys.iter().map(|(host, key)| (Text(host.clone()), KeyWire::of(key))).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let SecretWire { by, at, sealed, keys, .. } = SECRET.read(bytes)?;
        if keys.len() > SEALED_HOSTS_MAX {
            return Err(SECRET.malformed("keys", format_args!("there are more than {SEALED_HOSTS_MAX}")));
        }
        let keys = keys.into_iter().map(|(host, key)| Ok((host.0, key.into_key(&SECRET)?)));
        Ok(Self {
            by: by.0,
            at: UnixMillis(at),
            sealed: bytes_of(&SECRET, &sealed, SECRET_BYTES_MAX + AROUND_BYTES)?,
            keys: keys.collect::<Result<_, DocumentError>>()?,
        })
    }
}

impl Document for PassedKey {
    const NAME: &'static str = "key of a secret";

    fn encode(&self) -> Bytes {
        write(&PassedWire { format: PASSED.format, secret: Text(self.secret), key: KeyWire::of(&self.key) })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let PassedWire { secret, key, .. } = PASSED.read(bytes)?;
        Ok(Self { secret: secret.0, key: key.into_key(&PASSED)? })
    }
}

impl KeyWire {
    fn of(key: &SealedKey) -> Self {
        Self { to: Text(key.to.clone()), sealed: BASE64.encode(&key.sealed) }
    }

    fn into_key(self, kind: &Kind) -> Result<SealedKey, DocumentError> {
        Ok(SealedKey { to: self.to.0, sealed: bytes_of(kind, &self.sealed, SEALED_KEY_BYTES_MAX)? })
    }
}

fn bytes_of(kind: &Kind, text: &str, bytes_max: usize) -> Result<Vec<u8>, DocumentError> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|error| kind.malformed("sealed", error))?;
    if bytes.len() > bytes_max {
        return Err(kind.malformed("sealed", format_args!("it has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}
