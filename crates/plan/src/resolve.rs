//! From the links of a manifest to who answers: contract, target, version, types and room for failure checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::contract::{Contract, ContractName, Room, failure_room};
use model::ids::{ActorName, ProviderName};
use model::manifest::{EXTERNAL, LinkTarget, OnFailure, Reach};
use model::view::{ComponentView, Shape};

use crate::chain::{Stage, passed};
use crate::choose::{Choice, choices};
use crate::findings::Findings;
use crate::intent::{Intent, Inventory};
use crate::problem::{Caution, Consumer, Fault, Place};
use crate::suggest::nearest;
use crate::supply::{Offered, exports, fitting, offers, serving};
use crate::unlinked::unlinked;

/// An import of an actor, and who answers it.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<'a> {
    pub(crate) choice: Choice<'a>,
    /// The contract as the consumer sees it.
    pub(crate) contract: Arc<Contract>,
    pub(crate) supplier: Supplier<'a>,
    /// The middleware between, in order.
    pub(crate) via: Vec<Stage<'a>>,
}

/// Who answers an import.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Supplier<'a> {
    Actor {
        actor: &'a ActorName,
        export: &'a str,
    },
    Provider(&'a ProviderName),
    /// A provider in the same process, without messages; so do those of the link's `open`.
    Native(&'a ProviderName),
}

impl<'a> Resolved<'a> {
    /// The actor and its export, where the link is fused.
    pub(crate) fn fused(&self) -> Option<(&'a ActorName, &'a str)> {
        match self.supplier {
            Supplier::Actor { actor, export } if self.choice.link.reach == Reach::Fused => Some((actor, export)),
            _ => None,
        }
    }
}

/// The resolved links of each actor, in the order of its imports.
pub(crate) type Links<'a> = BTreeMap<&'a ActorName, Vec<Resolved<'a>>>;

/// Resolves all links of the application.
pub(crate) fn resolve<'a>(intent: &'a Intent, inventory: &'a Inventory, findings: &mut Findings) -> Links<'a> {
    let mut links = Links::new();
    let passed = passed(intent, inventory);
    for (name, actor) in &intent.manifest.actors {
        let Some(view) = intent.components.get(name) else {
            findings.problem(Place::actor(name), Fault::UnreadActor { actor: name.clone() });
            continue;
        };
        let choices = choices(name, actor, view, findings);
        let is_met = |import: &str| passed.contains(&(name, import));
        unlinked(intent, inventory, (name, view), &choices, &is_met, findings);
        let resolver = Resolver { intent, inventory };
        let resolved: Vec<_> = choices.iter().filter_map(|choice| resolver.link(*choice, findings)).collect();
        if resolved.len() == choices.len() {
            resolver.check_idempotent(&resolved, findings);
        }
        links.insert(name, resolved);
    }
    links
}

pub(crate) struct Resolver<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) inventory: &'a Inventory,
}

