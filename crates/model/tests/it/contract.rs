//! Contracts: what a consumer may be served by, other names.

use std::sync::Arc;

use model::contract::{Case, Contract, ContractName, Field, Function, NamedType, Type, structurally_equal};
use model::failure::RpcError;

fn name(text: &str) -> ContractName {
    text.parse().unwrap()
}

fn named(owner: &str, label: &str, shape: Type) -> Type {
    Type::Named(Arc::new(NamedType { owner: name(owner), name: label.to_owned(), shape }))
}

fn record(fields: &[(&str, Type)]) -> Type {
    Type::Record(fields.iter().map(|(name, ty)| Field { name: (*name).to_owned(), ty: ty.clone() }).collect())
}

fn variant(cases: &[(&str, Option<Type>)]) -> Type {
    Type::Variant(cases.iter().map(|(name, ty)| Case { name: (*name).to_owned(), ty: ty.clone() }).collect())
}

/// A function's name, parameters and result.
type Signature<'a> = (&'a str, &'a [(&'a str, Type)], Option<Type>);

fn contract(functions: &[Signature<'_>]) -> Contract {
    let functions = functions.iter().map(|(name, params, result)| {
        let params = params.iter().map(|(name, ty)| Field { name: (*name).to_owned(), ty: ty.clone() }).collect();
        ((*name).to_owned(), Function { params, result: result.clone() })
    });
    Contract { name: name("a:b/c@1.0.0"), functions: functions.collect() }
}

#[test]
fn types_are_compared_by_structure() {
    let list = |ty: Type| Type::List(Box::new(ty));
    let result = |ok: Option<Type>, err: Option<Type>| Type::Result { ok: ok.map(Box::new), err: err.map(Box::new) };
    let item = record(&[("id", Type::U32)]);
    for (left, right, equal) in [
        (named("a:b/c", "item", item.clone()), named("x:y/z", "thing", item.clone()), true),
        (named("a:b/c", "item", item.clone()), item.clone(), true),
        (list(item.clone()), list(named("a:b/c", "item", item.clone())), true),
        (item.clone(), record(&[("key", Type::U32)]), false),
        (item.clone(), record(&[("id", Type::U64)]), false),
        (item.clone(), record(&[("id", Type::U32), ("x", Type::Bool)]), false),
        (variant(&[("a", None)]), variant(&[("a", Some(Type::Bool))]), false),
        (variant(&[("a", Some(item.clone()))]), variant(&[("a", Some(named("x:y/z", "t", item.clone())))]), true),
        (result(None, Some(Type::String)), result(None, Some(Type::String)), true),
        (result(None, Some(Type::String)), result(Some(Type::String), None), false),
        (Type::FixedList(Box::new(Type::U8), 4), Type::FixedList(Box::new(Type::U8), 5), false),
        (Type::FixedList(Box::new(Type::U8), 4), list(Type::U8), false),
        (
            Type::Map(Box::new(Type::String), Box::new(item.clone())),
            Type::Map(Box::new(Type::String), Box::new(item)),
            true,
        ),
        (Type::Tuple(vec![Type::U8]), Type::Tuple(vec![Type::U8, Type::U8]), false),
        (Type::Enum(vec!["a".to_owned()]), Type::Enum(vec!["b".to_owned()]), false),
        (Type::Flags(vec!["a".to_owned()]), Type::Enum(vec!["a".to_owned()]), false),
        (Type::Option(Box::new(Type::Bool)), Type::Option(Box::new(Type::Bool)), true),
        (Type::S32, Type::U32, false),
    ] {
        assert_eq!(structurally_equal(&left, &right), equal, "{left} and {right}");
        assert_eq!(structurally_equal(&right, &left), equal, "{right} and {left}");
    }
}

#[test]
fn a_consumer_s_functions_must_be_served_alike() {
    let given = contract(&[
        ("get", &[("key", Type::String)], Some(Type::U32)),
        ("put", &[("key", Type::String), ("value", Type::U32)], None),
    ]);
    let check = |wanted: &Contract, expected: &str| match wanted.is_served_by(&given) {
        Ok(()) => assert_eq!(expected, "", "{wanted:?}"),
        Err(mismatch) => assert_eq!(mismatch.to_string(), expected),
    };
    check(&given, "");
    check(&contract(&[("get", &[("key", Type::String)], Some(Type::U32))]), "");
    check(&contract(&[]), "");
    check(&contract(&[("del", &[], None)]), "function `del` is missing");
    check(
        &contract(&[("get", &[], Some(Type::U32))]),
        "function `get` differs in the number of parameters (0 wanted, 1 given)",
    );
    check(
        &contract(&[("get", &[("name", Type::String)], Some(Type::U32))]),
        "function `get` differs in the name of a parameter (`name` wanted, `key` given)",
    );
    check(
        &contract(&[("get", &[("key", Type::U8)], Some(Type::U32))]),
        "function `get` differs in parameter `key` (`u8` wanted, `string` given)",
    );
    check(
        &contract(&[("put", &[("key", Type::String), ("value", Type::U32)], Some(Type::Bool))]),
        "function `put` differs in the result (`bool` wanted, none given)",
    );
}

#[test]
fn a_renamed_contract_names_its_own_types_anew_and_no_others() {
    let own = named("local:component/backup", "item", record(&[("id", Type::U32)]));
    let foreign = named("lath:rpc/types@1.0.0", "rpc-error", Type::Enum(vec!["x".to_owned()]));
    let result = Type::Result { ok: Some(Box::new(own)), err: Some(Box::new(foreign.clone())) };
    let mut before = contract(&[("get", &[("all", Type::List(Box::new(result.clone())))], Some(result))]);
    before.name = name("local:component/backup");
    let after = before.renamed(&name("a:b/c@1.0.0"));
    assert_eq!(after.name, name("a:b/c@1.0.0"));
    let Some(Type::Result { ok: Some(ok), err: Some(err) }) = &after.functions["get"].result else {
        panic!("{after:?}")
    };
    let Type::Named(ok) = &**ok else { panic!("{ok:?}") };
    assert_eq!((ok.owner.to_string(), ok.name.as_str()), ("a:b/c@1.0.0".to_owned(), "item"));
    assert_eq!(**err, foreign);
    assert_eq!(after.renamed(&before.name), before);
}

#[test]
fn each_failure_has_one_status() {
    for (case, status) in [
        ("actor-handler", 502),
        ("host-error", 503),
        ("deadline-exceeded", 504),
        ("timeout", 504),
        ("transport", 503),
        ("invalid-parameter", 403),
        ("deser", 502),
        ("method-not-handled", 502),
        ("other", 502),
        ("not-initialized", 502),
    ] {
        let error = RpcError::from_parts(case, "why").unwrap();
        assert_eq!((error.http_status(), error.parts().0), (status, case));
    }
    assert_eq!(RpcError::from_parts("tired", ""), None);
    assert_eq!(RpcError::Deser("why".to_owned()).to_string(), "deser: why");
    assert_eq!(RpcError::NotImplemented.to_string(), "not-implemented");
}
