//! What was asked of a lattice: versions of an application, and the document of each.

pub(super) mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use model::contract::ContractName;
use model::digest::Digest;
use model::ids::ActorName;
use model::placement::Share;
use model::view::ComponentView;
use model::wire::{Side, WireVersion, Wires};

use crate::limits::AUTHOR_BYTES_MAX;

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// One version of what was asked of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentHead {
    /// Grows by one with each change, rollback included.
    pub version: u64,
    /// The digest of its [`IntentDocument`]; none where the application is to be down.
    pub document: Option<Digest>,
    /// The share of calls that it is to have beside the version before, where another than usual is asked for.
    pub share: Option<Share>,
    /// Who asked.
    pub by: Author,
    /// When, by the clock of whoever asked.
    pub at: UnixMillis,
}

/// Who asked for a version, such as `operator.alice`: printable characters, [`AUTHOR_BYTES_MAX`] bytes at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Author(String);

/// Why a text names no author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names nobody: use printable characters, {AUTHOR_BYTES_MAX} bytes at most, such as `operator.alice`")]
pub struct AuthorError {
    /// The refused text.
    pub text: String,
}

impl Author {
    /// The author as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Author {
    type Err = AuthorError;

    fn from_str(text: &str) -> Result<Self, AuthorError> {
        let good = !text.is_empty() && text.len() <= AUTHOR_BYTES_MAX && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(AuthorError { text: text.to_owned() }) }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a host needs to derive what an application runs, without the bytes of its components. Kept in the store of
/// bytes by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentDocument {
    /// The text of the manifest, overlays merged.
    pub manifest: String,
    /// The component of each actor.
    pub components: BTreeMap<ActorName, StoredComponent>,
    /// The hand-written adapters, by the contract they are for.
    pub adapters: BTreeMap<ContractName, StoredAdapters>,
    /// The actors whose component was patched in since the manifest was deployed.
    pub patched: BTreeSet<ActorName>,
    /// The versions of the wire that its generated adapters speak.
    pub wires: Wires,
    /// What stands in the place of generated adapters.
    pub substitutes: Vec<StoredSubstitute>,
    /// The version of lath that wrote it.
    pub written_by: String,
}

/// A component that is in the store of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredComponent {
    /// How many bytes it has.
    pub size: u64,
    /// What it shows of itself, with the digest by which it is stored. Whoever loads the component compares.
    pub view: ComponentView,
}

impl StoredComponent {
    /// The digest by which it is stored.
    pub fn digest(&self) -> Digest {
        self.view.digest
    }
}

/// Platform code in the place of a generated adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSubstitute {
    /// Which of the two adapters of a contract it is.
    pub side: Side,
    /// The version of the wire that it speaks.
    pub wire: WireVersion,
    /// The component.
    pub component: StoredComponent,
}

/// A hand-written sender and receiver of one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAdapters {
    /// Turns typed calls into messages.
    pub sender: StoredAdapter,
    /// Turns messages into typed calls.
    pub receiver: StoredAdapter,
}

/// A hand-written adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAdapter {
    /// The component.
    pub component: StoredComponent,
    /// The wire id that it declares.
    pub wire: Option<String>,
}
