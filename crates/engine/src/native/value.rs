//! Between [`Value`]s and wasmtime's own dynamic values.

use model::contract::{Case, Field, Type};
use model::value::Value;
use wasmtime::component::Val;
use wasmtime::{Result, bail, error::Context as _};

/// wasmtime's form of a value.
///
/// # Errors
///
/// Where the value is not of type `ty`.
pub fn lower(ty: &Type, value: &Value) -> Result<Val> {
    Ok(match (ty.shape(), value) {
        (Type::Bool, Value::Bool(v)) => Val::Bool(*v),
        (Type::U8, Value::U8(v)) => Val::U8(*v),
        (Type::U16, Value::U16(v)) => Val::U16(*v),
        (Type::U32, Value::U32(v)) => Val::U32(*v),
        (Type::U64, Value::U64(v)) => Val::U64(*v),
        (Type::S8, Value::S8(v)) => Val::S8(*v),
        (Type::S16, Value::S16(v)) => Val::S16(*v),
        (Type::S32, Value::S32(v)) => Val::S32(*v),
        (Type::S64, Value::S64(v)) => Val::S64(*v),
        (Type::F32, Value::F32(v)) => Val::Float32(*v),
        (Type::F64, Value::F64(v)) => Val::Float64(*v),
        (Type::Char, Value::Char(v)) => Val::Char(*v),
        (Type::String, Value::String(v)) => Val::String(v.clone()),
        (Type::List(_), Value::Bytes(bytes)) => Val::List(bytes.iter().copied().map(Val::U8).collect()),
        (Type::List(element), Value::List(items)) => Val::List(lower_all(element, items)?),
        (Type::FixedList(..), Value::Bytes(bytes)) => {
            Val::FixedLengthList(bytes.iter().copied().map(Val::U8).collect())
        }
        (Type::FixedList(element, _), Value::List(items)) => Val::FixedLengthList(lower_all(element, items)?),
        (Type::Map(key, item), Value::Map(entries)) => {
            Val::Map(entries.iter().map(|(k, v)| Ok((lower(key, k)?, lower(item, v)?))).collect::<Result<_>>()?)
        }
        (Type::Tuple(types), Value::Tuple(items)) => {
            Val::Tuple(types.iter().zip(items).map(|(ty, item)| lower(ty, item)).collect::<Result<_>>()?)
        }
        (Type::Record(fields), Value::Record(items)) => Val::Record(
            fields
                .iter()
                .zip(items)
                .map(|(f, item)| Ok((f.name.clone(), lower(&f.ty, item)?)))
                .collect::<Result<_>>()?,
        ),
        (Type::Variant(cases), Value::Variant { case, payload }) => {
            let case = nth(cases, *case)?;
            Val::Variant(case.name.clone(), lower_payload(case.ty.as_ref(), payload.as_deref())?)
        }
        (Type::Enum(cases), Value::Enum(case)) => Val::Enum(nth(cases, *case)?.clone()),
        (Type::Option(inner), Value::Option(v)) => Val::Option(lower_payload(Some(inner), v.as_deref())?),
        (Type::Result { ok, .. }, Value::Result(Ok(v))) => Val::Result(Ok(lower_payload(ok.as_deref(), v.as_deref())?)),
        (Type::Result { err, .. }, Value::Result(Err(v))) => {
            Val::Result(Err(lower_payload(err.as_deref(), v.as_deref())?))
        }
        (Type::Flags(names), Value::Flags(set)) => {
            Val::Flags(names.iter().zip(set).filter(|(_, set)| **set).map(|(name, _)| name.clone()).collect())
        }
        (ty, value) => bail!("{value:?} is not of type {ty}"),
    })
}

fn lower_all(element: &Type, items: &[Value]) -> Result<Vec<Val>> {
    items.iter().map(|item| lower(element, item)).collect()
}

fn lower_payload(ty: Option<&Type>, value: Option<&Value>) -> Result<Option<Box<Val>>> {
    ty.zip(value).map(|(ty, value)| Ok(Box::new(lower(ty, value)?))).transpose()
}

