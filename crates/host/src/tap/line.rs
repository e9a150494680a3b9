//! A message as a host tells it: JSON, on the bus and nowhere else.

use model::failure::Failure;
use serde::{Deserialize, Serialize};

use crate::limits::TAP_CHARS_MAX;

/// A message between two parts of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tapped {
    /// When it was answered, in milliseconds since 1970, by the clock of its host.
    pub time_ms: u64,
    /// The actor that sent it; none where it came by HTTP, from a client or from an operator.
    pub from: Option<String>,
    /// The actor or provider that it went to.
    pub to: String,
    /// The contract.
    pub contract: String,
    /// The function.
    pub function: String,
    /// Its parameters in WAVE, [`TAP_CHARS_MAX`] characters at most.
    pub params: String,
    /// What came back.
    pub answer: Answered,
    /// How long that took, in microseconds.
    pub elapsed_us: u64,
    /// Messages that the host did not tell before this one.
    pub dropped: u64,
}

/// How a message was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// With a result, in WAVE, [`TAP_CHARS_MAX`] characters at most; empty where the function has none.
    Result(String),
    /// Not at all.
    Failure {
        /// The case of `rpc-error`.
        case: String,
        /// Its text.
        text: String,
    },
}

/// Bytes that no host of this version tells.
#[derive(Debug, thiserror::Error)]
#[error("a host tells a message that this lath cannot read; use one version of lath")]
pub struct TappedError(#[source] serde_json::Error);

impl Tapped {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Texts and numbers: nothing that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what a host tells.
    ///
    /// # Errors
    ///
    /// It is no message.
    pub fn decode(bytes: &[u8]) -> Result<Self, TappedError> {
        serde_json::from_slice(bytes).map_err(TappedError)
    }
}

impl Answered {
    pub(super) fn failed(failure: &Failure) -> Self {
        let (case, text) = failure.error.parts();
        Self::Failure { case: case.to_owned(), text: short(text.unwrap_or_default().to_owned()) }
    }
}

/// At most [`TAP_CHARS_MAX`] characters.
pub(super) fn short(text: String) -> String {
    match text.char_indices().nth(TAP_CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text,
    }
}
