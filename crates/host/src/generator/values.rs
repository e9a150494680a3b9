//! The values of `lath:generator/generator`.

use adapter::generator::{Error, Info};
use model::value::Value;

use super::GeneratorError;
use crate::limits::{GENERATOR_NAME_BYTES_MAX, GENERATOR_WIRES_MAX};

/// A `contract`.
pub(super) fn contract(name: String, wit: String) -> Value {
    Value::Record(vec![Value::String(name), Value::String(wit)])
}

/// A `generator-info`, within bounds.
///
/// # Errors
///
/// It is none, or names nothing that it could do.
pub fn info(answer: Option<Value>) -> Result<Info, GeneratorError> {
    let [name, version, wires] = fields(answer)?;
    let (name, version) = (word("name", text(name)?)?, word("version", text(version)?)?);
    let Value::List(wires) = wires else { return Err(strange("`wires` is no list")) };
    if wires.is_empty() || wires.len() > GENERATOR_WIRES_MAX {
        return Err(strange(&format!("it names {} wires, not between 1 and {GENERATOR_WIRES_MAX}", wires.len())));
    }
    let wire = |wire| match wire {
        Value::U32(wire) => Ok(wire),
        _ => Err(strange("a wire is no number")),
    };
    Ok(Info { name, version, wires: wires.into_iter().map(wire).collect::<Result<_, _>>()? })
}

/// A `result<list<u8>, error>`.
pub(super) fn adapter(answer: Option<Value>) -> Result<Result<Vec<u8>, Error>, GeneratorError> {
    match answer {
        Some(Value::Result(Ok(Some(bytes)))) => match *bytes {
            Value::Bytes(bytes) => Ok(Ok(bytes)),
            _ => Err(strange("an adapter is no bytes")),
        },
        Some(Value::Result(Err(Some(error)))) => Ok(Err(refusal(*error)?)),
        _ => Err(strange("it is no result")),
    }
}

/// An `error`, by its cases' order.
fn refusal(error: Value) -> Result<Error, GeneratorError> {
    let Value::Variant { case, payload } = error else { return Err(strange("an error is no variant")) };
    let payload = payload.map(|payload| *payload);
    Ok(match (case, payload) {
        (0, Some(Value::String(reason))) => Error::Contract(reason),
        (1, refused) => {
            let [place, ty, reason] = fields(refused)?;
            Error::Refused { place: text(place)?, ty: text(ty)?, reason: text(reason)? }
        }
        (2, Some(Value::U32(wire))) => Error::Wire(wire),
        (3, Some(Value::String(reason))) => Error::Other(reason),
        _ => return Err(strange("an error has no such case")),
    })
}

fn fields<const N: usize>(record: Option<Value>) -> Result<[Value; N], GeneratorError> {
    let Some(Value::Record(fields)) = record else { return Err(strange("it is no record")) };
    fields.try_into().map_err(|_| strange("a record has other fields"))
}

fn text(value: Value) -> Result<String, GeneratorError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(strange("a text is none")),
    }
}

/// A short text without control characters, since it is shown in messages.
fn word(field: &str, text: String) -> Result<String, GeneratorError> {
    let is_good = !text.is_empty() && text.len() <= GENERATOR_NAME_BYTES_MAX && !text.chars().any(char::is_control);
    if is_good {
        return Ok(text);
    }
    let most = GENERATOR_NAME_BYTES_MAX;
    Err(strange(&format!("its `{field}` must have 1 to {most} bytes, without control characters")))
}

fn strange(reason: &str) -> GeneratorError {
    GeneratorError::Answer { reason: reason.to_owned() }
}
