//! Whether bytes are the adapter that they are said to be.

use adapter::emit::{RPC_WIT, WASMBUS_WIT, WIRE_SECTION};
use adapter::generate::generate;
use adapter::generator;
use adapter::source::{Source, WitFile};
use adapter::verify::{VerifyError, verify};
use model::contract::Contract;
use model::wire::Side;
use wasm_encoder::{CustomSection, Encode, Section};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

const WIT: &str = "package test:made@1.0.0;
    interface rates { record rate { base: string, factor: f64 } get: func(code: string) -> option<rate>; set: func(rate: rate); }";

fn contract(text: &str) -> Contract {
    let file = WitFile { path: "made.wit".to_owned(), text: text.to_owned() };
    Source::from_wit("the test", &[file], &[]).unwrap().contract("rates").unwrap()
}

fn check(bytes: &[u8], contract: &Contract, side: Side, wire: &str, expected: &str) {
    let error = verify("made", bytes, contract, side, wire).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn an_adapter_is_that_of_its_contract_side_and_wire_alone() {
    let rates = contract(WIT);
    for (side, other) in [(Side::Sender, Side::Receiver), (Side::Receiver, Side::Sender)] {
        let made = generate(&rates, side).unwrap();
        verify("made", &made, &rates, side, "lath/1").unwrap();
        check(&made, &rates, other, "lath/1", &format!("it is a {side}, and not a {other}"));
        check(&made, &rates, side, "lath/9", "it declares wire `lath/1`, and not wire `lath/9`");
        let port = if side == Side::Sender { "export" } else { "import" };
        let missing = format!("its {port} `test:made/rates@1.0.0` is missing, or is not what the contract says");
        for text in
            [WIT.replace("get:", "find:"), WIT.replace("f64", "f32"), WIT.replace(" set: func(rate: rate);", "")]
        {
            check(&made, &contract(&text), side, "lath/1", &missing);
        }
        let renamed = contract(&WIT.replace("test:made", "test:other"));
        check(&made, &renamed, side, "lath/1", "`test:other/rates@1.0.0` is missing");
    }
}

#[test]
fn other_bytes_are_no_adapter() {
    let rates = contract(WIT);
    let made = generate(&rates, Side::Sender).unwrap();
    check(b"garbage", &rates, Side::Sender, "lath/1", "made is not a valid WebAssembly component");
    check(&made[..made.len() / 2], &rates, Side::Sender, "lath/1", "made is not a valid WebAssembly component");
    check(
        b"\0asm\x0d\0\x01\0",
        &rates,
        Side::Sender,
        "lath/1",
        "it is a component that neither imports nor exports the bus",
    );
    // The wire id is the last section.
    let without_wire = &made[..made.len() - WIRE_SECTION.len() - "lath/1".len() - 3];
    check(without_wire, &rates, Side::Sender, "lath/1", "it declares no wire, and not wire `lath/1`");
}

#[test]
fn an_adapter_has_no_more_than_its_two_interfaces() {
    let simple = contract("package test:made@1.0.0; interface rates { get: func(); }");
    let check = |more: &str, expected: Option<(&str, &str)>| match verify(
        "made",
        &dummy(more),
        &simple,
        Side::Sender,
        "lath/1",
    ) {
        Err(VerifyError::Extra { port, label }) => assert_eq!(Some((port, label.as_str())), expected),
        other => assert!(other.is_ok() && expected.is_none(), "{other:?}"),
    };
    check("", None);
    check("import types;", None);
    check("import door;", Some(("import", "test:made/door@1.0.0")));
    check("export door;", Some(("export", "test:made/door@1.0.0")));
    check("import open: func();", Some(("import", "open")));
}

/// A component that shows a sender's interfaces, and more.
fn dummy(more: &str) -> Vec<u8> {
    let text = format!(
        "package test:made@1.0.0;
         interface rates {{ get: func(); }}
         interface door {{ open: func(); }}
         interface types {{ record empty {{ no: bool }} }}
         world made {{ import lath:wasmbus/sender@0.1.0; export rates; {more} }}"
    );
    let mut resolve = Resolve::default();
    resolve.push_source("rpc.wit", RPC_WIT).unwrap();
    resolve.push_source("wasmbus.wit", WASMBUS_WIT).unwrap();
    let package = resolve.push_source("made.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("made")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    let mut component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap();
    let section = CustomSection { name: WIRE_SECTION.into(), data: b"lath/1".into() };
    component.push(section.id());
    section.encode(&mut component);
    component
}

#[test]
fn what_refuses_a_contract_names_function_and_type() {
    let text =
        "package test:made@1.0.0; interface rates { resource store; open: func(at: own<store>); plain: func(); }";
    let refused = generator::adapter("test:made/rates@1.0.0", text, Side::Sender, 1).unwrap_err();
    let generator::Error::Refused { place, ty, .. } = &refused else { panic!("{refused:?}") };
    assert!(place.contains("open") && ty.contains("store"), "{refused}");
    let rates = generator::adapter("test:made/rates@1.0.0", WIT, Side::Sender, 1).unwrap();
    assert!(rates == generate(&contract(WIT), Side::Sender).unwrap());
    for (name, wit, wire, expected) in [
        ("test:made/rates@1.0.0", WIT, 99, "it does not write version 99 of the wire"),
        ("test:made/other@1.0.0", WIT, 1, "has no contract `test:made/other@1.0.0`"),
        ("test:made/rates@1.0.0", "interface {", 1, "it cannot read the contract"),
    ] {
        let error = generator::adapter(name, wit, Side::Sender, wire).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
