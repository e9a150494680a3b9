//! Values to JSON.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::contract::{Case, Field, Type};
use serde::Serialize;

use super::{EXACT_MAX, INFINITY, NAN, NEGATIVE_INFINITY, is_option, is_string};
use crate::text::written::Written;
use crate::text::{TextError, TextReason};
use crate::value::misfit::{case_at, payload, same_length, variant_payload};
use crate::value::{Misfit, Segment, Value};

type Done = Result<(), TextError>;

pub(in crate::text) fn write(out: &mut Written, ty: &Type, value: &Value) -> Done {
    out.deeper(|out| shaped(out, ty.shape(), value).unwrap_or_else(|| Err(Misfit::kind(ty, value).into())))
}

/// Writes a name or key and its colon.
pub(in crate::text) fn write_key(out: &mut Written, key: &str) -> Done {
    scalar(out, key)?;
    out.push(":")
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
        (Type::Tuple(types), Value::Tuple(values)) => tuple(out, ty, types, values),
        (Type::Variant(cases), Value::Variant { case, payload }) => variant(out, ty, cases, *case, payload.as_deref()),
        (Type::Enum(cases), Value::Enum(case)) => {
            case_at(ty, cases, *case).map_err(TextError::from).and_then(|name| scalar(out, name))
        }
        (Type::Option(_), Value::Option(None)) => out.push("null"),
        (Type::Option(inner), Value::Option(Some(value))) if is_option(inner) => wrapped(out, "some", inner, value),
        (Type::Option(inner), Value::Option(Some(value))) => write(out, inner, value),
        (Type::Result { ok, err }, Value::Result(value)) => match value {
            Ok(value) => either(out, "ok", ok.as_deref(), value.as_deref()),
            Err(value) => either(out, "err", err.as_deref(), value.as_deref()),
        },
        (Type::Flags(names), Value::Flags(set)) => flags(out, ty, names, set),
        (Type::Bool, Value::Bool(value)) => scalar(out, value),
        (Type::F32, Value::F32(value)) => float(out, shortest(*value)),
        (Type::F64, Value::F64(value)) => float(out, *value),
        (Type::Char, Value::Char(value)) => scalar(out, value),
        (Type::String, Value::String(value)) => scalar(out, value),
        _ => return integer(out, ty, value),
    })
}

fn integer(out: &mut Written, ty: &Type, value: &Value) -> Option<Done> {
    Some(match (ty, value) {
        (Type::U8, Value::U8(value)) => scalar(out, value),
        (Type::U16, Value::U16(value)) => scalar(out, value),
        (Type::U32, Value::U32(value)) => scalar(out, value),
        (Type::U64, Value::U64(value)) if *value > EXACT_MAX => scalar(out, &value.to_string()),
        (Type::U64, Value::U64(value)) => scalar(out, value),
        (Type::S8, Value::S8(value)) => scalar(out, value),
        (Type::S16, Value::S16(value)) => scalar(out, value),
        (Type::S32, Value::S32(value)) => scalar(out, value),
        (Type::S64, Value::S64(value)) if value.unsigned_abs() > EXACT_MAX => scalar(out, &value.to_string()),
        (Type::S64, Value::S64(value)) => scalar(out, value),
        _ => return None,
    })
}

/// What JSON has itself: strings, finite numbers, bools.
fn scalar<T: Serialize + ?Sized>(out: &mut Written, value: &T) -> Done {
    let text = serde_json::to_string(value).map_err(|error| TextError::new(TextReason::Json(error)))?;
    out.push(&text)
}

fn float(out: &mut Written, value: f64) -> Done {
    if value.is_nan() {
        scalar(out, NAN)
    } else if value.is_infinite() {
        scalar(out, if value > 0.0 { INFINITY } else { NEGATIVE_INFINITY })
    } else {
        scalar(out, &value)
    }
}

/// The double with the fewest digits that reads back as this float: 0.1 rather than 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    let exact = f64::from(value);
    let short = value.to_string().parse::<f64>().unwrap_or(exact);
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is what is tried")]
    let same = (short as f32).to_bits() == value.to_bits();
    if same { short } else { exact }
}

