//! One contract has one sender and one receiver, whoever describes it, wherever, in whatever order.

use std::fs;
use std::path::Path;

use adapter::generate::{contract_text, generate};
use adapter::source::{Source, WitFile};
use model::contract::Contract;
use model::digest::Digest;
use model::wire::Side;
use testkit::wit;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A contract that is read back from a description of it gives the same adapters.
fn check(contract: &Contract, described: &Source, how: &str) {
    let again = described.contract(&contract.name.to_string()).unwrap();
    assert_eq!(contract_text(&again), contract_text(contract), "{how}");
    assert!(again == *contract, "{how}: another contract than\n{}", contract_text(contract));
    for side in [Side::Sender, Side::Receiver] {
        let same = generate(&again, side).unwrap() == generate(contract, side).unwrap();
        assert!(same, "{how}: another {side} of\n{}", contract_text(contract));
    }
}

/// How many contracts are described in several ways.
const CONTRACTS: u64 = 48;

#[test]
fn equal_contracts_give_equal_bytes() {
    for seed in 0..CONTRACTS {
        let contract = wit::drawn(&wit::contract(), &mut wit::seeded(seed));
        let canonical = contract_text(&contract);
        let packages: Vec<_> = Package::all(&canonical).iter().map(|package| package.text(seed)).collect();
        let (main, dependencies) = documents(&contract, &packages);
        check(&contract, &Source::from_wit("text", &main, &dependencies).unwrap(), "as text in another order");
        let resolve = resolve(&packages);
        let mut known = resolve.packages.iter();
        let package = known.find(|(_, package)| package.name.name == contract.name.package).unwrap().0;
        let encoded = wit_component::encode(&resolve, package, false).unwrap();
        check(&contract, &Source::from_wasm("package", &encoded).unwrap(), "as an encoded package");
        for direction in ["import", "export"] {
            let module = module(&contract, direction, &packages);
            check(&contract, &Source::from_wasm("module", &module).unwrap(), &format!("as an {direction} of a module"));
            let mut encoder = ComponentEncoder::default();
            let component = encoder.module(&module).unwrap().validate(true).encode().unwrap();
            let source = Source::from_wasm("component", &component).unwrap();
            check(&contract, &source, &format!("as an {direction} of a component"));
        }
    }
}

/// A package of the canonical text, taken apart: its name and its interfaces, each a name and one line for each item.
struct Package<'a> {
    name: &'a str,
    interfaces: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Package<'a> {
    fn all(text: &'a str) -> Vec<Self> {
        let mut packages: Vec<Self> = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("package ").and_then(|line| line.strip_suffix(" {")) {
                packages.push(Self { name, interfaces: Vec::new() });
            } else if let Some(name) = line.strip_prefix("interface ").and_then(|line| line.strip_suffix(" {")) {
                packages.last_mut().unwrap().interfaces.push((name, Vec::new()));
            } else if let Some((_, items)) = packages.last_mut().and_then(|package| package.interfaces.last_mut())
                && line != "}"
            {
                items.push(line);
            }
        }
        packages
    }

    /// The package with its items in another order, with documentation and with an interface more.
    fn text(&self, order: u64) -> String {
        let mut text = format!(
            "/// A package.\npackage {};\n/// Not of the contract.\ninterface zz-more {{ f: func(); }}\n",
            self.name
        );
        for (name, items) in &self.interfaces {
            let mut items = items.clone();
            items.sort_by_key(|item| Digest::of(format!("{order}{item}").as_bytes()));
            let items: String =
                items.iter().map(|item| format!("  /// Item {order}.\n  {item} // so it is\n")).collect();
            text.push_str(&format!("/// Interface.\ninterface {name} {{\n{items}}}\n"));
        }
        text
    }
}

/// The contract's own package, and the others with one that nobody uses.
fn documents(contract: &Contract, packages: &[String]) -> (Vec<WitFile>, Vec<Vec<WitFile>>) {
    let file = |text: &String| WitFile { path: "some.wit".to_owned(), text: text.clone() };
    let (main, others): (Vec<_>, Vec<_>) =
        packages.iter().partition(|text| text.contains(&format!("package {};", quoted(contract))));
    let unused = "package aa:unused@3.0.0; interface types { type t1 = u8; }".to_owned();
    (main.into_iter().map(file).collect(), others.into_iter().chain([&unused]).map(|text| vec![file(text)]).collect())
}

/// The contract's package as WIT, with version.
fn quoted(contract: &Contract) -> String {
    let version = contract.name.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
    format!("%{}:%{}{version}", contract.name.namespace, contract.name.package)
}

fn resolve(packages: &[String]) -> Resolve {
    let file = |text: &String| wit_parser::UnresolvedPackageGroup::parse("some.wit", text).unwrap();
    let app = "package aa:app;".to_owned();
    let mut resolve = Resolve::default();
    resolve.push_groups(file(&app), packages.iter().map(file).collect()).unwrap();
    resolve
}

/// A core module that imports or exports the contract.
fn module(contract: &Contract, direction: &str, packages: &[String]) -> Vec<u8> {
    let mut resolve = resolve(packages);
    let world = format!("package aa:user; world w {{ {direction} {}; }}", contract.name);
    let package = resolve.push_source("world.wit", &world).unwrap();
    let world = resolve.packages[package].worlds["w"];
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    module
}

/// Three toolchains wrote the three kvcounters; they run on the very same adapters.
#[test]
fn components_of_three_languages_share_their_adapters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let components = [
        "examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm",
        "examples/kvcounter/js/build/kvcounter.wasm",
        "examples/kvcounter/python/build/kvcounter.wasm",
    ];
    let digests: Vec<[Digest; 2]> = components.iter().map(|component| digests(&root.join(component))).collect();
    assert_eq!(digests[0], digests[1], "Rust and JavaScript");
    assert_eq!(digests[0], digests[2], "Rust and Python");
}

/// The digests of what a kvcounter needs: a sender of the store, a receiver of HTTP.
fn digests(component: &Path) -> [Digest; 2] {
    let subject = component.display().to_string();
    let bytes = fs::read(component).unwrap_or_else(|error| panic!("{subject}: {error}; run `cargo x guests` first"));
    let source = Source::from_wasm(&subject, &bytes).unwrap();
    let digest = |name, side| Digest::of(&generate(&source.contract(name).unwrap(), side).unwrap());
    [digest("lath:keyvalue/counter", Side::Sender), digest("lath:httpserver/handler", Side::Receiver)]
}
