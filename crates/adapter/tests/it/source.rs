//! Reading contracts out of WIT text and components.

use adapter::generate::contract_text;
use adapter::limits::NESTING_MAX;
use adapter::source::{Source, WitFile, componentize};
use adapter::view::view;
use model::view::Shape;
use wasm_encoder::{
    Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, ComponentValType, InstanceType,
    PrimitiveValType, TypeBounds,
};
use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

const WIT: &str = r#"
package acme:shop@1.2.0;

/// Documentation is no part of a contract.
interface types {
    record item { name: string, cents: u64 }
    enum unused { a, b }
}

interface prices {
    use types.{item};
    type items = list<item>;
    resource basket { add: func(item: item); }
    price: func(items: items) -> result<u64, string>;
    open: func() -> basket;
    later: async func();
    watch: func() -> stream<u8>;
}

interface plain {
    use types.{item};
    total: func(items: list<item>) -> u64;
    count: func() -> u32;
}

world seller {
    import backup: interface {
        use types.{item};
        save: func(item: item);
    }
    import prices;
    export plain;
}
"#;

fn file(text: &str) -> WitFile {
    WitFile { path: "shop.wit".to_owned(), text: text.to_owned() }
}

fn source(text: &str) -> Source {
    Source::from_wit("shop", &[file(text)], &[]).unwrap()
}

/// A core module with the world's component type embedded, its functions traps.
pub(crate) fn module(text: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let package = resolve.push_source("test.wit", text).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, true).unwrap();
    module
}

