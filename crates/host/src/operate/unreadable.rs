//! What of a lattice cannot be read, beside the rest that can.

use std::fmt;

use lattice::document::{Document, DocumentError};
use lattice::store::Entry;
use model::ids::{AppName, HostName};

use super::OperateError;

/// Something in a lattice that cannot be read: another version of lath wrote it, or it is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What.
    pub what: What,
    /// What is wrong with it.
    pub reason: String,
    /// True where a later lath wrote it.
    pub newer: bool,
}

/// What may be unreadable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The newest version of an application.
    Application(AppName),
    /// What a host tells of itself.
    Host(HostName),
    /// An operator's wish that a host drains.
    Drain(HostName),
    /// Who runs what: of one application, or of all.
    Places(Option<AppName>),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(name) => write!(f, "application {name}"),
            Self::Host(host) => write!(f, "host {host}"),
            Self::Drain(host) => write!(f, "the wish that host {host} drains"),
            Self::Places(Some(name)) => write!(f, "where {name} runs"),
            Self::Places(None) => write!(f, "what runs where"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.what, self.reason)
    }
}

impl Unreadable {
    pub(super) fn new(what: What, error: &DocumentError) -> Self {
        Self { what, reason: error.to_string(), newer: matches!(error, DocumentError::Newer { .. }) }
    }

    /// What to do about it.
    pub fn mend(&self) -> String {
        if self.newer {
            return "upgrade this lath".to_owned();
        }
        match &self.what {
            What::Application(name) => {
                format!(
                    "remove key `{name}` of the lattice's bucket `intent`, and deploy the application again once it is \
                     shown no more"
                )
            }
            What::Host(host) => format!(
                "start host {host} again: it writes what it tells anew; where it does not come back, `lath forget {host} \
                 --force` removes it"
            ),
            What::Drain(host) => format!("ask again with `lath drain {host}`"),
            What::Places(_) => {
                "remove key `root` of the lattice's bucket `blueprint`: a planner writes it anew".to_owned()
            }
        }
    }
}

impl From<Unreadable> for OperateError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Damaged { what: unreadable.what.to_string(), reason: unreadable.reason }
    }
}

/// The document that an entry holds; none where the key was deleted.
pub(super) fn decoded<D: Document>(entry: &Entry) -> Result<Option<D>, DocumentError> {
    entry.value.as_ref().map(|value| D::decode(value)).transpose()
}
