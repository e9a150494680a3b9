//! Values to WAVE.

use std::fmt::Write as _;

use model::contract::{Case, Field, Type};
use wasm_wave::lex::Keyword;

use crate::text::TextError;
use crate::text::written::Written;
use crate::value::misfit::{case_at, payload, same_length, variant_payload};
use crate::value::{Misfit, Segment, Value};

type Done = Result<(), TextError>;

pub(in crate::text) fn write(out: &mut Written, ty: &Type, value: &Value) -> Done {
    out.deeper(|out| shaped(out, ty.shape(), value).unwrap_or_else(|| Err(Misfit::kind(ty, value).into())))
}

/// None where the value is not of the type's kind.
fn shaped(out: &mut Written, ty: &Type, value: &Value) -> Option<Done> {
    Some(match (ty, value) {
        (Type::List(element), value) => return list(out, element, value),
        (Type::FixedList(element, count), value) => {
            let wanted = usize::try_from(*count).unwrap_or(usize::MAX);
            let found = match value {
                Value::Bytes(bytes) => bytes.len(),
                Value::List(items) => items.len(),
                _ => return None,
            };
            return match same_length(ty, wanted, found) {
                Ok(()) => list(out, element, value),
                Err(error) => Some(Err(error.into())),
            };
        }
        (Type::Map(key, item), Value::Map(entries)) => map(out, key, item, entries),
        (Type::Record(fields), Value::Record(values)) => record(out, ty, fields, values),
        (Type::Tuple(types), Value::Tuple(values)) => same_length(ty, types.len(), values.len())
            .map_err(TextError::from)
            .and_then(|()| items(out, "(", ")", types.iter().zip(values))),
        (Type::Variant(cases), Value::Variant { case, payload }) => variant(out, ty, cases, *case, payload.as_deref()),
        (Type::Enum(cases), Value::Enum(case)) => {
            case_at(ty, cases, *case).map_err(TextError::from).and_then(|name| label(out, name))
        }
        (Type::Option(_), Value::Option(None)) => out.push("none"),
        (Type::Option(inner), Value::Option(Some(value))) => wrapped(out, "some", inner, value),
        (Type::Result { ok, err }, Value::Result(value)) => match value {
            Ok(value) => either(out, "ok", ok.as_deref(), value.as_deref()),
            Err(value) => either(out, "err", err.as_deref(), value.as_deref()),
        },
        (Type::Flags(names), Value::Flags(set)) => flags(out, ty, names, set),
        (Type::Bool, Value::Bool(value)) => out.push_display(value),
        (Type::Char, Value::Char(value)) => out.push(&format!("'{}'", Escaped(*value))),
        (Type::String, Value::String(value)) => string(out, value),
        _ => return number(out, ty, value),
    })
}

fn number(out: &mut Written, ty: &Type, value: &Value) -> Option<Done> {
    Some(match (ty, value) {
        (Type::U8, Value::U8(value)) => out.push_display(value),
        (Type::U16, Value::U16(value)) => out.push_display(value),
        (Type::U32, Value::U32(value)) => out.push_display(value),
        (Type::U64, Value::U64(value)) => out.push_display(value),
        (Type::S8, Value::S8(value)) => out.push_display(value),
        (Type::S16, Value::S16(value)) => out.push_display(value),
        (Type::S32, Value::S32(value)) => out.push_display(value),
        (Type::S64, Value::S64(value)) => out.push_display(value),
        (Type::F32, Value::F32(value)) if value.is_nan() => out.push("nan"),
        (Type::F64, Value::F64(value)) if value.is_nan() => out.push("nan"),
        (Type::F32, Value::F32(value)) => out.push_display(value),
        (Type::F64, Value::F64(value)) => out.push_display(value),
        _ => return None,
    })
}

fn string(out: &mut Written, value: &str) -> Done {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for char in value.chars() {
        // Writing to a string cannot fail.
        let _ = write!(quoted, "{}", Escaped(char));
    }
    quoted.push('"');
    out.push(&quoted)
}

/// A character as WAVE's lexer takes it, in either kind of quote.
struct Escaped(char);