impl<'a> Resolver<'a> {
    fn link(&self, choice: Choice<'a>, findings: &mut Findings) -> Option<Resolved<'a>> {
        let via =
            self.stages(&choice).map_err(|fault| findings.problem(choice.place().below("via"), *fault)).ok()??;
        // What the last of a chain calls on by is what the target must meet.
        let asked = choice;
        let choice = Choice { port: via.last().map_or(choice.port, |last| last.import), ..choice };
        let answer = match (outside(self.intent, &choice.link.to), self.native_contract(&choice)) {
            (Some((provider, serves)), None) => {
                without_stores(&choice).and_then(|()| external(&choice, provider, serves))
            }
            (_, Some(contract)) => self.native(choice, contract),
            (None, None) => {
                let offered = self.offered(&choice.link.to)?;
                answered(choice, &offered).and_then(|resolved| self.with_stores(resolved))
            }
        };
        let resolved = answer.map_err(|fault| findings.problem(asked.place(), *fault)).ok()?;
        let resolved = Resolved { choice: asked, via, ..resolved };
        check_room(&resolved, outside(self.intent, &asked.link.to).is_some(), findings);
        Some(resolved)
    }

    /// What the target has; nothing where that is found elsewhere: an unread actor, an unknown kind of provider.
    fn offered(&self, target: &'a LinkTarget) -> Option<Vec<Offered<'a>>> {
        match target {
            LinkTarget::Actor(actor) => self.intent.components.get(actor).map(|view: &ComponentView| exports(view)),
            LinkTarget::Provider(provider) => {
                let kind = &self.intent.manifest.providers.get(provider)?.kind;
                self.inventory.offers.get(kind).map(|offer| offers(&offer.contracts))
            }
        }
    }

    /// Calls of plain values name stores of the one provider that they go to.
    fn with_stores(&self, resolved: Resolved<'a>) -> Result<Resolved<'a>, Box<Fault>> {
        let Choice { actor, port, link, .. } = resolved.choice;
        let Supplier::Provider(target) = resolved.supplier else {
            return without_stores(&resolved.choice).map(|()| resolved);
        };
        if !self.inventory.names_stores(&resolved.contract.name) {
            return without_stores(&resolved.choice).map(|()| resolved);
        }
        match link.open.iter().find(|(_, opened)| *opened != target) {
            None => Ok(resolved),
            Some((store, opened)) => Err(Box::new(Fault::OpensElsewhere {
                actor: actor.clone(),
                import: port.label.clone(),
                store: store.clone(),
                opened: opened.clone(),
                provider: target.clone(),
            })),
        }
    }

    /// Each function that a link calls idempotent is one of the contracts over it.
    fn check_idempotent(&self, links: &[Resolved<'a>], findings: &mut Findings) {
        for first in links {
            let of_key = || links.iter().filter(|link| link.choice.key == first.choice.key);
            if of_key().next().is_some_and(|link| link.choice.port.label != first.choice.port.label) {
                continue; // said once for each link, whatever the number of its imports
            }
            let known: BTreeSet<&str> = of_key().flat_map(|link| self.functions(link)).collect();
            for function in first.choice.link.idempotent.iter().filter(|function| !known.contains(function.as_str())) {
                let at = Place::link(first.choice.actor, first.choice.key.as_str()).below("idempotent");
                let fault = Fault::UnknownFunction {
                    actor: first.choice.actor.clone(),
                    key: first.choice.key.to_string(),
                    function: function.clone(),
                    known: known.iter().map(|function| (*function).to_owned()).collect(),
                    near: nearest(function, known.iter().copied()),
                };
                findings.problem(at, fault);
            }
        }
    }

    /// The functions of a contract: those that the consumer imports, and those that it does not call.
    fn functions(&self, link: &'a Resolved<'a>) -> BTreeSet<&'a str> {
        let offered = self.offered(&link.choice.link.to).unwrap_or_default();
        let same = offered.iter().filter(|given| given.name.serves(&link.contract.name));
        let given = same.filter_map(|given| given.contract.ok()).flat_map(|contract| contract.functions.keys());
        given.chain(link.contract.functions.keys()).map(String::as_str).collect()
    }
}

/// The provider that a link leads to, and its contract, where it is a process of its own.
pub(crate) fn outside<'a>(intent: &'a Intent, target: &'a LinkTarget) -> Option<(&'a ProviderName, &'a ContractName)> {
    let LinkTarget::Provider(name) = target else { return None };
    let provider = intent.manifest.providers.get(name).filter(|provider| provider.kind == EXTERNAL)?;
    Some((name, provider.contract.as_ref()?))
}

/// An external provider has the consumer's own types: what it serves is known by name alone.
fn external<'a>(
    choice: &Choice<'a>,
    provider: &'a ProviderName,
    serves: &ContractName,
) -> Result<Resolved<'a>, Box<Fault>> {
    let reach = choice.link.reach;
    if reach != Reach::Lattice {
        let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
        return Err(Box::new(Fault::ExternalReach { actor, import, provider: provider.clone(), reach }));
    }
    let contract = wanted(choice, &[serves], |_| vec![serves.clone()])?;
    let name = crate::supply::named_like(serves, &contract.name);
    supplier(choice, &contract, &[Offered { label: None, name: &name, contract: Ok(&contract) }])?;
    Ok(Resolved { choice: *choice, contract, supplier: Supplier::Provider(provider), via: Vec::new() })
}

/// Only some contracts have stores to open.
fn without_stores(choice: &Choice<'_>) -> Result<(), Box<Fault>> {
    if choice.link.open.is_empty() {
        return Ok(());
    }
    Err(Box::new(Fault::NothingToOpen { actor: choice.actor.clone(), import: choice.port.label.clone() }))
}

