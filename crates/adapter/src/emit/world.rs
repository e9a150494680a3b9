//! The world of an adapter, the platform's interfaces in it, and the wrapping of the core module as a component.

use model::wire::Side;
use wasm_encoder::{CustomSection, Encode, Section};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{
    Function, Interface, InterfaceId, LiftLowerAbi, ManglingAndAbi, PackageName, Resolve, TypeId, WasmExport,
    WasmExportKind, WasmImport, WorldId, WorldKey,
};

use super::WIRE_SECTION;
use super::error::EmitError;

/// The platform's frozen types.
pub const RPC_WIT: &str = include_str!("../../../../wit/lath-rpc/types.wit");
/// The platform's bus.
pub const WASMBUS_WIT: &str = include_str!("../../../../wit/lath-wasmbus/wasmbus.wit");

/// Names of core functions, as `wit-component` expects them.
const NAMES: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// A contract and the bus in one world.
pub(super) struct World {
    pub(super) resolve: Resolve,
    world: WorldId,
    /// The bus function: `send` or `receive`.
    pub(super) bus: Function,
    bus_key: WorldKey,
    contract_key: WorldKey,
    pub(super) contract: String,
    pub(super) functions: Vec<Function>,
    /// The platform's `rpc-error`.
    pub(super) rpc_error: TypeId,
}

impl World {
    pub(super) fn new(
        contract_resolve: &Resolve,
        contract: InterfaceId,
        name: &str,
        side: Side,
    ) -> Result<Self, EmitError> {
        let mut resolve = contract_resolve.clone();
        let platform = platform().map_err(|source| EmitError::Bus { source })?;
        resolve.merge(platform).map_err(|e| EmitError::Bus { source: e.into() })?;
        let failed = |source| EmitError::World { contract: name.to_owned(), source };
        let world = define_world(&mut resolve, contract, side).map_err(failed)?;
        let (bus_name, bus_function) = match side {
            Side::Sender => ("sender", "send"),
            Side::Receiver => ("receiver", "receive"),
        };
        let bus_interface = platform_interface(&resolve, "lath:wasmbus", bus_name)?;
        let bus = interface(&resolve, bus_interface)?.functions.get(bus_function).cloned();
        let types = platform_interface(&resolve, "lath:rpc", "types")?;
        let rpc_error = interface(&resolve, types)?.types.get("rpc-error").copied();
        let functions = interface(&resolve, contract)?.functions.values().cloned().collect();
        Ok(Self {
            world,
            bus: bus.ok_or(EmitError::Inconsistent { what: "bus function" })?,
            bus_key: WorldKey::Interface(bus_interface),
            contract_key: WorldKey::Interface(contract),
            contract: name.to_owned(),
            functions,
            rpc_error: rpc_error.ok_or(EmitError::Inconsistent { what: "bus error" })?,
            resolve,
        })
    }

    pub(super) fn bus_import(&self) -> (String, String) {
        let func = WasmImport::Func { interface: Some(&self.bus_key), func: &self.bus };
        self.resolve.wasm_import_name(NAMES, func)
    }

    pub(super) fn contract_import(&self, func: &Function) -> (String, String) {
        let func = WasmImport::Func { interface: Some(&self.contract_key), func };
        self.resolve.wasm_import_name(NAMES, func)
    }

    pub(super) fn bus_export(&self) -> String {
        self.export_name(&self.bus_key, &self.bus)
    }

    pub(super) fn contract_export(&self, func: &Function) -> String {
        self.export_name(&self.contract_key, func)
    }

    fn export_name(&self, key: &WorldKey, func: &Function) -> String {
        let export = WasmExport::Func { interface: Some(key), func, kind: WasmExportKind::Normal };
        self.resolve.wasm_export_name(NAMES, export)
    }

    pub(super) fn realloc_export(&self) -> String {
        self.resolve.wasm_export_name(NAMES, WasmExport::Realloc)
    }

    /// Makes a component of the core module, and marks it with its wire id.
    pub(super) fn wrap(&self, mut module: Vec<u8>, wire: &str) -> Result<Vec<u8>, EmitError> {
        let encoding = StringEncoding::UTF8;
        wit_component::embed_component_metadata(&mut module, &self.resolve, self.world, encoding, false)
            .and_then(|()| ComponentEncoder::default().validate(true).module(&module)?.encode())
            .map(|mut component| {
                let section = CustomSection { name: WIRE_SECTION.into(), data: wire.as_bytes().into() };
                component.push(section.id());
                section.encode(&mut component);
                component
            })
            .map_err(|e| EmitError::Wrap { contract: self.contract.clone(), source: e.into() })
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn platform() -> Result<Resolve, Cause> {
    let mut resolve = Resolve::default();
    resolve.push_source("lath-rpc.wit", RPC_WIT)?;
    resolve.push_source("lath-wasmbus.wit", WASMBUS_WIT)?;
    Ok(resolve)
}

fn interface(resolve: &Resolve, id: InterfaceId) -> Result<&Interface, EmitError> {
    resolve.interfaces.get(id).ok_or(EmitError::Inconsistent { what: "interface" })
}

fn platform_interface(resolve: &Resolve, package: &str, name: &str) -> Result<InterfaceId, EmitError> {
    let matches = |id: &PackageName| format!("{}:{}", id.namespace, id.name) == package;
    let versions: &[&str] = &["1.0.0", "0.1.0"];
    resolve
        .packages
        .iter()
        .filter(|(_, p)| matches(&p.name))
        .filter(|(_, p)| p.name.version.as_ref().is_some_and(|v| versions.contains(&v.to_string().as_str())))
        .find_map(|(_, p)| p.interfaces.get(name).copied())
        .ok_or(EmitError::Inconsistent { what: "bus interface" })
}

fn define_world(resolve: &mut Resolve, contract: InterfaceId, side: Side) -> Result<WorldId, Cause> {
    let interface = interface(resolve, contract)?;
    let package = interface.package.and_then(|id| resolve.packages.get(id));
    let path = package
        .zip(interface.name.as_ref())
        .map(|(package, name)| escaped_path(&package.name, name))
        .ok_or("the interface has no package")?;
    let body = match side {
        Side::Sender => format!("import lath:wasmbus/sender@0.1.0; export {path};"),
        Side::Receiver => format!("import {path}; export lath:wasmbus/receiver@0.1.0;"),
    };
    let text = format!("package lath:adapter-world;\nworld adapter {{ {body} }}\n");
    let package = resolve.push_source("adapter.wit", &text)?;
    Ok(resolve.select_world(&[package], Some("adapter"))?)
}

/// Every part may be a keyword.
fn escaped_path(package: &PackageName, interface: &str) -> String {
    let version = package.version.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
    format!("%{}:%{}/%{interface}{version}", package.namespace, package.name)
}
