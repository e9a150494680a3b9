//! What the intent asks for: the link of an import, and the actors that are called.

use std::collections::BTreeSet;

use model::contract::Contract;
use model::ids::ActorName;
use model::manifest::{Link, LinkTarget, Reach};
use model::view::{ComponentView, Port, Shape};

use super::Checker;

impl<'a> Checker<'a> {
    /// The link that the manifest gives an import: the first of its keys, from the closest, that is there.
    pub(super) fn asked(&self, actor: &ActorName, port: &Port) -> Option<&'a Link> {
        let links = &self.intent.manifest.actors.get(actor)?.links;
        match port.shape {
            Shape::Types => None,
            Shape::Contract(_) | Shape::Refused(_) => keys(port).iter().find_map(|key| links.get(key.as_str())),
        }
    }

    /// The links of every import of every actor.
    fn all_asked(&self) -> impl Iterator<Item = &'a Link> {
        let ports = |view: &'a ComponentView| view.imports.iter();
        let imports =
            self.intent.components.iter().flat_map(move |(actor, view)| ports(view).map(move |port| (actor, port)));
        imports.filter_map(|(actor, port)| self.asked(actor, port))
    }

    /// The actors that need a composite of their own.
    pub(super) fn called(&self) -> BTreeSet<&'a ActorName> {
        let (mut fused, mut called) = (BTreeSet::new(), BTreeSet::new());
        fused.extend(self.all_asked().flat_map(|link| &link.via));
        fused.extend(self.intent.manifest.routes.iter().flat_map(|route| &route.via));
        for link in self.all_asked() {
            match (&link.to, link.reach) {
                (LinkTarget::Actor(actor), Reach::Fused) => fused.insert(actor),
                (LinkTarget::Actor(actor), Reach::Host | Reach::Lattice) => called.insert(actor),
                (LinkTarget::Provider(_), _) => false,
            };
        }
        called.extend(self.intent.manifest.called_from_outside());
        called.extend(self.intent.manifest.actors.keys().filter(|actor| !fused.contains(actor)));
        called
    }

    /// True where every host meets the import.
    pub(super) fn met_by_host(&self, port: &Port) -> bool {
        let Some(wanted) = &port.contract else {
            return false;
        };
        self.inventory.host_imports.iter().any(|given| given.serves(wanted) || wanted.serves(given))
    }
}

/// From the closest key to the widest.
fn keys(port: &Port) -> Vec<String> {
    let mut keys = vec![port.label.clone()];
    if let Some(contract) = &port.contract {
        keys.push(contract.to_string());
        keys.push(contract.unversioned());
        keys.extend(contract.version.as_ref().map(|version| format!("{}@{version}", contract.package_name())));
        keys.push(contract.package_name());
    }
    keys
}

/// True where `given` serves `wanted` in name and structure.
pub(super) fn serves(given: &Contract, wanted: &Contract) -> bool {
    given.name.serves(&wanted.name) && wanted.is_served_by(given).is_ok()
}

/// The contract of a port, if it can travel.
pub(super) fn travels(port: &Port) -> Option<&Contract> {
    match &port.shape {
        Shape::Contract(contract) => Some(contract),
        Shape::Types | Shape::Refused(_) => None,
    }
}
