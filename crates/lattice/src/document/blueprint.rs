//! The agreed blueprint: a root, shards by their content, and pointers to them.
//!
//! The root says where each index bucket is; index buckets say where each shard is; there is one shard for each host and
//! one for each application. Only what changed is written anew. The root is written last: what it does not reach does
//! not count.

mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::AppPlacement;

use super::Document as _;

/// The key of the root in the bucket `blueprint`.
pub const ROOT_KEY: &str = "root";

/// How many index buckets there are.
pub const BUCKETS: u8 = 64;

/// The key of the shard with this digest in the bucket `blueprint`.
pub fn shard_key(digest: Digest) -> String {
    format!("shard.{}", digest.hex())
}

/// The root of the blueprint: the generation, and where the index is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Grows by one with each change; nobody goes back.
    pub generation: u64,
    /// The index buckets that are not empty, by their number, below [`BUCKETS`].
    pub buckets: BTreeMap<u8, Digest>,
}

/// Where a host or an application finds its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The generation in which the shard came to be.
    pub generation: u64,
    /// The shard.
    pub digest: Digest,
}

/// Whose shard it is; written `host.h1` or `app.shop`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PointerKey {
    /// A host's: what it runs.
    Host(HostName),
    /// An application's: who serves it.
    App(AppName),
}

/// Why a text is not a pointer's key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names neither a host nor an application: `host.h1` or `app.shop` is expected")]
pub struct PointerKeyError {
    /// The refused text.
    pub text: String,
}

impl PointerKey {
    /// The pointers' own key in the bucket `blueprint`, such as `at.host.h1`.
    pub fn key(&self) -> String {
        format!("at.{self}")
    }

    /// Reads what [`Self::key`] writes.
    ///
    /// # Errors
    ///
    /// It is another text.
    pub fn of_key(key: &str) -> Result<Self, PointerKeyError> {
        key.strip_prefix("at.").ok_or_else(|| PointerKeyError { text: key.to_owned() })?.parse()
    }

    /// The index bucket in which the shard is listed.
    pub fn bucket(&self) -> u8 {
        // 1/64 of the keys fall into each, for the digits of a digest are as good as drawn by lot.
        let hex = Digest::of(self.to_string().as_bytes()).hex();
        hex.get(..2).and_then(|byte| u8::from_str_radix(byte, 16).ok()).unwrap_or_default() % BUCKETS
    }
}

impl fmt::Display for PointerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PointerKey::Host(host) => write!(f, "host.{host}"),
            PointerKey::App(app) => write!(f, "app.{app}"),
        }
    }
}

impl FromStr for PointerKey {
    type Err = PointerKeyError;

    fn from_str(text: &str) -> Result<Self, PointerKeyError> {
        let key = match text.split_once('.') {
            Some(("host", host)) => host.parse().ok().map(Self::Host),
            Some(("app", app)) => app.parse().ok().map(Self::App),
            _ => None,
        };
        key.ok_or_else(|| PointerKeyError { text: text.to_owned() })
    }
}

/// A part of the blueprint, kept under its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shard {
    /// Where shards are: one bucket of the index.
    Index {
        /// The generation in which it last changed.
        generation: u64,
        /// The shards of the hosts and applications that fall into the bucket.
        entries: Arc<BTreeMap<PointerKey, Digest>>,
    },
    /// What one host runs.
    Host {
        /// The generation in which it last changed.
        generation: u64,
        /// The shards of the applications that place anything on it.
        apps: BTreeMap<AppName, Digest>,
    },
    /// Who runs where, of one application.
    App(Arc<AppPlacement>),
}

impl Shard {
    /// The digest by which it is kept.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// The digest that a pointer has where there is no shard any more: nothing runs there.
    pub fn nothing_digest() -> Digest {
        Digest::of(&[])
    }
}
