//! Links: (actor, import) → target.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::contract::{ContractName, is_wit_name};
use crate::ids::{ActorName, ProviderName, StoreName};

/// Who answers the calls that an actor makes through one import, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who answers.
    pub to: LinkTarget,
    /// How far calls may travel.
    pub reach: Reach,
    /// The longest time that a call may take; the application's deadline where absent.
    pub deadline: Option<Duration>,
    /// The contract of an import whose name does not state it.
    pub contract: Option<ContractName>,
    /// What to do about functions that leave no room for a failure.
    pub on_failure: Option<OnFailure>,
    /// Functions whose calls may be tried again, on another host, after a failure that leaves open whether they ran.
    pub idempotent: BTreeSet<String>,
    /// Of a contract with stores: those that the actor may open besides `default`, each with the provider that has it.
    pub open: BTreeMap<StoreName, ProviderName>,
    /// The middleware that calls pass on their way, in that order: actors that import and export the contract.
    pub via: Vec<ActorName>,
}

/// Who answers over a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkTarget {
    /// An actor of the application.
    Actor(ActorName),
    /// A provider of the application.
    Provider(ProviderName),
}

impl fmt::Display for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkTarget::Actor(actor) => write!(f, "actor `{actor}`"),
            LinkTarget::Provider(provider) => write!(f, "provider `{provider}`"),
        }
    }
}

/// How far a call over a link may travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Both components in one composite.
    Fused,
    /// Within the process.
    #[default]
    Host,
    /// To any host; one on the same machine if there is one.
    Lattice,
}

impl Reach {
    /// Every reach, nearest first.
    pub const ALL: [Reach; 3] = [Reach::Fused, Reach::Host, Reach::Lattice];

    /// The word in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Reach::Fused => "fused",
            Reach::Host => "host",
            Reach::Lattice => "lattice",
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What to do about functions that leave no room for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Trap the caller.
    Trap,
}

/// Which imports of an actor a link serves: a label (`backup`), an interface (`acme:tax/rates`, with or without a
/// version) or a whole package (`wasi:keyvalue`, likewise).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKey(String);

impl LinkKey {
    /// The key as the manifest writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for LinkKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no import.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names no import: write its label (`backup`), its interface (`\"acme:tax/rates\"`) or its package \
     (`\"acme:tax\"`)"
)]
pub struct LinkKeyError {
    /// The refused text.
    pub text: String,
}

impl FromStr for LinkKey {
    type Err = LinkKeyError;

    fn from_str(text: &str) -> Result<Self, LinkKeyError> {
        if is_wit_name(text) || text.parse::<ContractName>().is_ok() || is_package(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LinkKeyError { text: text.to_owned() })
        }
    }
}

/// A package is what an interface's name is without the interface.
fn is_package(text: &str) -> bool {
    let (path, version) = match text.split_once('@') {
        Some((path, version)) => (path, format!("@{version}")),
        None => (text, String::new()),
    };
    !path.contains('/') && format!("{path}/any{version}").parse::<ContractName>().is_ok()
}
