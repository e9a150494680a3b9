//! What a composite holds, read from its parts.
//!
//! A composite imports one interface under many labels, which the decoder of whole components does not take; its
//! parts are plain components.

use std::collections::BTreeMap;

use model::contract::ContractName;
use model::view::{ComponentView, Port, Shape};
use model::wire::Side;

use super::layout::{self, Layout, Named};
use super::{Kind, Part, Ports, Role, Seen, side};
use crate::compose::RECEIVER;
use crate::compose::labels::Labels;
use crate::source::SourceError;
use crate::view;

/// The interfaces of all parts, by name.
type Shapes = BTreeMap<ContractName, Shape>;

/// Reads the composite of this layout and these labels.
pub(super) fn seen(subject: &str, layout: &Layout<'_>, labels: &Labels) -> Result<Seen, SourceError> {
    let mut shapes = Shapes::new();
    let mut parts = Vec::with_capacity(layout.nested.len());
    for bytes in &layout.nested {
        let view = view::view(subject, bytes)?;
        let ports = view.imports.iter().chain(&view.exports);
        shapes.extend(ports.filter_map(|port| Some((port.contract.clone()?, port.shape.clone()))));
        parts.push(part(bytes, view));
    }
    let implemented = |named: &Named| named.interface.clone();
    // The linker writes no `implements` on exports: the table knows.
    let receives = |named: &Named| {
        let is_receiver = labels.receivers.iter().any(|receiver| receiver.label == named.label);
        if is_receiver { RECEIVER.to_owned() } else { named.interface.clone() }
    };
    Ok(Seen {
        kind: Kind::Composite,
        imports: Ports { interfaces: ports(&layout.imports, &shapes, implemented), functions: Vec::new() },
        exports: Ports { interfaces: ports(&layout.exports, &shapes, receives), functions: Vec::new() },
        contracts: shapes.into_iter().collect(),
        parts,
    })
}

fn ports(named: &[Named], shapes: &Shapes, interface: impl Fn(&Named) -> String) -> Vec<Port> {
    let mut ports: Vec<_> = named
        .iter()
        .map(|named| {
            let contract = interface(named).parse::<ContractName>().ok();
            let shape = contract.as_ref().and_then(|name| shapes.get(name)).cloned().unwrap_or(Shape::Types);
            Port { label: named.label.clone(), contract, shape }
        })
        .collect();
    ports.sort_by(|a, b| a.label.cmp(&b.label));
    ports
}

fn part(bytes: &[u8], view: ComponentView) -> Part {
    let role = match side(&view.imports, &view.exports) {
        None => Role::Actor,
        Some(side) => Role::Adapter {
            side,
            contracts: adapted(match side {
                Side::Sender => view.exports,
                Side::Receiver => view.imports,
            }),
            wire: layout::layout(bytes).ok().and_then(|layout| layout.wire),
        },
    };
    Part { role, digest: view.digest, size: bytes.len() }
}

/// The contracts among an adapter's interfaces. One that was written by hand may use WASI as well.
fn adapted(ports: Vec<Port>) -> Vec<ContractName> {
    let with_functions = ports.into_iter().filter(|port| !matches!(port.shape, Shape::Types));
    with_functions.filter_map(|port| port.contract).filter(|name| name.namespace != "wasi").collect()
}
