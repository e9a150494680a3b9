//! What the generated contracts hold: a generator that lost a kind of type would make every test pass.

use std::collections::BTreeMap;

use model::contract::{Function, Type};
use testkit::wit;

use crate::differential_case::rpc_error;
use crate::differential_room::expected;

/// As many contracts as the normal run of the differential test draws.
const CONTRACTS: u64 = 200;

/// How often each kind occurs.
type Kinds = BTreeMap<String, usize>;

#[test]
fn made_contracts_have_types_of_every_kind() {
    let mut kinds = Kinds::new();
    for seed in 0..CONTRACTS {
        let contract = wit::drawn(&wit::contract(), &mut wit::seeded(seed));
        contract.functions.values().for_each(|function| note_function(function, &mut kinds));
    }
    let lines: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

fn note_function(function: &Function, kinds: &mut Kinds) {
    let mut count = |what: &str| *kinds.entry(format!("function {what}")).or_default() += 1;
    match expected(function, &rpc_error(0)) {
        Some(_) => count("with room for failure"),
        None => count("without room for failure"),
    }
    match function.params.len() {
        0 => count("without parameters"),
        17.. => count("with more than 16 parameters"),
        _ => count("with 1 to 16 parameters"),
    }
    if function.result.is_none() {
        count("without result");
    }
    function.params.iter().map(|param| &param.ty).chain(&function.result).for_each(|ty| note(ty, kinds));
}

/// The kind of a type, and those of its parts.
fn note(ty: &Type, kinds: &mut Kinds) {
    *kinds.entry(kind(ty)).or_default() += 1;
    match ty {
        Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => note(inner, kinds),
        Type::Map(key, item) => [key, item].into_iter().for_each(|ty| note(ty, kinds)),
        Type::Tuple(items) => items.iter().for_each(|ty| note(ty, kinds)),
        Type::Record(fields) => fields.iter().for_each(|field| note(&field.ty, kinds)),
        Type::Result { ok, err } => ok.iter().chain(err).for_each(|ty| note(ty, kinds)),
        Type::Variant(cases) => cases.iter().filter_map(|case| case.ty.as_ref()).for_each(|ty| note(ty, kinds)),
        Type::Named(named) => note(&named.shape, kinds),
        _ => {}
    }
}

fn kind(ty: &Type) -> String {
    match ty {
        Type::Named(named) if named.owner.package == "subject" => "name of its own".to_owned(),
        Type::Named(named) => format!("name of {}", named.owner.unversioned()),
        Type::Flags(names) => format!("flags of {} bytes", names.len().div_ceil(8)),
        Type::Variant(cases) if cases.len() > 256 => "variant of more than 256 cases".to_owned(),
        Type::Enum(cases) if cases.len() > 256 => "enum of more than 256 cases".to_owned(),
        Type::FixedList(..) => "fixed-length list".to_owned(),
        Type::Map(key, _) => format!("map by {key}"),
        other => other.to_string().split(['<', ' ']).next().unwrap_or_default().to_owned(),
    }
}
