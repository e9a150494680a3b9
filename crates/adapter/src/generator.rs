//! The generator over plain texts: what the contract `lath:generator/generator` says, for the component that this crate
//! is compiled to, and for whoever compares with it.

use model::contract::Contract;
use model::wire::{Side, WireVersion};

use crate::emit::EmitError;
use crate::generate::{GenerateError, generate_in};
use crate::source::{Source, SourceError, WitFile};

/// The contract that every generator exports.
pub const CONTRACT: &str = "lath:generator/generator@0.1.0";

/// The contract's text.
pub const WIT: &str = include_str!("../../../wit/lath-generator/generator.wit");

/// Which generator this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// The versions of the wire that its adapters can speak.
    pub wires: Vec<u32>,
}

/// Why a generator made no adapter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not WIT, or has no such contract.
    #[error("it cannot read the contract: {0}")]
    Contract(String),
    /// The contract uses what no message can carry.
    #[error("`{place}` uses `{ty}`: {reason}")]
    Refused {
        /// The function that uses it, or the type that holds it.
        place: String,
        /// As WIT writes it.
        ty: String,
        /// Why not.
        reason: String,
    },
    /// It does not know the wire.
    #[error("it does not write version {0} of the wire")]
    Wire(u32),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// This generator.
pub fn info() -> Info {
    Info {
        name: "lath".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wires: WireVersion::ALL.map(WireVersion::number).to_vec(),
    }
}

/// The wire id that adapters of this version declare.
pub fn wire_id(wire: u32) -> String {
    format!("lath/{wire}")
}

/// The `side` adapter of the contract `name` in the text `wit`, for version `wire` of the wire.
pub fn adapter(name: &str, wit: &str, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    let text = WitFile { path: "contract.wit".to_owned(), text: wit.to_owned() };
    let contract = Source::from_wit("the contract", &[text], &[]).and_then(|source| source.contract(name))?;
    adapter_of(&contract, side, wire)
}

/// The same of a contract that has been read.
pub fn adapter_of(contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    let version = WireVersion::of_number(wire).ok_or(Error::Wire(wire))?;
    Ok(generate_in(contract, side, version)?)
}

/// The contract that every generator exports, read.
pub fn contract() -> Result<Contract, SourceError> {
    let text = WitFile { path: "generator.wit".to_owned(), text: WIT.to_owned() };
    Source::from_wit("the generator's WIT", &[text], &[])?.contract(CONTRACT)
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Refused { refusal, .. } => Self::Refused {
                place: refusal.function,
                ty: refusal.ty,
                reason: format!("{} cannot travel as a message", refusal.construct),
            },
            other => Self::Contract(chain(&other)),
        }
    }
}

impl From<GenerateError> for Error {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::Emit(EmitError::NotCovered { place, ty, feature, .. }) => {
                Self::Refused { place, ty, reason: format!("{feature} cannot travel as messages") }
            }
            canonical @ GenerateError::Canonical { .. } => Self::Contract(chain(&canonical)),
            other => Self::Other(chain(&other)),
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
