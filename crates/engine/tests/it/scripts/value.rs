//! Values as scripts write them.

use wasmtime::component::Val;
use wast::component::WastVal;

/// The value that is written.
pub fn of(written: &WastVal<'_>) -> Val {
    match written {
        WastVal::Bool(value) => Val::Bool(*value),
        WastVal::U8(value) => Val::U8(*value),
        WastVal::S8(value) => Val::S8(*value),
        WastVal::U16(value) => Val::U16(*value),
        WastVal::S16(value) => Val::S16(*value),
        WastVal::U32(value) => Val::U32(*value),
        WastVal::S32(value) => Val::S32(*value),
        WastVal::U64(value) => Val::U64(*value),
        WastVal::S64(value) => Val::S64(*value),
        WastVal::F32(value) => Val::Float32(f32::from_bits(value.bits)),
        WastVal::F64(value) => Val::Float64(f64::from_bits(value.bits)),
        WastVal::Char(value) => Val::Char(*value),
        WastVal::String(value) => Val::String((*value).to_owned()),
        WastVal::List(values) => Val::List(values.iter().map(of).collect()),
        WastVal::Map(entries) => Val::Map(entries.iter().map(|(key, value)| (of(key), of(value))).collect()),
        WastVal::Record(fields) => {
            Val::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), of(value))).collect())
        }
        WastVal::Tuple(values) => Val::Tuple(values.iter().map(of).collect()),
        WastVal::Variant(case, value) => Val::Variant((*case).to_owned(), boxed(value.as_deref())),
        WastVal::Enum(case) => Val::Enum((*case).to_owned()),
        WastVal::Option(value) => Val::Option(boxed(value.as_deref())),
        WastVal::Result(Ok(value)) => Val::Result(Ok(boxed(value.as_deref()))),
        WastVal::Result(Err(value)) => Val::Result(Err(boxed(value.as_deref()))),
        WastVal::Flags(flags) => Val::Flags(flags.iter().map(|flag| (*flag).to_owned()).collect()),
    }
}

/// Whether `value` is what is written. Any NaN is as good as another: the specification leaves its bits open.
pub fn is(value: &Val, written: &WastVal<'_>) -> bool {
    match (value, written) {
        (Val::Float32(value), WastVal::F32(written)) => {
            value.to_bits() == written.bits || value.is_nan() && f32::from_bits(written.bits).is_nan()
        }
        (Val::Float64(value), WastVal::F64(written)) => {
            value.to_bits() == written.bits || value.is_nan() && f64::from_bits(written.bits).is_nan()
        }
        (Val::FixedLengthList(values) | Val::List(values), WastVal::List(written)) => {
            values.len() == written.len() && values.iter().zip(written).all(|(value, written)| is(value, written))
        }
        _ => *value == of(written),
    }
}

fn boxed(value: Option<&WastVal<'_>>) -> Option<Box<Val>> {
    value.map(|value| Box::new(of(value)))
}
