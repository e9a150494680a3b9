//! What there is to see in some bytes: imports, exports, contracts, adapters inside, labels, sizes.
//!
//! [`inspect`] takes a component, a core module with an embedded component type or an encoded WIT package;
//! [`contracts`] takes any [`Source`], so WIT text too.

mod composite;
mod layout;

use std::sync::Arc;

use model::contract::ContractName;
use model::digest::Digest;
use model::view::{Port, Shape};
use model::wire::Side;
use wasmparser::{BinaryReaderError, Parser};
use wit_parser::{WorldItem, WorldKey};

use crate::compose::labels::Labels;
use crate::source::{Extractor, Source, SourceError, componentize, interface_name};
use crate::view::{self, memories};

/// What some bytes are and hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What the bytes are.
    pub kind: Kind,
    /// Their digest, as given.
    pub digest: Digest,
    /// Their number.
    pub size: usize,
    /// Linear memories that one instance defines.
    pub memories: u32,
    /// Core code and nested components.
    pub code: Code,
    /// The wire id that an adapter declares.
    pub wire: Option<String>,
    /// What it asks for.
    pub imports: Ports,
    /// What it offers.
    pub exports: Ports,
    /// Every named interface that the bytes describe, whether it can travel as messages or not.
    pub contracts: Vec<(ContractName, Shape)>,
    /// The components nested in a composite, in their order; empty for anything else.
    pub parts: Vec<Part>,
    /// The table of a composite's labels.
    pub labels: Option<Labels>,
}

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component made by composing: it has a table of labels.
    Composite,
    /// A sender or a receiver.
    Adapter(Side),
    /// Any other component.
    Component,
    /// A core module with an embedded component type.
    Module,
    /// WIT, encoded.
    WitPackage,
}

/// One side of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Interfaces, in order of their labels.
    pub interfaces: Vec<Port>,
    /// Functions outside of any interface, by name.
    pub functions: Vec<String>,
}

/// How much code there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Core modules, at whatever depth.
    pub modules: usize,
    /// Bytes of all core modules.
    pub modules_size: usize,
    /// Nested components, at whatever depth.
    pub components: usize,
}

/// A component nested in a composite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is there for.
    pub role: Role,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: usize,
}

/// What a nested component is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It holds an actor's code.
    Actor,
    /// It is an adapter.
    Adapter {
        /// Which one of the two.
        side: Side,
        /// The contracts that it adapts; one, unless it was written by hand.
        contracts: Vec<ContractName>,
        /// The wire id that it declares.
        wire: Option<String>,
    },
}

/// Looks into `bytes`; `subject` names them in errors.
pub fn inspect(subject: &str, bytes: &[u8]) -> Result<Inspection, SourceError> {
    let component = componentize(subject, bytes)?;
    let layout = layout::layout(&component).map_err(|error| broken(subject, &error))?;
    let labels = Labels::read(&component);
    let seen = match &labels {
        Some(labels) => composite::seen(subject, &layout, labels)?,
        None => seen(subject, &component)?,
    };
    Ok(Inspection {
        kind: if Parser::is_core_wasm(bytes) { Kind::Module } else { seen.kind },
        digest: Digest::of(bytes),
        size: bytes.len(),
        memories: memories::count(&component).map_err(|error| broken(subject, &error))?,
        code: layout.code,
        wire: layout.wire,
        imports: seen.imports,
        exports: seen.exports,
        contracts: seen.contracts,
        parts: seen.parts,
        labels,
    })
}

/// What is read in one way from a composite, in another from anything else.
struct Seen {
    kind: Kind,
    imports: Ports,
    exports: Ports,
    contracts: Vec<(ContractName, Shape)>,
    parts: Vec<Part>,
}

fn seen(subject: &str, component: &[u8]) -> Result<Seen, SourceError> {
    let source = Source::from_wasm(subject, component)?;
    let view = view::view(subject, component)?;
    let (imports, exports) = lone_functions(&source);
    let kind = match side(&view.imports, &view.exports) {
        _ if source.world.is_none() => Kind::WitPackage,
        Some(side) => Kind::Adapter(side),
        None => Kind::Component,
    };
    Ok(Seen {
        kind,
        imports: Ports { interfaces: view.imports, functions: imports },
        exports: Ports { interfaces: view.exports, functions: exports },
        contracts: contracts(&source),
        parts: Vec::new(),
    })
}

fn broken(subject: &str, error: &BinaryReaderError) -> SourceError {
    SourceError::Wasm { subject: subject.to_owned(), reason: error.to_string() }
}

/// Every named interface of a source: a contract that can travel as messages, types only, or why it cannot.
pub fn contracts(source: &Source) -> Vec<(ContractName, Shape)> {
    let resolve = &source.resolve;
    let named = resolve.interfaces.iter().filter_map(|(id, _)| Some((id, interface_name(resolve, id)?)));
    let mut contracts: Vec<_> = named
        .map(|(id, name)| {
            let shape = match Extractor::new(resolve).contract(id, name.clone()) {
                Ok(contract) if contract.functions.is_empty() => Shape::Types,
                Ok(contract) => Shape::Contract(Arc::new(contract)),
                Err(refusal) => Shape::Refused(refusal),
            };
            (name, shape)
        })
        .collect();
    contracts.sort_by(|(a, _), (b, _)| a.cmp(b));
    contracts
}

/// An adapter shows itself by the bus interface that it imports or exports under its own name.
fn side(imports: &[Port], exports: &[Port]) -> Option<Side> {
    let has = |ports: &[Port], interface: &str| {
        ports.iter().any(|port| port.label.split_once('@').map_or(port.label.as_str(), |(name, _)| name) == interface)
    };
    if has(exports, "lath:wasmbus/receiver") {
        Some(Side::Receiver)
    } else if has(imports, "lath:wasmbus/sender") {
        Some(Side::Sender)
    } else {
        None
    }
}

/// Functions that a component imports and exports outside of interfaces.
fn lone_functions(source: &Source) -> (Vec<String>, Vec<String>) {
    let Some(world) = source.world.and_then(|id| source.resolve.worlds.get(id)) else { return Default::default() };
    let names = |item: (&WorldKey, &WorldItem)| match item {
        (key, WorldItem::Function(_)) => Some(source.resolve.name_world_key(key)),
        _ => None,
    };
    (world.imports.iter().filter_map(names).collect(), world.exports.iter().filter_map(names).collect())
}