fn answered<'a>(choice: Choice<'a>, offered: &[Offered<'a>]) -> Result<Resolved<'a>, Box<Fault>> {
    let names: Vec<_> = offered.iter().map(|given| given.name).collect();
    let contract = wanted(&choice, &names, |contract| fitting(contract, offered))?;
    let supplier = supplier(&choice, &contract, offered)?;
    Ok(Resolved { choice, contract, supplier, via: Vec::new() })
}

/// The contract of the import, under the name that the link states where the import has none. The target has contracts of
/// the given names.
pub(crate) fn wanted(
    choice: &Choice<'_>,
    names: &[&ContractName],
    fitting: impl Fn(&Contract) -> Vec<ContractName>,
) -> Result<Arc<Contract>, Box<Fault>> {
    let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
    let contract = match &choice.port.shape {
        Shape::Contract(contract) => contract,
        Shape::Refused(refusal) => {
            return Err(Box::new(Fault::RefusedImport { actor, import, refusal: refusal.clone() }));
        }
        // Imports of types only are never chosen.
        Shape::Types => return Err(Box::new(Fault::UnstatedContract { actor, import, fitting: Vec::new() })),
    };
    match (&choice.port.contract, &choice.link.contract) {
        (Some(own), Some(stated)) if !states(stated, own) => {
            Err(Box::new(Fault::OtherContract { actor, import, stated: stated.clone(), own: own.clone() }))
        }
        (Some(_), _) => Ok(Arc::clone(contract)),
        (None, Some(stated)) => Ok(Arc::new(contract.renamed(&versioned(stated, names)))),
        (None, None) => Err(Box::new(Fault::UnstatedContract { actor, import, fitting: fitting(contract) })),
    }
}

fn states(stated: &ContractName, own: &ContractName) -> bool {
    stated.same_interface(own) && (stated.version.is_none() || stated.version == own.version)
}

/// A stated contract without a version takes the target's.
fn versioned(stated: &ContractName, names: &[&ContractName]) -> ContractName {
    let same = names.iter().filter(|name| name.same_interface(stated));
    let newest = same.map(|name| &name.version).max().cloned().flatten();
    ContractName { version: stated.version.clone().or(newest), ..stated.clone() }
}

fn supplier<'a>(choice: &Choice<'a>, wanted: &Contract, offered: &[Offered<'a>]) -> Result<Supplier<'a>, Box<Fault>> {
    let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
    if let (LinkTarget::Provider(provider), Reach::Fused) = (&choice.link.to, choice.link.reach) {
        return Err(Box::new(Fault::FusedProvider { actor, import, provider: provider.clone() }));
    }
    let given = serving(wanted, offered).map_err(|misfit| Fault::Misfit {
        consumer: Consumer::Import { actor, import },
        wanted: wanted.name.clone(),
        target: named(&choice.link.to),
        misfit,
    })?;
    Ok(match &choice.link.to {
        LinkTarget::Actor(actor) => Supplier::Actor { actor, export: given.label.unwrap_or_default() },
        LinkTarget::Provider(provider) => Supplier::Provider(provider),
    })
}

/// A target as messages name it.
fn named(target: &LinkTarget) -> String {
    match target {
        LinkTarget::Actor(actor) => format!("actor {actor}"),
        LinkTarget::Provider(provider) => format!("provider {provider}"),
    }
}

fn check_room(resolved: &Resolved<'_>, external: bool, findings: &mut Findings) {
    let Choice { actor, port, link, .. } = resolved.choice;
    if link.reach == Reach::Fused || link.on_failure == Some(OnFailure::Trap) {
        return;
    }
    let functions = without_room(&resolved.contract);
    if functions.is_empty() {
        return;
    }
    let at = resolved.choice.place().within(&functions);
    let (actor, import, contract) = (actor.clone(), port.label.clone(), resolved.contract.name.clone());
    match link.reach {
        Reach::Lattice => findings.problem(at, Fault::NoRoom { actor, import, contract, functions, external }),
        Reach::Fused | Reach::Host => findings.warn(at, Caution::NoRoom { actor, import, contract, functions }),
    }
}

fn without_room(contract: &Contract) -> Vec<String> {
    let traps = |(name, function)| (failure_room(function) == Room::None).then(|| String::clone(name));
    contract.functions.iter().filter_map(traps).collect()
}
