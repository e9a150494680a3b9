//! Composites for tests, from WAT and WIT.

use std::path::Path;
use std::sync::LazyLock;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, Resolve, WorldId};

/// The guest of `guest.wat`, for contracts of plain functions.
pub static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| guest(include_str!("guest.wat"), ""));

/// The same guest behind the async pair.
pub static CONCURRENT: LazyLock<Vec<u8>> = LazyLock::new(|| guest(include_str!("guest.wat"), "async-"));

/// The same guest with debug information.
pub static WITH_DEBUG_INFO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut parser = wat::Parser::new();
    parser.generate_dwarf(wat::GenerateDwarf::Full);
    let module = parser.parse_str(Some(Path::new("guest.wat")), include_str!("guest.wat")).unwrap();
    encode(module, &world(""))
});

/// A guest from a core module that knows `send0`, `receive0` and WASI.
pub fn guest(module: &str, prefix: &str) -> Vec<u8> {
    encode(wat::parse_str(module).unwrap(), &world(prefix))
}

/// A guest from a core module in a world of its own.
pub fn in_world(module: &str, world: &str) -> Vec<u8> {
    encode(wat::parse_str(module).unwrap(), world)
}

/// A component from WAT.
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A component that imports something of every WASI interface, and the names of those interfaces.
pub fn everything() -> (Vec<u8>, Vec<String>) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wasi.wit", include_str!("wasi.wit")).unwrap();
    let world = resolve.select_world(&[package], Some("everything")).unwrap();
    let module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    let names = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
    (with_metadata(module, &resolve, world), names)
}

fn world(prefix: &str) -> String {
    format!(
        "package test:guest;
         world guest {{
             import send0: lath:wasmbus/{prefix}sender@0.1.0;
             include test:wasi/everything;
             export receive0: lath:wasmbus/{prefix}receiver@0.1.0;
         }}"
    )
}

fn encode(module: Vec<u8>, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    for package in ["lath-rpc", "lath-wasmbus"] {
        resolve.push_dir(wit.join(package)).unwrap();
    }
    resolve.push_str("wasi.wit", include_str!("wasi.wit")).unwrap();
    let package: PackageId = resolve.push_str("guest.wit", world).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    with_metadata(module, &resolve, world)
}

fn with_metadata(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}
