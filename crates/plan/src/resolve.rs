//! From the links of a manifest to who answers: contract, target, version, types and room for failure checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::contract::{Contract, ContractName, Room, failure_room};
use model::ids::{ActorName, ProviderName};
use model::manifest::{LinkTarget, OnFailure, Reach};
use model::view::{ComponentView, Shape};

use crate::choose::{Choice, choices};
use crate::findings::Findings;
use crate::intent::{Intent, Inventory};
use crate::problem::{Caution, Consumer, Fault, Place};
use crate::supply::{Offered, exports, fitting, offers, serving};
use crate::unlinked::unlinked;

/// An import of an actor, and who answers it.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<'a> {
    pub(crate) choice: Choice<'a>,
    /// The contract as the consumer sees it.
    pub(crate) contract: Arc<Contract>,
    pub(crate) supplier: Supplier<'a>,
}

/// Who answers an import.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Supplier<'a> {
    Actor { actor: &'a ActorName, export: &'a str },
    Provider(&'a ProviderName),
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
    for (name, actor) in &intent.manifest.actors {
        let Some(view) = intent.components.get(name) else {
            findings.problem(Place::actor(name), Fault::UnreadActor { actor: name.clone() });
            continue;
        };
        let choices = choices(name, actor, view, findings);
        unlinked(intent, inventory, name, view, &choices, findings);
        let resolver = Resolver { intent, inventory };
        links.insert(name, choices.into_iter().filter_map(|choice| resolver.link(choice, findings)).collect());
    }
    links
}

struct Resolver<'a> {
    intent: &'a Intent,
    inventory: &'a Inventory,
}

impl<'a> Resolver<'a> {
    fn link(&self, choice: Choice<'a>, findings: &mut Findings) -> Option<Resolved<'a>> {
        let offered = self.offered(&choice.link.to)?;
        let answer = wanted(&choice, &offered).and_then(|contract| {
            let supplier = supplier(&choice, &contract, &offered)?;
            Ok(Resolved { choice, contract, supplier })
        });
        let resolved = answer.map_err(|fault| findings.problem(choice.place(), *fault)).ok()?;
        check_room(&resolved, findings);
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
}

/// The contract of the import, under the name that the link states where the import has none.
fn wanted(choice: &Choice<'_>, offered: &[Offered<'_>]) -> Result<Arc<Contract>, Box<Fault>> {
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
        (None, Some(stated)) => Ok(Arc::new(contract.renamed(&versioned(stated, offered)))),
        (None, None) => Err(Box::new(Fault::UnstatedContract { actor, import, fitting: fitting(contract, offered) })),
    }
}

fn states(stated: &ContractName, own: &ContractName) -> bool {
    stated.same_interface(own) && (stated.version.is_none() || stated.version == own.version)
}

/// A stated contract without a version takes the target's.
fn versioned(stated: &ContractName, offered: &[Offered<'_>]) -> ContractName {
    let same = offered.iter().filter(|given| given.name.same_interface(stated));
    let newest = same.map(|given| &given.name.version).max().cloned().flatten();
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

fn check_room(resolved: &Resolved<'_>, findings: &mut Findings) {
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
        Reach::Lattice => findings.problem(at, Fault::NoRoom { actor, import, contract, functions }),
        Reach::Fused | Reach::Host => findings.warn(at, Caution::NoRoom { actor, import, contract, functions }),
    }
}

fn without_room(contract: &Contract) -> Vec<String> {
    let traps = |(name, function)| (failure_room(function) == Room::None).then(|| String::clone(name));
    contract.functions.iter().filter_map(traps).collect()
}
