//! Values made long: counts of several bytes, and messages that outgrow an adapter's first pages.

use adapter::value::Value;
use model::contract::Type;

/// Least bytes of a long string or list of bytes, and elements of a long list.
const BYTES: usize = 20_000;
const ELEMENTS: usize = 300;

/// The value with every string, list and map in it that is not inside another made long by repetition.
pub(crate) fn long(ty: &Type, value: Value) -> Value {
    let payload = |ty: Option<&Type>, value: Option<Box<Value>>| Some(long(ty?, *value?));
    match (ty.shape(), value) {
        (Type::String, Value::String(text)) => Value::String(text.repeat(BYTES / text.len().max(1))),
        (Type::List(_), Value::Bytes(bytes)) => Value::Bytes(bytes.repeat(BYTES / bytes.len().max(1))),
        (Type::List(_), Value::List(items)) => Value::List(repeated(items)),
        (Type::Map(..), Value::Map(entries)) => Value::Map(repeated(entries)),
        (Type::Tuple(types), Value::Tuple(items)) => Value::Tuple(all(types, items)),
        (Type::Record(fields), Value::Record(items)) => Value::Record(all(fields.iter().map(|field| &field.ty), items)),
        (Type::Variant(cases), Value::Variant { case, payload: value }) => {
            Value::variant(case, payload(cases[case as usize].ty.as_ref(), value))
        }
        (Type::Option(inner), Value::Option(value)) => Value::Option(payload(Some(inner), value).map(Box::new)),
        (Type::Result { ok, .. }, Value::Result(Ok(value))) => Value::ok(payload(ok.as_deref(), value)),
        (Type::Result { err, .. }, Value::Result(Err(value))) => Value::err(payload(err.as_deref(), value)),
        (_, value) => value,
    }
}

fn all<'a>(types: impl IntoIterator<Item = &'a Type>, items: Vec<Value>) -> Vec<Value> {
    types.into_iter().zip(items).map(|(ty, item)| long(ty, item)).collect()
}

fn repeated<T: Clone>(items: Vec<T>) -> Vec<T> {
    let count = if items.is_empty() { 0 } else { ELEMENTS };
    items.into_iter().cycle().take(count).collect()
}
