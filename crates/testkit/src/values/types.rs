//! Generated types.

use std::sync::Arc;

use model::contract::{Case, ContractName, Field, Function, NamedType, Type};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// How deep generated types nest, how many nodes they have at most, how many parts a node has.
const DEPTH: u32 = 4;
const NODES: u32 = 24;
const PARTS: u32 = 4;

/// The most flags of a generated flags type: as many as the component model allows.
const FLAGS_MAX: usize = 32;

/// Words that notations could take for something else come first.
const WORDS: &[&str] =
    &["true", "false", "some", "none", "ok", "err", "inf", "nan", "null", "HTTP", "a", "b2", "kebab-case"];

/// A value type of any kind; records, variants, enums and flags stand behind a name.
pub fn ty() -> BoxedStrategy<Type> {
    leaf().prop_recursive(DEPTH, NODES, PARTS, composed).boxed()
}

/// A function with up to four parameters, with or without a result.
pub fn function() -> BoxedStrategy<Function> {
    (fields(ty(), 0), proptest::option::of(ty())).prop_map(|(params, result)| Function { params, result }).boxed()
}

/// A shape behind a name, which counts for nothing in the encoding.
pub fn named(shape: Type) -> Type {
    let owner = ContractName {
        namespace: "test".to_owned(),
        package: "values".to_owned(),
        interface: "types".to_owned(),
        version: None,
    };
    let name = match shape.shape() {
        Type::Record(_) => "record",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Flags(_) => "flags",
        _ => "alias",
    };
    Type::Named(Arc::new(NamedType { owner, name: format!("a-{name}"), shape }))
}

fn leaf() -> BoxedStrategy<Type> {
    prop_oneof![
        4 => primitive(),
        1 => names(32).prop_map(|cases| named(Type::Enum(cases))),
        1 => names(FLAGS_MAX).prop_map(|flags| named(Type::Flags(flags))),
    ]
    .boxed()
}

fn primitive() -> BoxedStrategy<Type> {
    prop_oneof![key(), select(vec![Type::F32, Type::F64])].boxed()
}

/// A type that may be the key of a map.
fn key() -> BoxedStrategy<Type> {
    select(vec![
        Type::String,
        Type::Bool,
        Type::U8,
        Type::U16,
        Type::U32,
        Type::U64,
        Type::S8,
        Type::S16,
        Type::S32,
        Type::S64,
        Type::Char,
    ])
    .boxed()
}

fn composed(inner: BoxedStrategy<Type>) -> BoxedStrategy<Type> {
    let boxed = inner.clone().prop_map(Box::new);
    let maybe = proptest::option::of(boxed.clone());
    let parts = usize::try_from(PARTS).unwrap_or(1);
    prop_oneof![
        boxed.clone().prop_map(Type::List),
        (boxed.clone(), 1..5u32).prop_map(|(element, count)| Type::FixedList(element, count)),
        (key().prop_map(Box::new), boxed.clone()).prop_map(|(key, item)| Type::Map(key, item)),
        vec(inner.clone(), 1..=parts).prop_map(Type::Tuple),
        boxed.prop_map(Type::Option),
        (maybe.clone(), maybe).prop_map(|(ok, err)| Type::Result { ok, err }),
        fields(inner.clone(), 1).prop_map(|fields| named(Type::Record(fields))),
        cases(inner.clone()).prop_map(|cases| named(Type::Variant(cases))),
        inner.prop_map(named),
    ]
    .boxed()
}

fn fields(inner: BoxedStrategy<Type>, least: usize) -> BoxedStrategy<Vec<Field>> {
    let types = vec(inner, least..=usize::try_from(PARTS).unwrap_or(1));
    let field = |(name, ty)| Field { name, ty };
    (names(usize::try_from(PARTS).unwrap_or(1)), types)
        .prop_map(move |(names, types)| unique(names, types.len()).into_iter().zip(types).map(field).collect())
        .boxed()
}

fn cases(inner: BoxedStrategy<Type>) -> BoxedStrategy<Vec<Case>> {
    let payloads = vec(proptest::option::of(inner), 1..=usize::try_from(PARTS).unwrap_or(1));
    let case = |(name, ty)| Case { name, ty };
    (names(usize::try_from(PARTS).unwrap_or(1)), payloads)
        .prop_map(move |(names, types)| unique(names, types.len()).into_iter().zip(types).map(case).collect())
        .boxed()
}

/// Names that differ, up to `most` of them and at least one.
fn names(most: usize) -> BoxedStrategy<Vec<String>> {
    let word = select(WORDS).prop_map(str::to_owned);
    vec(word, 1..=most).prop_map(|words| unique(words.clone(), words.len())).boxed()
}

/// As many names as asked for, each once: repeated ones and those to fill up get a number.
fn unique(words: Vec<String>, count: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(count);
    let fill = std::iter::repeat_with(|| "filler".to_owned());
    for (index, word) in words.into_iter().chain(fill).take(count).enumerate() {
        let name = if names.contains(&word) { format!("{word}-{index}") } else { word };
        names.push(name);
    }
    names
}
