//! The lines of a recording, as they stand in its file. `docs/RECORD.md` describes them.

use std::collections::BTreeMap;

use engine::Randomness;
use model::failure::{Failure, Progress, RpcError};
use serde::{Deserialize, Serialize};

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) lath_recording: u32,
    pub(crate) application: String,
    pub(crate) actor: String,
    /// The digest of the actor's component.
    pub(crate) component: String,
    pub(crate) masks: Vec<String>,
    /// What the actor is configured with, and its environment.
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) env: BTreeMap<String, String>,
    /// Limits, in bytes.
    pub(crate) memory: u64,
    pub(crate) message: u64,
}

/// A line between the first and the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Which instance, from 1.
    pub(crate) instance: u64,
    /// The position among the lines of the instance, from 1.
    pub(crate) seq: u64,
    #[serde(flatten)]
    pub(crate) event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// A call came in.
    Call(Message),
    /// It ended.
    Answer(Outcome),
    /// The instance sent a message.
    Send(Message),
    /// What came back.
    Reply(Outcome),
    /// The wall clock was read.
    Wall { seconds: u64, nanoseconds: u32 },
    /// The monotonic clock was read.
    Monotonic { nanoseconds: u64 },
    /// Random numbers were asked for; in base64.
    Random { of: Kind, bytes: String },
}

/// The source of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Secure,
    Insecure,
    Seed,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Message {
    /// The import by which it was sent; none of a call that came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) import: Option<String>,
    pub(crate) contract: String,
    pub(crate) function: String,
    /// The text of a JSON object; none where the bytes were no parameters of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The text of a JSON value.
    Result(String),
    /// It gave none.
    Failure { case: String, text: String, started: bool },
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) end: Why,
    /// All lines before this one.
    pub(crate) lines: u64,
    /// The digest of their bytes.
    pub(crate) digest: String,
}

/// Why a recording is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was ended.
    Stopped,
    /// It is as large as it may be.
    Bytes,
    /// It took as long as it may.
    Time,
    /// The actor got another component.
    Replaced,
}

impl Outcome {
    pub(crate) fn failed(failure: &Failure, text: impl FnOnce(&str) -> String) -> Self {
        let (case, message) = failure.error.parts();
        let text = message.map(text).unwrap_or_default();
        Self::Failure { case: case.to_owned(), text, started: failure.progress == Progress::Unknown }
    }

    /// The failure, where it is one that there is.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Result(_) => None,
            Self::Failure { case, text, started } => {
                let error = RpcError::from_parts(case, text)?;
                Some(if *started { Failure::unknown(error) } else { Failure::not_started(error) })
            }
        }
    }
}

impl From<Randomness> for Kind {
    fn from(kind: Randomness) -> Self {
        match kind {
            Randomness::Secure => Kind::Secure,
            Randomness::Insecure => Kind::Insecure,
            Randomness::Seed => Kind::Seed,
        }
    }
}

impl From<Kind> for Randomness {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Secure => Randomness::Secure,
            Kind::Insecure => Randomness::Insecure,
            Kind::Seed => Randomness::Seed,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::Stopped => "it was ended",
            Why::Bytes => "it is as large as it may be",
            Why::Time => "it took as long as it may",
            Why::Replaced => "the actor got another component",
        })
    }
}