fn list(out: &mut Written, element: &Type, value: &Value) -> Option<Done> {
    match (element.shape(), value) {
        (Type::U8, Value::Bytes(bytes)) => Some(scalar(out, &STANDARD.encode(bytes))),
        (Type::U8, _) => None,
        (_, Value::List(items)) => Some(elements(out, items.iter().map(|item| (element, item)))),
        _ => None,
    }
}

fn elements<'a>(out: &mut Written, items: impl Iterator<Item = (&'a Type, &'a Value)>) -> Done {
    out.push("[")?;
    for (index, (ty, value)) in items.enumerate() {
        out.separate(index)?;
        write(out, ty, value).map_err(|error| error.within(Segment::Index(index)))?;
    }
    out.push("]")
}

fn tuple(out: &mut Written, ty: &Type, types: &[Type], values: &[Value]) -> Done {
    same_length(ty, types.len(), values.len())?;
    elements(out, types.iter().zip(values))
}

/// An object where each key is a string and none is repeated, else an array of pairs.
fn map(out: &mut Written, key: &Type, item: &Type, entries: &[(Value, Value)]) -> Done {
    let mut seen = BTreeSet::new();
    let names = entries.iter().map(|(key, _)| match key {
        Value::String(text) => seen.insert(text).then_some(text.as_str()),
        _ => None,
    });
    match names.collect::<Option<Vec<&str>>>().filter(|_| is_string(key)) {
        Some(names) => object(out, item, names.into_iter().zip(entries)),
        None => pairs(out, key, item, entries),
    }
}

fn object<'a>(out: &mut Written, item: &Type, entries: impl Iterator<Item = (&'a str, &'a (Value, Value))>) -> Done {
    out.push("{")?;
    for (index, (name, (_, value))) in entries.enumerate() {
        out.separate(index)?;
        write_key(out, name)?;
        write(out, item, value).map_err(|error| error.within(Segment::Key(name.to_owned())))?;
    }
    out.push("}")
}

fn pairs(out: &mut Written, key: &Type, item: &Type, entries: &[(Value, Value)]) -> Done {
    out.push("[")?;
    for (index, (entry_key, entry_item)) in entries.iter().enumerate() {
        out.separate(index)?;
        elements(out, [(key, entry_key), (item, entry_item)].into_iter())
            .map_err(|error| error.within(Segment::Index(index)))?;
    }
    out.push("]")
}

fn record(out: &mut Written, ty: &Type, fields: &[Field], values: &[Value]) -> Done {
    same_length(ty, fields.len(), values.len())?;
    out.push("{")?;
    for (index, (field, value)) in fields.iter().zip(values).enumerate() {
        out.separate(index)?;
        write_key(out, &field.name)?;
        write(out, &field.ty, value).map_err(|error| error.within(Segment::Name(field.name.clone())))?;
    }
    out.push("}")
}

fn variant(out: &mut Written, ty: &Type, cases: &[Case], case: u32, value: Option<&Value>) -> Done {
    let case = case_at(ty, cases, case)?;
    match variant_payload(case, value)? {
        Some((ty, value)) => wrapped(out, &case.name, ty, value),
        None => scalar(out, &case.name),
    }
}

fn either(out: &mut Written, name: &str, ty: Option<&Type>, value: Option<&Value>) -> Done {
    match payload(ty, value)? {
        Some((ty, value)) => wrapped(out, name, ty, value),
        None => {
            out.push("{")?;
            write_key(out, name)?;
            out.push("null}")
        }
    }
}

/// An object of one field.
fn wrapped(out: &mut Written, name: &str, ty: &Type, value: &Value) -> Done {
    out.push("{")?;
    write_key(out, name)?;
    write(out, ty, value).map_err(|error| error.within(Segment::Name(name.to_owned())))?;
    out.push("}")
}

fn flags(out: &mut Written, ty: &Type, names: &[String], set: &[bool]) -> Done {
    same_length(ty, names.len(), set.len())?;
    let set: Vec<&String> = names.iter().zip(set).filter_map(|(name, set)| set.then_some(name)).collect();
    scalar(out, &set)
}
