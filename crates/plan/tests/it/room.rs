//! Where functions have room for failure.

use std::sync::Arc;

use model::contract::{Case, FAILURE_CASES, Function, NamedType, Room, Type, failure_room};

use crate::world::{fallible, name, result, rpc_error};

fn check(result: Option<Type>, expected: Room) {
    let function = Function { params: Vec::new(), result };
    assert_eq!(failure_room(&function), expected, "{function:?}");
}

fn named(shape: Type) -> Type {
    Type::Named(Arc::new(NamedType { owner: name("acme:tax/rates@1.0.0"), name: "problem".to_owned(), shape }))
}

fn variant(cases: &[(&str, Option<Type>)]) -> Type {
    Type::Variant(cases.iter().map(|(name, ty)| Case { name: (*name).to_owned(), ty: ty.clone() }).collect())
}

fn optional(ty: Type) -> Type {
    Type::Option(Box::new(ty))
}

#[test]
fn no_result_and_no_error_have_no_room() {
    check(None, Room::None);
    check(Some(Type::U32), Room::None);
    check(Some(Type::String), Room::None);
    check(Some(Type::Result { ok: Some(Box::new(Type::String)), err: None }), Room::None);
    check(Some(result(Type::U32, Type::U8)), Room::None);
    check(Some(result(Type::U32, named(Type::Enum(vec!["rpc".to_owned()])))), Room::None);
}

#[test]
fn the_platform_error_is_room_through_aliases() {
    check(Some(result(Type::U32, rpc_error())), Room::RpcError);
    check(Some(result(Type::U32, named(rpc_error()))), Room::RpcError);
    check(Some(named(result(Type::U32, named(named(rpc_error()))))), Room::RpcError);
}

#[test]
fn a_string_is_room_through_aliases() {
    check(Some(fallible(Type::U32)), Room::Text);
    check(Some(result(Type::U32, named(Type::String))), Room::Text);
}

#[test]
fn each_known_case_is_room_with_a_string_or_an_optional_one() {
    for case in FAILURE_CASES {
        for payload in [Type::String, optional(Type::String), named(optional(named(Type::String)))] {
            let error = named(variant(&[("not-found", Some(Type::String)), (case, Some(payload))]));
            check(Some(result(Type::U32, error)), Room::Case(case.to_owned()));
        }
        for payload in [None, Some(Type::U32), Some(optional(optional(Type::String)))] {
            check(Some(result(Type::U32, variant(&[(case, payload)]))), Room::None);
        }
    }
    check(Some(result(Type::U32, variant(&[("not-found", Some(Type::String))]))), Room::None);
}

#[test]
fn the_first_case_by_name_wins_whatever_the_order_of_cases() {
    for pair in FAILURE_CASES.windows(2) {
        let error = variant(&[(pair[1], Some(Type::String)), (pair[0], Some(Type::String))]);
        check(Some(result(Type::U32, error)), Room::Case(pair[0].to_owned()));
    }
    let unfit_first = variant(&[("rpc", Some(Type::U8)), ("io", Some(Type::String))]);
    check(Some(result(Type::U32, unfit_first)), Room::Case("io".to_owned()));
}
