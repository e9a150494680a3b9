//! Encrypting a value, and sealing its key to hosts.

use std::collections::BTreeMap;

use crypto_box::aead::{Aead as _, AeadCore as _, KeyInit as _, OsRng};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use model::ids::{HostName, SecretName};
use model::secret::SecretValue;
use zeroize::Zeroizing;

use super::key::{HostKey, SealingKey};
use crate::document::SealedKey;

/// How long a nonce is, in bytes.
const NONCE_BYTES: usize = 24;

/// Why a secret was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The library refuses; a value of the right size is always taken.
    #[error("it cannot be encrypted; this is a fault of Lath, please report it")]
    Encrypt,
    /// The key is not the one that it was encrypted with, or its bytes were changed.
    #[error("what is stored does not open with this host's key; set the secret again")]
    Open,
}

/// The key that one value was encrypted with.
pub(super) struct DataKey(Zeroizing<Vec<u8>>);

/// A value, encrypted for these hosts: its bytes, and the key of each.
pub(super) struct Sealed {
    pub(super) bytes: Vec<u8>,
    pub(super) keys: BTreeMap<HostName, SealedKey>,
}

/// Encrypts a value, and seals its key to each of the hosts.
pub(super) fn seal(
    name: &SecretName,
    value: &SecretValue,
    hosts: &BTreeMap<HostName, SealingKey>,
) -> Result<Sealed, SealError> {
    let key = Zeroizing::new(XSalsa20Poly1305::generate_key(&mut OsRng));
    let nonce = XSalsa20Poly1305::generate_nonce(&mut OsRng);
    let encrypted = XSalsa20Poly1305::new(&key).encrypt(&nonce, plain(name, value).as_slice());
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(&encrypted.map_err(|_| SealError::Encrypt)?);
    let key = DataKey(Zeroizing::new(key.to_vec()));
    let keys = hosts.iter().map(|(host, to)| Ok((host.clone(), key.seal(to)?)));
    Ok(Sealed { keys: keys.collect::<Result<_, SealError>>()?, bytes })
}

/// Opens a value that was encrypted under this name.
pub(super) fn open(name: &SecretName, key: &DataKey, bytes: &[u8]) -> Result<SecretValue, SealError> {
    let (nonce, encrypted) = bytes.split_at_checked(NONCE_BYTES).ok_or(SealError::Open)?;
    let cipher = XSalsa20Poly1305::new(Key::from_slice(key.0.get(..32).ok_or(SealError::Open)?));
    let plain = cipher.decrypt(Nonce::from_slice(nonce), encrypted).map_err(|_| SealError::Open)?;
    let plain = Zeroizing::new(plain);
    let value = plain.strip_prefix(heading(name).as_bytes()).ok_or(SealError::Open)?;
    SecretValue::from_bytes(value.to_vec()).map_err(|_| SealError::Open)
}

impl DataKey {
    /// The key, sealed to a host.
    pub(super) fn seal(&self, to: &SealingKey) -> Result<SealedKey, SealError> {
        let sealed = to.seal(&self.0).ok_or(SealError::Encrypt)?;
        Ok(SealedKey { to: to.clone(), sealed })
    }

    /// The key that was sealed to this host.
    pub(super) fn of(sealed: &SealedKey, key: &HostKey) -> Result<Self, SealError> {
        key.unseal(&sealed.sealed).filter(|plain| plain.len() == 32).map(Self).ok_or(SealError::Open)
    }
}

/// The value after its name: what was stored under one name is not taken for another.
fn plain(name: &SecretName, value: &SecretValue) -> Zeroizing<Vec<u8>> {
    let heading = heading(name);
    // As long as it will be: growing would leave a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(heading.len() + value.expose().len()));
    plain.extend_from_slice(heading.as_bytes());
    plain.extend_from_slice(value.expose().as_bytes());
    plain
}

/// A name has no line's end.
fn heading(name: &SecretName) -> String {
    format!("{name}\n")
}
