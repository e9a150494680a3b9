//! The keys of hosts: what secrets are sealed to, and what opens them.

use std::fmt;
use std::str::FromStr;

use crypto_box::aead::OsRng;
use crypto_box::{PublicKey, SecretKey};
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// How long a key is, in bytes.
const KEY_BYTES: usize = 32;

/// Why a text is not a key. It does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key: {KEY_BYTES} bytes in base64 are one")]
pub struct KeyError;

/// The public half of a host's key: what secrets are sealed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealingKey(PublicKey);

impl SealingKey {
    /// Seals `plain`, for the one with the other half.
    pub(super) fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.seal(&mut OsRng, plain).ok()
    }
}

impl fmt::Display for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.as_bytes()))
    }
}

impl FromStr for SealingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| KeyError)?;
        let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| KeyError)?;
        Ok(Self(PublicKey::from_bytes(key)))
    }
}

/// A host's own key: it never leaves its machine.
#[derive(Clone)]
pub struct HostKey(Zeroizing<[u8; KEY_BYTES]>);

impl HostKey {
    /// A fresh key, from the system's random source.
    pub fn generate() -> Self {
        Self(Zeroizing::new(SecretKey::generate(&mut OsRng).to_bytes()))
    }

    /// The key that was kept as this text.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim_end().as_bytes()).map_err(|_| KeyError)?);
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The secret text, to be written where it is kept.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(self.0.as_slice()))
    }

    /// The public half.
    pub fn public(&self) -> SealingKey {
        SealingKey(self.secret().public_key())
    }

    /// What was sealed to this key; none where it was not, or was changed.
    pub(super) fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.secret().unseal(sealed).ok().map(Zeroizing::new)
    }

    fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(*self.0)
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.public())
    }
}
