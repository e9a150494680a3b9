//! Where a component does something else than what was recorded, for a person.

use std::fmt;

use adapter::text::{Notation, params_from_json, params_to, result_from_json, result_to};
use adapter::value::Value;
use model::contract::Function;

use crate::limits::DIFFERENCE_CHARS_MAX;
use crate::record::line::{Message, Outcome};
use crate::record::reading::Served;

/// The first thing that a component does otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The call in which it does, among all calls of the recording, from 1.
    pub call: u64,
    /// The instance that served it.
    pub instance: u64,
    /// The function that was called: `contract#function`.
    pub function: String,
    /// What differs.
    pub what: What,
    /// What was recorded, in WAVE; none where there was nothing.
    pub expected: Option<String>,
    /// What the component did, in WAVE; none where it did nothing.
    pub got: Option<String>,
}

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The call itself: the component cannot be called like that.
    Call,
    /// A message that it sends.
    Message,
    /// The reply to a message, which is none of its contract.
    Reply,
    /// The answer.
    Answer,
    /// It asks for more random numbers.
    Random,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Call => "call",
            What::Message => "message",
            What::Reply => "reply",
            What::Answer => "answer",
            What::Random => "random",
        })
    }
}

/// A difference, as it is found in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) what: What,
    pub(super) expected: Option<String>,
    pub(super) got: Option<String>,
}

impl Found {
    pub(super) fn at(self, served: &Served, instance: u64) -> Difference {
        let function = format!("{}#{}", served.message.contract, served.message.function);
        let (expected, got) = (self.expected.map(short), self.got.map(short));
        Difference { call: served.number, instance, function, what: self.what, expected, got }
    }
}

/// At most [`DIFFERENCE_CHARS_MAX`] characters.
fn short(text: String) -> String {
    match text.char_indices().nth(DIFFERENCE_CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text,
    }
}

/// A recorded call or message in WAVE; in JSON, as the recording has it, where its function is not known.
pub(super) fn call(message: &Message, function: Option<&Function>) -> String {
    let text = message.params.as_deref().unwrap_or("?");
    let values = function.and_then(|function| Some((function, params_from_json(function, text).ok()?)));
    let params = match values {
        Some((function, values)) => params(function, &values),
        None => text.to_owned(),
    };
    format!("{}#{}{params}", message.contract, message.function)
}

/// Parameters in WAVE.
pub(super) fn params(function: &Function, values: &[Value]) -> String {
    let wave = params_to(Notation::Wave, function, values);
    wave.or_else(|_| params_to(Notation::Json, function, values)).unwrap_or_else(|error| error.to_string())
}

/// A result in WAVE.
pub(super) fn result(function: &Function, value: Option<&Value>) -> String {
    if value.is_none() {
        return "no value".to_owned();
    }
    let wave = result_to(Notation::Wave, function, value);
    wave.or_else(|_| result_to(Notation::Json, function, value)).unwrap_or_else(|error| error.to_string())
}

/// A recorded answer in WAVE.
pub(super) fn answer(function: &Function, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Result(text) => match result_from_json(function, text) {
            Ok(value) => result(function, value.as_ref()),
            Err(_) => text.clone(),
        },
        Outcome::Failure { case, text, .. } => format!("failure {case}: {text}"),
    }
}