#[test]
fn a_contract_is_found_by_any_name_that_is_unique() {
    for name in ["acme:shop/plain@1.2.0", "acme:shop/plain", "plain"] {
        assert_eq!(source(WIT).contract(name).unwrap().name.to_string(), "acme:shop/plain@1.2.0");
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let check = |wit: &str, contract: &str, expected: &[&str]| {
        let error = match Source::from_wit("shop", &[file(wit)], &[]) {
            Err(error) => error.to_string(),
            Ok(source) => source.contract(contract).unwrap_err().to_string(),
        };
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
    };
    check(WIT, "cart", &["no contract `cart`", "acme:shop/plain@1.2.0", "acme:shop/prices@1.2.0"]);
    check(WIT, "types", &["`acme:shop/types@1.2.0` has no functions"]);
    check(WIT, "prices", &["acme:shop/prices@1.2.0", "a resource", "basket"]);
    check("package a:b; interface i { f: async func(); }", "i", &["function `f`", "an async function"]);
    check("package a:b; interface i { f: func(s: stream<u8>); }", "i", &["function `f`", "a stream"]);
    check("package a:b; interface i { f: func() -> future<u8>; }", "i", &["function `f`", "a future"]);
    check("package a:b; interface i { f: func() ", "i", &["shop is not valid WIT", "shop.wit"]);
    check("package a:b; interface i { use c:d/e.{f}; }", "i", &["is not valid WIT"]);
}

#[test]
fn the_canonical_text_holds_what_the_contract_uses() {
    insta::assert_snapshot!(contract_text(&source(WIT).contract("plain").unwrap()), @r"
    package lath:canonical;
    package %acme:%shop@1.2.0 {
      interface %plain {
        use %types.{%item as %item};
        %count: func() -> u32;
        %total: func(%items: list<%item>) -> u64;
      }
      interface %types {
        record %item { %name: string, %cents: u64 }
      }
    }
    ");
}

#[test]
fn order_and_documentation_are_no_part_of_a_contract() {
    let other = WIT.replace("/// Documentation is no part of a contract.", "").replace(
        "    total: func(items: list<item>) -> u64;\n    count: func() -> u32;",
        "    count: func() -> u32;\n    total: func(items: list<item>) -> u64;",
    );
    assert_ne!(other, WIT);
    assert_eq!(source(WIT).contract("plain").unwrap(), source(&other).contract("plain").unwrap());
}

#[test]
fn a_type_that_no_function_uses_is_no_part_of_a_contract() {
    let other = WIT.replace("interface plain {", "interface plain {\n    record unused { a: u8 }");
    assert_ne!(other, WIT);
    assert_eq!(source(WIT).contract("plain").unwrap(), source(&other).contract("plain").unwrap());
}

#[test]
fn a_component_shows_its_ports() {
    let wit = WIT
        .replace("resource basket { add: func(item: item); }", "")
        .replace("    open: func() -> basket;\n    later: async func();\n    watch: func() -> stream<u8>;\n", "");
    let module = module(&wit, "seller");
    for bytes in [module.clone(), componentize("seller", &module).unwrap().into_owned()] {
        let view = view("seller", &bytes).unwrap();
        let labels: Vec<_> = view.imports.iter().map(|port| port.label.as_str()).collect();
        assert_eq!(labels, ["acme:shop/prices@1.2.0", "acme:shop/types@1.2.0", "backup"]);
        assert_eq!(view.import("acme:shop/types@1.2.0").unwrap().shape, Shape::Types);
        let backup = view.import("backup").unwrap();
        assert_eq!(backup.contract, None);
        let Shape::Contract(contract) = &backup.shape else { panic!("{backup:?}") };
        assert_eq!(contract.name.to_string(), "local:component/backup");
        assert_eq!(view.export("acme:shop/plain@1.2.0").unwrap().contract.as_ref().unwrap().interface, "plain");
        assert_eq!(view.memories, 1);
    }
}

#[test]
fn a_component_that_needs_more_than_values_is_shown_as_such() {
    let view = view(
        "seller",
        &module(WIT.replace("    later: async func();\n    watch: func() -> stream<u8>;\n", "").as_str(), "seller"),
    )
    .unwrap();
    let Shape::Refused(refusal) = &view.import("acme:shop/prices@1.2.0").unwrap().shape else { panic!("{view:?}") };
    assert!(refusal.to_string().contains("a resource"), "{refusal}");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    for (bytes, expected) in [
        (&b"hello"[..], "not a valid WebAssembly component"),
        (&b"\0asm\x0d\0\x01\0\xff"[..], "not a valid WebAssembly component"),
        (&b"\0asm\x01\0\0\0"[..], "without an embedded component type: it has no custom section"),
        (&b""[..], "not a valid WebAssembly component"),
    ] {
        let error = view("it.wasm", bytes).unwrap_err().to_string();
        assert!(error.contains("it.wasm") && error.contains(expected), "{bytes:?}: {error}");
    }
}

/// A contract whose function takes the last of `count` aliases, each of the one before.
fn aliases(count: usize) -> Result<Source, String> {
    let aliases = (1..count).map(|n| format!("type t{n} = t{};\n", n - 1)).collect::<String>();
    let last = count - 1;
    let text = format!("package a:b;\ninterface c {{ type t0 = u32;\n{aliases} f: func(x: t{last}); }}\n");
    let files = [WitFile { path: "c.wit".to_owned(), text }];
    Source::from_wit("c.wit", &files, &[]).map_err(|error| error.to_string())
}

#[test]
fn a_long_chain_of_types_is_refused() {
    assert!(aliases(NESTING_MAX).unwrap().contract("c").is_ok());
    let error = aliases(50_000).and_then(|source| source.contract("c").map_err(|e| e.to_string())).unwrap_err();
    assert!(error.contains("types nested more than"), "{error}");
    assert!(aliases(NESTING_MAX + 1).is_err());
}

#[test]
fn types_that_double_are_refused_in_good_time() {
    let records = (1..60).map(|n| format!("record t{n} {{ a: t{m}, b: t{m} }}\n", m = n - 1)).collect::<String>();
    let text = format!("package a:b;\ninterface c {{ record t0 {{ a: u8 }}\n{records} f: func(x: t59); }}\n");
    let files = [WitFile { path: "c.wit".to_owned(), text }];
    let contract = Source::from_wit("c.wit", &files, &[]).unwrap().contract("c").unwrap();
    for side in [model::wire::Side::Sender, model::wire::Side::Receiver] {
        assert!(adapter::generate::generate(&contract, side).is_err(), "{side}");
    }
}

#[test]
fn a_long_chain_of_aliases_in_a_component_is_refused() {
    let mut instance = InstanceType::new();
    instance.ty().defined_type().primitive(PrimitiveValType::U32);
    for n in 0..20_000_u32 {
        instance.export(format!("t{n}"), ComponentTypeRef::Type(TypeBounds::Eq(n)));
    }
    instance.ty().function().params([("x", ComponentValType::Type(20_000))]).result(None);
    instance.export("f", ComponentTypeRef::Func(20_001));
    let mut component = Component::new();
    component.section(ComponentTypeSection::new().instance(&instance));
    component.section(ComponentImportSection::new().import("a:b/c", ComponentTypeRef::Instance(0)));
    let error = view("hostile", &component.finish()).unwrap_err().to_string();
    assert!(error.contains("types nested more than"), "{error}");
}
