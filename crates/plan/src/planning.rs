//! The plan.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{Blueprint, ClientGrant, CompositePlan, ProviderPlan};
use model::contract::ContractName;
use model::ids::{ActorName, ClientName, ProviderName};
use model::manifest::EXTERNAL;

use crate::adapters::{Adapters, check_pairs};
use crate::clients::clients;
use crate::composite::Composer;
use crate::findings::Findings;
use crate::fuse::{acyclic, members, standing};
use crate::intent::{Intent, Inventory};
use crate::layout::Chains;
use crate::placement::groups;
use crate::problem::{Caution, Fault, Place, Problem, Warning, quoted, table_key};
use crate::ready::check_asked;
use crate::resolve::{Links, Resolved, Supplier, resolve};
use crate::routes::check_routes;

/// The result of planning.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is to run.
    pub blueprint: Blueprint,
    /// What may surprise, in the order of the manifest's keys.
    pub warnings: Vec<Warning>,
    /// What is needed to explain it.
    pub notes: Notes,
}

/// What of a plan its explanation alone needs: nothing at run time does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// The contracts of fused links, by actor and import.
    pub(crate) fused: BTreeMap<(ActorName, String), ContractName>,
    pub(crate) chains: Chains,
}

/// Decides what runs. `previous` is the blueprint that runs now: its generation stays if nothing changes, and grows
/// by one if anything does.
///
/// # Errors
///
/// Everything in the manifest that cannot be planned, in the order of its keys.
pub fn plan(intent: &Intent, previous: Option<&Blueprint>, inventory: &Inventory) -> Result<Plan, Vec<Problem>> {
    let mut findings = Findings::default();
    let links = resolve(intent, inventory, &mut findings);
    check_pairs(intent, inventory, &mut findings);
    let providers = providers(intent, inventory, &links, &mut findings);
    let (composites, clients, chains) = composites(intent, inventory, &links, &mut findings);
    let planned = Blueprint {
        generation: 0,
        application: intent.manifest.application.clone(),
        composites,
        providers,
        routes: intent.manifest.routes.clone(),
        clients,
        wire: intent.wires.send,
    };
    groups(intent, &planned, inventory, &mut findings);
    let warnings = findings.into_result()?;
    let notes = Notes { fused: fused_contracts(&links), chains };
    Ok(Plan { blueprint: numbered(planned, previous), warnings, notes })
}

/// The providers that links lead to.
fn providers(
    intent: &Intent,
    inventory: &Inventory,
    links: &Links<'_>,
    findings: &mut Findings,
) -> BTreeMap<ProviderName, ProviderPlan> {
    let mut planned = BTreeMap::new();
    for (name, provider) in &intent.manifest.providers {
        check_kind(name, &provider.kind, inventory, findings);
        let to_it = |link: &&Resolved<'_>| match link.supplier {
            Supplier::Provider(target) => target == name,
            Supplier::Native(target) => target == name || link.choice.link.open.values().any(|opened| opened == name),
            Supplier::Actor { .. } => false,
        };
        let called = links.values().flatten().filter(to_it).map(|link| calls(link, inventory).clone());
        let called: BTreeSet<_> = called.collect();
        if !called.is_empty() {
            let external = (provider.kind == EXTERNAL).then_some(called);
            let (kind, config) = (provider.kind.clone(), provider.config.clone());
            planned.insert(name.clone(), ProviderPlan { kind, config, external });
        } else {
            let at = Place::key(table_key("providers", name.as_str()));
            findings.warn(at, Caution::UnusedProvider { provider: name.clone() });
        }
    }
    planned
}

/// The contract on which a provider outside answers a link.
fn calls<'i>(link: &'i Resolved<'_>, inventory: &'i Inventory) -> &'i ContractName {
    let bridge = match link.supplier {
        Supplier::Native(_) => inventory.bridge(&link.contract.name),
        Supplier::Actor { .. } | Supplier::Provider(_) => None,
    };
    bridge.map_or(&link.contract.name, |bridge| &bridge.contract.name)
}

fn check_kind(provider: &ProviderName, kind: &str, inventory: &Inventory, findings: &mut Findings) {
    if kind == EXTERNAL || inventory.offers.contains_key(kind) {
        return;
    }
    let known = inventory.offers.keys().cloned().collect();
    let at = Place::key(format!("providers.{}.use", quoted(provider.as_str())));
    findings.problem(at, Fault::UnofferedKind { provider: provider.clone(), kind: kind.to_owned(), known });
}

/// One composite for each actor that is called by itself, and everything that is about composites: fusing, adapters,
/// memories, and the routes and clients that lead to them.
fn composites(
    intent: &Intent,
    inventory: &Inventory,
    links: &Links<'_>,
    findings: &mut Findings,
) -> (BTreeMap<ActorName, CompositePlan>, BTreeMap<ClientName, BTreeSet<ClientGrant>>, Chains) {
    let is_acyclic = acyclic(links, findings);
    let roots = if is_acyclic { standing(intent, links) } else { Default::default() };
    if is_acyclic {
        check_asked(intent, |actor| roots.contains(actor) || !links.contains_key(actor), findings);
    }
    let mut composer =
        Composer { intent, inventory, links, adapters: Adapters::new(intent), findings, chains: Chains::default() };
    let mut composites = BTreeMap::new();
    for root in roots {
        let members = members(links, root);
        if let Some(composite) = composer.composite(&members) {
            composites.insert(root.clone(), composite);
        }
    }
    check_routes(&mut composer);
    let clients = clients(&mut composer);
    let Composer { adapters, findings, chains, .. } = composer;
    adapters.warn_unused(findings);
    (composites, clients, chains)
}

fn numbered(planned: Blueprint, previous: Option<&Blueprint>) -> Blueprint {
    let generation = match previous {
        None => 1,
        Some(previous) => {
            let same = Blueprint { generation: previous.generation, ..planned.clone() } == *previous;
            if same { previous.generation } else { previous.generation.saturating_add(1) }
        }
    };
    Blueprint { generation, ..planned }
}

fn fused_contracts(links: &Links<'_>) -> BTreeMap<(ActorName, String), ContractName> {
    let fused = links.values().flatten().filter(|link| link.fused().is_some());
    fused
        .map(|link| ((link.choice.actor.clone(), link.choice.port.label.clone()), link.contract.name.clone()))
        .collect()
}
