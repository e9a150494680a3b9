//! What a lattice keeps of itself, as bytes: intent, what hosts tell, and the agreed blueprint.
//!
//! Every document is JSON with a `format` number. Equal values give equal bytes, since digests are taken of them: fields
//! stand in the order of their types, keys are sorted. Reading is strict: names, digests and sizes are checked, a field
//! that is not known is refused where passing over it could change what is meant, and a later format is refused with the
//! advice to update. Domain types stand beside their wire types; only the latter know serde.

mod beat;
mod blueprint;
mod drain;
mod host;
mod intent;
mod platform;
mod secret;
mod view;
mod wire;

use bytes::Bytes;

pub use crate::call::Incarnation;
pub use beat::{Beat, Phase};
pub use blueprint::{BUCKETS, Pointer, PointerKey, PointerKeyError, ROOT_KEY, Root, Shard, shard_key};
pub use drain::{DRAINS, Drain, drain_key};
pub use host::{Failing, HostRecord, Lease, OwnSetting, Part, Storage};
pub use intent::{
    Author, AuthorError, IntentDocument, IntentHead, StoredAdapter, StoredAdapters, StoredComponent, StoredSubstitute,
    UnixMillis,
};
pub use platform::{PLATFORM_KEY, PlatformCode, StoredGenerator};
pub use secret::{PassedKey, SealedKey, SealedSecret};

/// Something that is kept or sent as bytes.
pub trait Document: Sized {
    /// What it is, for messages.
    const NAME: &'static str;

    /// Its bytes. Equal values give equal bytes.
    fn encode(&self) -> Bytes;

    /// Reads what [`Self::encode`] of this or an earlier version wrote.
    ///
    /// # Errors
    ///
    /// What is wrong, where, and what to do about it.
    fn decode(bytes: &[u8]) -> Result<Self, DocumentError>;
}

/// Why bytes are not a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A later version wrote it.
    #[error(
        "the {document} has format {found}, this version of lath reads {known}: it was written by a newer lath; update \
         this one"
    )]
    Newer {
        /// What it should be.
        document: &'static str,
        /// Its format.
        found: u32,
        /// The newest format that is read here.
        known: u32,
    },
    /// It is longer than any that was written.
    #[error(
        "the {document} has {bytes} bytes, {most} are the most: it is damaged or was not written by lath; write it again"
    )]
    TooLarge {
        /// What it should be.
        document: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// A part of it is not what it should be.
    #[error("the {document} is damaged or was not written by lath: {field}: {reason}; write it again")]
    Malformed {
        /// What it should be.
        document: &'static str,
        /// Where, such as `ready.shop.version`; `the text` where it is all of it.
        field: String,
        /// What is wrong.
        reason: String,
    },
}
