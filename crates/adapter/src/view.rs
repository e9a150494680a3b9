//! What a component shows of itself, for the planner.

pub(crate) mod memories;

use std::sync::Arc;

use model::contract::ContractName;
use model::digest::Digest;
use model::view::{ComponentView, Port, Shape};
use wit_parser::{InterfaceId, Resolve, WorldItem, WorldKey};

use crate::source::{Extractor, Source, SourceError, componentize, interface_name};

/// Reads a component's imports and exports. A core module with an embedded component type is wrapped first, and the
/// digest is that of `bytes` as given.
pub fn view(subject: &str, bytes: &[u8]) -> Result<ComponentView, SourceError> {
    let component = componentize(subject, bytes)?;
    let source = Source::from_wasm(subject, &component)?;
    let world = source.world.and_then(|id| source.resolve.worlds.get(id));
    let mut view = ComponentView {
        digest: Digest::of(bytes),
        imports: Vec::new(),
        exports: Vec::new(),
        memories: memories::count(&component)
            .map_err(|error| SourceError::Wasm { subject: subject.to_owned(), reason: error.to_string() })?,
    };
    if let Some(world) = world {
        view.imports = ports(&source.resolve, world.imports.iter());
        view.exports = ports(&source.resolve, world.exports.iter());
    }
    Ok(view)
}

fn ports<'a>(resolve: &Resolve, items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Vec<Port> {
    let mut ports: Vec<Port> = items
        .filter_map(|(key, item)| match item {
            WorldItem::Interface { id, .. } => Some(port(resolve, resolve.name_world_key(key), *id)),
            _ => None,
        })
        .collect();
    ports.sort_by(|a, b| a.label.cmp(&b.label));
    ports
}

fn port(resolve: &Resolve, label: String, id: InterfaceId) -> Port {
    let contract = interface_name(resolve, id);
    let name = contract.clone().unwrap_or_else(|| local_name(&label));
    let shape = match Extractor::new(resolve).contract(id, name) {
        Ok(contract) if contract.functions.is_empty() => Shape::Types,
        Ok(contract) => Shape::Contract(Arc::new(contract)),
        Err(refusal) => Shape::Refused(refusal),
    };
    Port { label, contract, shape }
}

/// The stand-in name of an inline interface.
fn local_name(label: &str) -> ContractName {
    ContractName {
        namespace: "local".to_owned(),
        package: "component".to_owned(),
        interface: label.to_owned(),
        version: None,
    }
}
