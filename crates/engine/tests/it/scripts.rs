//! The component model's own reference tests, run by our two engines.
//!
//! They are `.wast` scripts: components, and what is asserted of them (values that go in and come out, traps, refusals).
//! Of all that registries publish, one package carries them, `wasm-tools` on crates.io: all 72 of the specification, and
//! those that its own validator is tested with. `cargo x setup` fetches it; nothing of it is compiled. No published
//! package carries the scripts that wasmtime adds to them.
//!
//! `wasmtime-wast` could run them too, but a test that depends on it gives wasmtime features (garbage collection, text
//! instead of bytes) which the program we ship does not have. Hence a runner of our own over `wast`, the parser. Other
//! than `wasmtime-wast` it goes on after a failure, so that one unsupported thing hides nothing behind it.
//!
//! What a script asserts and our engines do otherwise is in the snapshots; [`KNOWN`] says why.

mod run;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::EngineError;
use run::{NO_INSTANCE, Outcome, Runner};

use crate::scene::engine;

/// Why a directive may end otherwise than the script says: a part of what is reported, and the reason.
const KNOWN: [(&str, &str); 18] = [
    ("requires the component model async feature", "the plain engine hands such components to the concurrent one"),
    ("requires the component model", "gated in the specification, and no part of WASI 0.3"),
    ("component model `value`s is not enabled", "gated in the specification"),
    ("feature", "memories of 64 bits, values of garbage collection and canonical names: proposals"),
    ("gc types", "no garbage collection: no toolchain of components uses it"),
    ("gc:", "no garbage collection"),
    ("proposal", "proposals of core WebAssembly: exceptions, custom page sizes and descriptors, shared everything"),
    ("shared which is not supported", "no shared memories in a pool"),
    ("invalid leading byte", "a built-in that came after wasmtime 48"),
    ("accepted", "a rule that came after wasmtime 48; what deploys components asks a newer validator first"),
    ("valid", "a name or a type that came after wasmtime 48"),
    ("cannot enter component instance", "calls back into a component were forbidden when wasmtime 48 was made"),
    ("type mismatch for", "wasmtime 48 compares types of core modules exactly"),
    ("immediate must be zero", "a second slot of context came after wasmtime 48"),
    ("for core instance 0 is not a function", "exact types of core functions came after wasmtime 48"),
    ("root-level component imports are not supported", "wasmtime gives no component to a component"),
    ("not read: an export name must be written", "the script tests an older form of the text"),
    ("panic", "wasmtime's validator panics, which is a refusal here"),
];

/// Whether what a script defines is also instantiated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// As the specification's scripts mean it.
    Run,
    /// Only compiled: the scripts of a validator import what nobody provides.
    Compile,
}

fn scripts(folder: &str) -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/wast/tests").join(folder);
    assert!(root.is_dir(), "{} is missing; run `cargo x setup`, which fetches it", root.display());
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "wast") {
                found.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), path);
            }
        }
    }
    found
}

/// Runs every script of `folder`: a line for each, and below it what ended otherwise, by reason, from which line on.
fn report(folder: &str, depth: Depth, concurrent: bool) -> String {
    let engine = engine();
    let wasmtime = engine.wasmtime(concurrent).unwrap();
    let mut text = String::new();
    let (mut held, mut all) = (0, 0);
    for (name, path) in scripts(folder) {
        let script = std::fs::read_to_string(path).unwrap();
        let outcomes = Runner::new(&wasmtime, depth).run(&script);
        let mut reasons: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for Outcome { line, otherwise } in &outcomes {
            let Some(reason) = otherwise else { continue };
            let reason = reason.trim_start_matches(NO_INSTANCE);
            reasons.entry(reason).or_default().push(*line);
        }
        let failed: usize = reasons.values().map(Vec::len).sum();
        text += &format!("{name}: {} of {}\n", outcomes.len() - failed, outcomes.len());
        for (reason, lines) in reasons {
            text += &format!("    {reason}: line {}, {} in all\n", lines[0], lines.len());
        }
        held += outcomes.len() - failed;
        all += outcomes.len();
    }
    format!("{held} of {all} as the scripts say\n\n{text}")
}

fn check(name: &str, report: &str) {
    let otherwise = report.lines().filter(|line| line.starts_with("    "));
    let unknown: Vec<_> = otherwise.filter(|line| !KNOWN.iter().any(|(part, _)| line.contains(part))).collect();
    assert!(unknown.is_empty(), "ended otherwise, and nobody knows why:\n{}", unknown.join("\n"));
    insta::assert_snapshot!(name, report);
}

#[test]
fn the_concurrent_engine_keeps_to_the_specification() {
    check("specification_concurrent", &report("component-model/test", Depth::Run, true));
}

#[test]
fn the_plain_engine_keeps_to_the_specification() {
    check("specification_plain", &report("component-model/test", Depth::Run, false));
}

#[test]
fn the_validator_refuses_what_its_own_scripts_refuse() {
    check("validator", &report("cli/component-model", Depth::Compile, true));
}

/// The script of the validator that wasmtime panics over.
#[test]
fn a_component_that_the_compiler_panics_over_is_refused() {
    let component = r#"(component
        (core module $libc (memory (export "memory") 1))
        (core instance $libc (instantiate $libc))
        (type $future (future u8))
        (core func $write (canon future.write $future async
            (memory (core memory $libc "memory")) (callback (core func 9999)))))"#;
    let error = engine().load(&wat::parse_str(component).unwrap()).unwrap_err();
    assert!(matches!(error, EngineError::Compile(_)), "{error:?}");
}
