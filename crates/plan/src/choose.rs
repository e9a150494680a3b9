//! Which link serves which import of an actor: the most specific key wins.

use std::collections::BTreeMap;

use model::ids::ActorName;
use model::manifest::{Actor, Link, LinkKey};
use model::view::{ComponentView, Port, Shape};

use crate::findings::Findings;
use crate::problem::{Caution, Fault, Place};
use crate::suggest::nearest;

/// An import of an actor and the link that serves it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) actor: &'a ActorName,
    pub(crate) port: &'a Port,
    pub(crate) key: &'a LinkKey,
    pub(crate) link: &'a Link,
}

impl Choice<'_> {
    /// Where the link is in the manifest.
    pub(crate) fn place(&self) -> Place {
        Place::link(self.actor, self.key.as_str()).about(&self.port.label)
    }
}

/// The links of an actor, in the order of its imports. Keys that link nothing are found.
pub(crate) fn choices<'a>(
    name: &'a ActorName,
    actor: &'a Actor,
    view: &'a ComponentView,
    findings: &mut Findings,
) -> Vec<Choice<'a>> {
    let chosen: Vec<_> = view.imports.iter().filter_map(|port| choose(name, &actor.links, port)).collect();
    for key in actor.links.keys() {
        if !chosen.iter().any(|choice| choice.key == key) {
            idle_key(name, key, view, findings);
        }
    }
    chosen
}

/// The link of an import.
pub(crate) fn choose<'a>(
    name: &'a ActorName,
    links: &'a BTreeMap<LinkKey, Link>,
    port: &'a Port,
) -> Option<Choice<'a>> {
    if port.shape == Shape::Types {
        return None;
    }
    links
        .iter()
        .filter_map(|(key, link)| Some((specificity(key.as_str(), port)?, key, link)))
        .max_by_key(|(specificity, ..)| *specificity)
        .map(|(_, key, link)| Choice { actor: name, port, key, link })
}

/// How closely a key names an import; nothing where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Package,
    VersionedPackage,
    Interface,
    VersionedInterface,
    Label,
}

fn specificity(key: &str, port: &Port) -> Option<Specificity> {
    if key == port.label {
        return Some(Specificity::Label);
    }
    let contract = port.contract.as_ref()?;
    let (path, version) = key.split_once('@').map_or((key, None), |(path, version)| (path, Some(version)));
    if version.is_some() && version != contract.version.as_ref().map(ToString::to_string).as_deref() {
        return None;
    }
    match (path == contract.unversioned(), path == contract.package_name()) {
        (true, _) if version.is_some() => Some(Specificity::VersionedInterface),
        (true, _) => Some(Specificity::Interface),
        (_, true) if version.is_some() => Some(Specificity::VersionedPackage),
        (_, true) => Some(Specificity::Package),
        _ => None,
    }
}

fn idle_key(actor: &ActorName, key: &LinkKey, view: &ComponentView, findings: &mut Findings) {
    let at = Place::link(actor, key.as_str());
    let (actor, text) = (actor.clone(), key.to_string());
    let named: Vec<_> = view.imports.iter().filter(|port| specificity(key.as_str(), port).is_some()).collect();
    if named.is_empty() {
        findings.problem(at, unmatched(actor, text, view));
    } else if named.iter().all(|port| port.shape == Shape::Types) {
        findings.warn(at, Caution::OnlyTypes { actor, key: text });
    } else {
        findings.warn(at, Caution::Shadowed { actor, key: text });
    }
}

fn unmatched(actor: ActorName, key: String, view: &ComponentView) -> Fault {
    let linkable = || view.imports.iter().filter(|port| port.shape != Shape::Types);
    let imports = linkable().map(|port| port.label.clone()).collect();
    let words: Vec<_> = linkable().flat_map(keys_of).collect();
    let near = nearest(&key, words.iter().map(String::as_str));
    Fault::UnmatchedKey { actor, key, imports, near }
}

/// The keys that name an import: its label, its interface, its package.
fn keys_of(port: &Port) -> Vec<String> {
    match &port.contract {
        Some(contract) if contract.to_string() == port.label => {
            vec![contract.unversioned(), contract.package_name()]
        }
        _ => vec![port.label.clone()],
    }
}
