//! The lattice's store of secrets: values that only its hosts can open.
//!
//! A value is encrypted once, with a key of its own, and that key is sealed to each host ([`SealingKey`]): the servers and
//! whoever copies their disks see neither. Operators write values; a host that can open one seals its key to a host that
//! came later ([`Vault::pass_on`]), under its own name, which the servers check. What a host passes on opens the
//! operator's bytes or nothing, so it cannot give others another value.
//!
//! X25519 with XSalsa20-Poly1305, as sealed boxes of libsodium (`crypto_box`) and its secret boxes (`crypto_secretbox`).
//! Start reading at [`Vault`]; `seal` has the cryptography, [`crate::document::SealedSecret`] the bytes.

mod key;
mod seal;
mod vault;

pub use key::{HostKey, KeyError, SealingKey};
pub use seal::SealError;
pub use vault::{Facts, Keeper, Listed, Passed, Vault, VaultError};
