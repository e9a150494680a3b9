//! Keys: who signs.

use std::fmt;

use nkeys::{KeyPair, KeyPairType};

use super::AuthorityError;

/// The public half of a key: what a server and a revocation name it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(String);

impl PublicKey {
    /// The key as text: an `nkey`, such as `UB5…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        match KeyPair::from_public_key(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(AuthorityError::PublicKey { text: text.to_owned(), reason: error.to_string() }),
        }
    }
}

/// The private half of a key, as text. Whoever has it signs in its name: keep it in a file that only its owner reads.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// A seed that was written before; it is checked when a key is made of it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret text, to be written where it is kept.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What a key signs, and what it is called in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Operator,
    Account,
    User,
}

impl Kind {
    fn pair_type(self) -> KeyPairType {
        match self {
            Self::Operator => KeyPairType::Operator,
            Self::Account => KeyPairType::Account,
            Self::User => KeyPairType::User,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Account => "account",
            Self::User => "user",
        }
    }
}

/// A key that can sign.
#[derive(Clone)]
pub(super) struct Key(KeyPair);

impl Key {
    /// A fresh key, from the system's random source.
    pub(super) fn generate(kind: Kind) -> Self {
        Self(KeyPair::new(kind.pair_type()))
    }

    /// The key of `seed`, which must be of this kind.
    pub(super) fn of(kind: Kind, seed: &Seed) -> Result<Self, AuthorityError> {
        let expected = kind.as_str();
        let refused = |reason: String| AuthorityError::Seed { expected, reason };
        let pair = KeyPair::from_seed(seed.reveal().trim()).map_err(|error| refused(error.to_string()))?;
        if pair.key_pair_type() == kind.pair_type() {
            Ok(Self(pair))
        } else {
            Err(refused("it is the seed of a key of another kind".to_owned()))
        }
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }

    pub(super) fn seed(&self) -> Result<Seed, AuthorityError> {
        self.0.seed().map(Seed).map_err(|error| AuthorityError::Sign { reason: error.to_string() })
    }

    pub(super) fn sign(&self, text: &str) -> Result<Vec<u8>, AuthorityError> {
        self.sign_bytes(text.as_bytes())
    }

    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        self.0.sign(bytes).map_err(|error| AuthorityError::Sign { reason: error.to_string() })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public())
    }
}
