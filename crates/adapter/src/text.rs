//! Values in text: JSON by the one table of `docs/JSON.md`, and WAVE, the component model's own notation for values.
//!
//! Reading is strict and bounded; every error names the place, what is needed there in WIT's words, and what was
//! found. [`params_from_args`] is what a command line needs.

mod args;
mod error;
mod json;
mod suggest;
mod wave;
mod written;

pub use args::{Arguments, params_from_args};
pub use error::{TextError, TextReason};

use model::contract::{Function, Type};

use crate::limits::{TEXT_MAX, WAVE_MAX};
use crate::value::misfit::{result, same_length};
use crate::value::{Misfit, Segment, Value};
use written::Written;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// JSON, by the table of `docs/JSON.md`.
    Json,
    /// WAVE, the WebAssembly value encoding of wasm-tools.
    Wave,
}

/// Reads a value.
pub fn read(notation: Notation, ty: &Type, text: &str) -> Result<Value, TextError> {
    within_bound(notation, text)?;
    match notation {
        Notation::Json => json::read(ty, &json::parse(text)?),
        Notation::Wave => wave::read(ty, text),
    }
}

/// Writes a value, on one line.
pub fn write(notation: Notation, ty: &Type, value: &Value) -> Result<String, TextError> {
    let mut out = Written::new(notation);
    write_value(&mut out, ty, value)?;
    Ok(out.into_text())
}

/// Reads the parameters of a call from JSON: an object by name, or an array by position. A parameter of an option
/// type may be left out of an object; a function without parameters takes `{}`, `[]` or no text at all.
pub fn params_from_json(function: &Function, text: &str) -> Result<Vec<Value>, TextError> {
    within_bound(Notation::Json, text)?;
    if function.params.is_empty() && text.trim().is_empty() {
        return Ok(Vec::new());
    }
    json::read_params(&function.params, &json::parse(text)?)
}

/// Writes the parameters of a call: in JSON an object by name, in WAVE a list in parentheses.
pub fn params_to(notation: Notation, function: &Function, params: &[Value]) -> Result<String, TextError> {
    let misfit = |error: Misfit| TextError::from(error.rooted_at("params"));
    same_length(&"params", function.params.len(), params.len()).map_err(misfit)?;
    let (open, close) = match notation {
        Notation::Json => ("{", "}"),
        Notation::Wave => ("(", ")"),
    };
    let mut out = Written::new(notation);
    out.push(open)?;
    for (index, (param, value)) in function.params.iter().zip(params).enumerate() {
        out.separate(index)?;
        if notation == Notation::Json {
            json::write_key(&mut out, &param.name)?;
        }
        write_value(&mut out, &param.ty, value)
            .map_err(|error| error.within(Segment::Name(param.name.clone())).rooted_at("params"))?;
    }
    out.push(close)?;
    Ok(out.into_text())
}

/// Reads the result of a call from JSON; where the function has none, `null` or no text at all.
pub fn result_from_json(function: &Function, text: &str) -> Result<Option<Value>, TextError> {
    within_bound(Notation::Json, text)?;
    match &function.result {
        Some(ty) => json::read(ty, &json::parse(text)?).map(Some),
        None if text.trim().is_empty() => Ok(None),
        None => json::read_nothing(&json::parse(text)?).map(|()| None),
    }
}

/// Writes the result of a call; where the function has none, `null` in JSON and nothing in WAVE.
pub fn result_to(notation: Notation, function: &Function, value: Option<&Value>) -> Result<String, TextError> {
    match (result(function.result.as_ref(), value)?, notation) {
        (Some((ty, value)), _) => write(notation, ty, value).map_err(|error| error.rooted_at("result")),
        (None, Notation::Json) => Ok("null".to_owned()),
        (None, Notation::Wave) => Ok(String::new()),
    }
}

fn write_value(out: &mut Written, ty: &Type, value: &Value) -> Result<(), TextError> {
    match out.notation() {
        Notation::Json => json::write(out, ty, value),
        Notation::Wave => wave::write(out, ty, value),
    }
}

fn within_bound(notation: Notation, text: &str) -> Result<(), TextError> {
    let max = match notation {
        Notation::Json => TEXT_MAX,
        Notation::Wave => WAVE_MAX,
    };
    if text.len() <= max { Ok(()) } else { Err(TextError::new(TextReason::TextTooLong { max })) }
}
