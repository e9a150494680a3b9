//! Why there is no plan, and what a plan warns of.
//!
//! A message names the actor, the import and the function, and a mend says what to write instead. Every text has a
//! snapshot in `tests/it/snapshots`.

mod caution;
mod fault;
mod flaw;
mod mend;
mod place;
mod unready;

use std::fmt;

use model::contract::{ContractName, Mismatch};
use model::ids::ActorName;
use model::view::Refusal;

pub use caution::Caution;
pub use fault::{AdapterFault, Fault};
pub use flaw::Flaw;
pub use place::Place;
pub(crate) use place::{quoted, route_key, table_key};
pub use unready::Unready;

/// Something in a manifest that cannot be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// What.
    pub fault: Fault,
}

impl Problem {
    /// What to do next.
    pub fn mend(&self) -> String {
        mend::of_fault(&self.at, &self.fault)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for Problem {}

/// Something that is planned as asked, and may surprise.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// Where.
    pub at: Place,
    /// What.
    pub caution: Caution,
}

impl Warning {
    /// What to do about it.
    pub fn mend(&self) -> String {
        mend::of_caution(&self.caution)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.caution.fmt(f)
    }
}

/// The end of a call that is not met, and how it is named in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumer {
    /// An import of an actor.
    Import {
        /// The actor.
        actor: ActorName,
        /// The import's label.
        import: String,
    },
    /// An HTTP route.
    Route {
        /// Its pattern, as the manifest shows it.
        route: String,
    },
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Consumer::Import { actor, import } => write!(f, "import `{import}` of actor {actor}"),
            Consumer::Route { route } => write!(f, "route `{route}`"),
        }
    }
}

/// Why two parts of an application are placed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// One actor is in the composite of the other.
    Fused {
        /// The one.
        actor: ActorName,
        /// The other.
        into: ActorName,
    },
    /// A link of reach `host`.
    Host {
        /// The actor that calls.
        caller: String,
        /// The actor or provider that answers.
        callee: String,
    },
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tie::Fused { actor, into } => write!(f, "{actor} is fused into {into}"),
            Tie::Host { caller, callee } => write!(f, "{caller} → {callee} has reach `host`"),
        }
    }
}

/// Why a target does not serve a consumer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Misfit {
    /// It does not have the contract at all.
    #[error("which does not offer that contract; it offers {}", listed(offered))]
    Missing {
        /// What it has.
        offered: Vec<String>,
    },
    /// Its version is on another semver track.
    #[error("which offers `{given}`: versions on different semver tracks do not fit")]
    OtherTrack {
        /// What it has.
        given: ContractName,
    },
    /// Its version is older than the consumer's view.
    #[error("which offers the older `{given}`")]
    Older {
        /// What it has.
        given: ContractName,
    },
    /// The names fit, the types do not.
    #[error("which offers `{given}` with other types: {mismatch}")]
    Incompatible {
        /// What it has.
        given: ContractName,
        /// The function, and the part of it.
        mismatch: Mismatch,
    },
    /// Its export cannot travel.
    #[error("whose `{label}` cannot be linked: {refusal}")]
    Refused {
        /// The export's label.
        label: String,
        /// Why.
        refusal: Refusal,
    },
}

/// Who could meet an import that nothing meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub who: Who,
    /// The contract with which it would.
    pub contract: ContractName,
    /// True where it is reached over the lattice only.
    pub far: bool,
}

/// Who could be linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An actor or a provider of the manifest.
    Named(String),
    /// A kind of provider that the manifest does not have yet.
    Kind(String),
}

/// `a`, `b` and `c`.
pub(crate) fn listed(items: &[impl fmt::Display]) -> String {
    let quoted: Vec<_> = items.iter().map(|item| format!("`{item}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn told(ties: &[Tie]) -> String {
    ties.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn functions_of(functions: &[String]) -> String {
    let word = if functions.len() == 1 { "function" } else { "functions" };
    format!("{word} {}", listed(functions))
}
