//! Generated types and values, for tests that hold for all of them.

mod types;

pub use types::{function, named, ty};

use adapter::value::Value;
use model::contract::{Case, Function, Type};
use proptest::collection::vec;
use proptest::num;
use proptest::prelude::*;
use proptest::strategy::Union;

/// The most elements of a generated list or map.
const ELEMENTS_MAX: usize = 5;

/// A type together with a value of it.
pub fn typed() -> BoxedStrategy<(Type, Value)> {
    ty().prop_flat_map(|ty| (Just(ty.clone()), value(&ty))).boxed()
}

/// A function together with parameters and a result for it.
pub fn called() -> BoxedStrategy<(Function, Vec<Value>, Option<Value>)> {
    let call = |function: Function| {
        let (params, result) = (params(&function), result(&function));
        (Just(function), params, result)
    };
    function().prop_flat_map(call).boxed()
}

/// Parameters for a function.
pub fn params(function: &Function) -> BoxedStrategy<Vec<Value>> {
    function.params.iter().map(|param| value(&param.ty)).collect::<Vec<_>>().boxed()
}

/// A result of a function.
pub fn result(function: &Function) -> BoxedStrategy<Option<Value>> {
    optional(function.result.as_ref())
}

/// A value of a type; the ends of ranges and the rare characters come often.
pub fn value(ty: &Type) -> BoxedStrategy<Value> {
    match ty.shape() {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Type::U16 => edges(&[0, 127, 128, u16::MAX]).prop_map(Value::U16).boxed(),
        Type::U32 => edges(&[0, 127, 128, 16383, 16384, u32::MAX]).prop_map(Value::U32).boxed(),
        Type::U64 => edges(&[0, 1 << 53, (1 << 53) + 1, u64::MAX]).prop_map(Value::U64).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::S8).boxed(),
        Type::S16 => edges(&[0, -64, -65, 63, 64, i16::MIN, i16::MAX]).prop_map(Value::S16).boxed(),
        Type::S32 => edges(&[0, -1, 63, 64, i32::MIN, i32::MAX]).prop_map(Value::S32).boxed(),
        Type::S64 => edges(&[0, -(1 << 53), -(1 << 53) - 1, i64::MIN, i64::MAX]).prop_map(Value::S64).boxed(),
        Type::F32 => num::f32::ANY.prop_map(Value::F32).boxed(),
        Type::F64 => num::f64::ANY.prop_map(Value::F64).boxed(),
        Type::Char => character().prop_map(Value::Char).boxed(),
        Type::String => string().prop_map(Value::String).boxed(),
        Type::List(element) => list(element, 0..=ELEMENTS_MAX),
        Type::FixedList(element, count) => list(element, *count as usize..=*count as usize),
        Type::Map(key, item) => vec((value(key), value(item)), 0..=ELEMENTS_MAX).prop_map(Value::Map).boxed(),
        Type::Record(fields) => {
            fields.iter().map(|field| value(&field.ty)).collect::<Vec<_>>().prop_map(Value::Record).boxed()
        }
        Type::Tuple(types) => types.iter().map(value).collect::<Vec<_>>().prop_map(Value::Tuple).boxed(),
        Type::Variant(cases) => Union::new((0..).zip(cases).map(|(index, case)| variant(index, case))).boxed(),
        Type::Enum(cases) => (0..u32::try_from(cases.len()).unwrap_or(1)).prop_map(Value::Enum).boxed(),
        Type::Option(inner) => prop_oneof![Just(Value::none()), value(inner).prop_map(Value::some),].boxed(),
        Type::Result { ok, err } => {
            prop_oneof![optional(ok.as_deref()).prop_map(Value::ok), optional(err.as_deref()).prop_map(Value::err),]
                .boxed()
        }
        Type::Flags(names) => vec(any::<bool>(), names.len()).prop_map(Value::Flags).boxed(),
        Type::Named(_) => value(ty.shape()),
    }
}

fn list(element: &Type, count: std::ops::RangeInclusive<usize>) -> BoxedStrategy<Value> {
    match element.shape() {
        Type::U8 => vec(any::<u8>(), count).prop_map(Value::Bytes).boxed(),
        _ => vec(value(element), count).prop_map(Value::List).boxed(),
    }
}

fn variant(index: u32, case: &Case) -> BoxedStrategy<Value> {
    optional(case.ty.as_ref()).prop_map(move |payload| Value::variant(index, payload)).boxed()
}

fn optional(ty: Option<&Type>) -> BoxedStrategy<Option<Value>> {
    ty.map_or_else(|| Just(None).boxed(), |ty| value(ty).prop_map(Some).boxed())
}

fn edges<T>(edges: &[T]) -> BoxedStrategy<T>
where
    T: Arbitrary + Copy + std::fmt::Debug + 'static,
{
    let edges = Union::new(edges.iter().map(|edge| Just(*edge)));
    prop_oneof![edges, any::<T>()].boxed()
}

fn character() -> BoxedStrategy<char> {
    prop_oneof![
        any::<char>(),
        proptest::char::range(' ', '~'),
        Union::new(
            "\0\t\n\r\"'\\\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}\u{301}\u{2028}"
                .chars()
                .map(Just)
        ),
    ]
    .boxed()
}

fn string() -> BoxedStrategy<String> {
    vec(character(), 0..12).prop_map(String::from_iter).boxed()
}
