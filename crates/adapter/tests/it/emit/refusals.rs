//! What has no adapter yet is refused, naming function and type; and what depends on nothing but the contract.

use adapter::emit::{WIRE_SECTION, emit};
use model::wire::{Side, WireVersion};

use super::roundtrip::EVERYTHING;
use super::support::{interface, parse};

fn check(declarations: &str, expected: &str) {
    let (resolve, id) = parse(&interface(declarations));
    for side in [Side::Sender, Side::Receiver] {
        let error = emit(&resolve, id, side, WireVersion::V1).expect_err(declarations);
        assert_eq!(error.to_string(), expected);
    }
}

fn check_feature(declarations: &str, place: &str, ty: &str, feature: &str) {
    check(
        declarations,
        &format!(
            "{place} of contract t:t/c@1.0.0 uses `{ty}`, and {feature} cannot be carried in a message yet: \
             pass a value type instead, or fuse the two components"
        ),
    );
}

#[test]
fn features_not_covered() {
    check_feature("resource r; f: func(v: r);", "function `f`", "r", "resources");
    check_feature("resource r; f: func(v: list<borrow<r>>);", "function `f`", "borrow<r>", "resources");
    check_feature("resource r { m: func(); }", "function `[method]r.m`", "r", "resources");
    check_feature("resource r; f: func();", "type `r`", "r", "resources");
    check_feature("f: async func();", "function `f`", "async func", "async functions");
    check_feature("f: func(v: stream<u8>);", "function `f`", "stream<u8>", "streams");
    check_feature("f: func() -> option<future<string>>;", "function `f`", "future<string>", "futures");
    check_feature("f: func() -> tuple<u8, error-context>;", "function `f`", "error-context", "error contexts");
    check_feature(
        "record inner { s: stream } variant v { a(inner) } f: func(v: map<u8, v>);",
        "function `f`",
        "stream",
        "streams",
    );
}

#[test]
fn contracts_without_functions() {
    check("type t = u8;", "contract t:t/c@1.0.0 declares no function: link a contract that does");
}

#[test]
fn types_larger_than_any_message() {
    check(
        "f: func(v: list<u64, 10000000>);",
        "a type takes 80000000 bytes in memory, more than the 67108864 a message may decode to: use a list",
    );
}

#[test]
fn keywords_as_names() {
    let wit = "package %interface:%package;\ninterface %world { %func: func(%record: u8) -> u8; }";
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_source("k.wit", wit).unwrap();
    let id = resolve.packages[package].interfaces["world"];
    for side in [Side::Sender, Side::Receiver] {
        emit(&resolve, id, side, WireVersion::V1).unwrap();
    }
}

#[test]
fn equal_contracts_give_equal_bytes() {
    let (resolve, id) = parse(EVERYTHING);
    let (mut crowded, _) = parse("package a:a; interface c { f: func(); }");
    crowded.push_source("b.wit", "package lath:wasmbus@9.0.0; interface types { type payload = u8; }").unwrap();
    let id_in_crowd = crowded.merge(resolve.clone()).unwrap().map_interface(id, wit_parser::Span::default()).unwrap();
    for side in [Side::Sender, Side::Receiver] {
        let bytes = emit(&resolve, id, side, WireVersion::V1).unwrap();
        assert_eq!(bytes, emit(&resolve, id, side, WireVersion::V1).unwrap());
        assert_eq!(bytes, emit(&crowded, id_in_crowd, side, WireVersion::V1).unwrap());
    }
}

#[test]
fn adapters_carry_their_wire_id() {
    let (resolve, id) = parse(&interface("f: func();"));
    let every = WireVersion::ALL.into_iter().flat_map(|wire| [(wire, Side::Sender), (wire, Side::Receiver)]);
    for (wire, side) in every {
        let bytes = emit(&resolve, id, side, wire).unwrap();
        let ids: Vec<Vec<u8>> = wasmparser::Parser::new(0)
            .parse_all(&bytes)
            .filter_map(|payload| match payload.unwrap() {
                wasmparser::Payload::CustomSection(section) if section.name() == WIRE_SECTION => {
                    Some(section.data().to_vec())
                }
                _ => None,
            })
            .collect();
        assert_eq!(ids, [wire.id().as_bytes()]);
    }
}

/// The whole component, as a reader of `lath inspect` would see its parts.
#[test]
fn imports_and_exports() {
    let (resolve, id) = parse(&interface("record r { a: u8 } f: func(v: r) -> result<r, string>;"));
    let mut seen = String::new();
    for side in [Side::Sender, Side::Receiver] {
        let bytes = emit(&resolve, id, side, WireVersion::V1).unwrap();
        let decoded = wit_component::decode(&bytes).unwrap();
        let (resolve, package) = (decoded.resolve(), decoded.package());
        let world = resolve.select_world(&[package], None).unwrap();
        let world = &resolve.worlds[world];
        for (way, items) in [("import", &world.imports), ("export", &world.exports)] {
            for key in items.keys() {
                seen += &format!("{side:?}: {way} {}\n", resolve.name_world_key(key));
            }
        }
    }
    insta::assert_snapshot!(seen, @r"
    Sender: import lath:wasmbus/types@0.1.0
    Sender: import lath:rpc/types@1.0.0
    Sender: import lath:wasmbus/sender@0.1.0
    Sender: export t:t/c@1.0.0
    Receiver: import t:t/c@1.0.0
    Receiver: import lath:wasmbus/types@0.1.0
    Receiver: import lath:rpc/types@1.0.0
    Receiver: export lath:wasmbus/receiver@0.1.0
    ");
}