impl std::fmt::Display for Escaped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            '\t' | '\n' | '\r' | '\'' | '"' | '\\' => self.0.escape_default().fmt(f),
            char if char.is_control() => char.escape_unicode().fmt(f),
            char => char.escape_debug().fmt(f),
        }
    }
}

/// A case's name; one that is a keyword too is marked.
fn label(out: &mut Written, name: &str) -> Done {
    if Keyword::decode(name).is_some() {
        out.push("%")?;
    }
    out.push(name)
}

fn list(out: &mut Written, element: &Type, value: &Value) -> Option<Done> {
    match (element.shape(), value) {
        (Type::U8, Value::Bytes(bytes)) => Some(byte_list(out, bytes)),
        (Type::U8, _) => None,
        (_, Value::List(values)) => Some(items(out, "[", "]", values.iter().map(|value| (element, value)))),
        _ => None,
    }
}

fn byte_list(out: &mut Written, bytes: &[u8]) -> Done {
    out.push("[")?;
    for (index, byte) in bytes.iter().enumerate() {
        out.separate(index)?;
        out.push_display(byte)?;
    }
    out.push("]")
}

fn items<'a>(out: &mut Written, open: &str, close: &str, items: impl Iterator<Item = (&'a Type, &'a Value)>) -> Done {
    out.push(open)?;
    for (index, (ty, value)) in items.enumerate() {
        out.separate(index)?;
        write(out, ty, value).map_err(|error| error.within(Segment::Index(index)))?;
    }
    out.push(close)
}

fn map(out: &mut Written, key: &Type, item: &Type, entries: &[(Value, Value)]) -> Done {
    out.push("{")?;
    for (index, (entry_key, entry_item)) in entries.iter().enumerate() {
        out.separate(index)?;
        write(out, key, entry_key)
            .and_then(|()| out.push(": "))
            .and_then(|()| write(out, item, entry_item))
            .map_err(|error| error.within(Segment::Index(index)))?;
    }
    out.push("}")
}

/// Fields that are `none` are left out, as WAVE has it; a record without fields left is `{:}`.
fn record(out: &mut Written, ty: &Type, fields: &[Field], values: &[Value]) -> Done {
    same_length(ty, fields.len(), values.len())?;
    let present = fields.iter().zip(values).filter(|(field, value)| !is_none(&field.ty, value));
    out.push("{")?;
    let mut count = 0;
    for (field, value) in present {
        out.separate(count)?;
        out.push(&field.name)?;
        out.push(": ")?;
        write(out, &field.ty, value).map_err(|error| error.within(Segment::Name(field.name.clone())))?;
        count += 1;
    }
    out.push(if count == 0 { ":}" } else { "}" })
}

fn is_none(ty: &Type, value: &Value) -> bool {
    matches!((ty.shape(), value), (Type::Option(_), Value::Option(None)))
}

fn variant(out: &mut Written, ty: &Type, cases: &[Case], case: u32, value: Option<&Value>) -> Done {
    let case = case_at(ty, cases, case)?;
    let payload = variant_payload(case, value)?;
    label(out, &case.name)?;
    payload.map_or(Ok(()), |(ty, value)| in_parentheses(out, &case.name, ty, value))
}

fn either(out: &mut Written, name: &str, ty: Option<&Type>, value: Option<&Value>) -> Done {
    match payload(ty, value)? {
        Some((ty, value)) => wrapped(out, name, ty, value),
        None => out.push(name),
    }
}

fn wrapped(out: &mut Written, name: &str, ty: &Type, value: &Value) -> Done {
    out.push(name)?;
    in_parentheses(out, name, ty, value)
}

fn in_parentheses(out: &mut Written, name: &str, ty: &Type, value: &Value) -> Done {
    out.push("(")?;
    write(out, ty, value).map_err(|error| error.within(Segment::Name(name.to_owned())))?;
    out.push(")")
}

fn flags(out: &mut Written, ty: &Type, names: &[String], set: &[bool]) -> Done {
    same_length(ty, names.len(), set.len())?;
    let set = names.iter().zip(set).filter_map(|(name, set)| set.then_some(name));
    out.push("{")?;
    for (index, name) in set.enumerate() {
        out.separate(index)?;
        out.push(name)?;
    }
    out.push("}")
}