/// What wasmtime's value means by its type.
///
/// # Errors
///
/// Where the value is not of type `ty`.
pub fn lift(ty: &Type, val: &Val) -> Result<Value> {
    Ok(match (ty.shape(), val) {
        (Type::Bool, Val::Bool(v)) => Value::Bool(*v),
        (Type::U8, Val::U8(v)) => Value::U8(*v),
        (Type::U16, Val::U16(v)) => Value::U16(*v),
        (Type::U32, Val::U32(v)) => Value::U32(*v),
        (Type::U64, Val::U64(v)) => Value::U64(*v),
        (Type::S8, Val::S8(v)) => Value::S8(*v),
        (Type::S16, Val::S16(v)) => Value::S16(*v),
        (Type::S32, Val::S32(v)) => Value::S32(*v),
        (Type::S64, Val::S64(v)) => Value::S64(*v),
        (Type::F32, Val::Float32(v)) => Value::F32(*v),
        (Type::F64, Val::Float64(v)) => Value::F64(*v),
        (Type::Char, Val::Char(v)) => Value::Char(*v),
        (Type::String, Val::String(v)) => Value::String(v.clone()),
        (Type::List(element), Val::List(items)) | (Type::FixedList(element, _), Val::FixedLengthList(items)) => {
            lift_list(element, items)?
        }
        (Type::Map(key, item), Val::Map(entries)) => {
            Value::Map(entries.iter().map(|(k, v)| Ok((lift(key, k)?, lift(item, v)?))).collect::<Result<_>>()?)
        }
        (Type::Tuple(types), Val::Tuple(items)) => {
            Value::Tuple(types.iter().zip(items).map(|(ty, item)| lift(ty, item)).collect::<Result<_>>()?)
        }
        (Type::Record(fields), Val::Record(items)) => {
            Value::Record(fields.iter().zip(items).map(|(field, item)| lift_field(field, item)).collect::<Result<_>>()?)
        }
        (Type::Variant(cases), Val::Variant(name, payload)) => {
            let (index, case) = named(cases, |case: &Case| &case.name, name)?;
            Value::variant(index, lift_payload(case.ty.as_ref(), payload.as_deref())?)
        }
        (Type::Enum(cases), Val::Enum(name)) => Value::Enum(named(cases, |case| case, name)?.0),
        (Type::Option(inner), Val::Option(v)) => Value::Option(lift_payload(Some(inner), v.as_deref())?.map(Box::new)),
        (Type::Result { ok, .. }, Val::Result(Ok(v))) => Value::ok(lift_payload(ok.as_deref(), v.as_deref())?),
        (Type::Result { err, .. }, Val::Result(Err(v))) => Value::err(lift_payload(err.as_deref(), v.as_deref())?),
        (Type::Flags(names), Val::Flags(set)) => Value::Flags(names.iter().map(|name| set.contains(name)).collect()),
        (ty, val) => bail!("{val:?} is not of type {ty}"),
    })
}

fn lift_list(element: &Type, items: &[Val]) -> Result<Value> {
    if !matches!(element.shape(), Type::U8) {
        return Ok(Value::List(items.iter().map(|item| lift(element, item)).collect::<Result<_>>()?));
    }
    let byte = |item: &Val| match item {
        Val::U8(byte) => Ok(*byte),
        other => bail!("{other:?} is not of type u8"),
    };
    Ok(Value::Bytes(items.iter().map(byte).collect::<Result<_>>()?))
}

fn lift_field(field: &Field, (name, val): &(String, Val)) -> Result<Value> {
    if *name != field.name {
        bail!("field `{name}` stands where `{}` should", field.name);
    }
    lift(&field.ty, val)
}

fn lift_payload(ty: Option<&Type>, val: Option<&Val>) -> Result<Option<Value>> {
    match (ty, val) {
        (None, None) | (Some(_), None) => Ok(None),
        (Some(ty), Some(val)) => lift(ty, val).map(Some),
        (None, Some(val)) => bail!("{val:?} where there is no payload"),
    }
}

fn nth<T>(cases: &[T], index: u32) -> Result<&T> {
    cases.get(index as usize).with_context(|| format!("there is no case {index}"))
}

fn named<'a, T>(cases: &'a [T], name: impl Fn(&'a T) -> &'a String, wanted: &str) -> Result<(u32, &'a T)> {
    (0..).zip(cases).find(|(_, case)| name(case) == wanted).with_context(|| format!("there is no case `{wanted}`"))
}
