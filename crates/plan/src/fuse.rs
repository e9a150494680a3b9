//! Fused links: which actors run alone, who is in whose composite, and what may not be fused.

use std::collections::{BTreeMap, BTreeSet};

use model::contract::ContractName;
use model::ids::ActorName;
use model::view::Port;

use crate::findings::Findings;
use crate::grants::{Granted, granted_through, written};
use crate::intent::{Intent, Inventory};
use crate::problem::{Fault, Place};
use crate::resolve::{Links, Resolved, Supplier};

/// The actors that are called by themselves: by a link that is not fused, a route or a client, or by nobody at all (then
/// only from outside).
pub(crate) fn standing<'a>(intent: &'a Intent, links: &Links<'a>) -> BTreeSet<&'a ActorName> {
    let all = || links.values().flatten();
    let chained = all().flat_map(|link| link.via.iter().map(|stage| stage.actor));
    let chained = chained.chain(intent.manifest.routes.iter().flat_map(|route| &route.via));
    let fused: BTreeSet<_> = all().filter_map(|link| Some(link.fused()?.0)).chain(chained).collect();
    let called: BTreeSet<_> = all().filter_map(called).chain(intent.manifest.called_from_outside()).collect();
    links.keys().copied().filter(|actor| called.contains(actor) || !fused.contains(actor)).collect()
}

fn called<'a>(link: &Resolved<'a>) -> Option<&'a ActorName> {
    match link.supplier {
        Supplier::Actor { actor, .. } if link.fused().is_none() => Some(actor),
        _ => None,
    }
}

/// Finds the cycles of fused links, each once; true if there are none.
pub(crate) fn acyclic(links: &Links<'_>, findings: &mut Findings) -> bool {
    let mut cycles = BTreeSet::new();
    let mut done = BTreeSet::new();
    for actor in links.keys() {
        walk(links, actor, &mut Vec::new(), &mut done, &mut cycles);
    }
    for cycle in &cycles {
        found_cycle(links, cycle, findings);
    }
    cycles.is_empty()
}

fn walk<'a>(
    links: &Links<'a>,
    actor: &'a ActorName,
    path: &mut Vec<&'a ActorName>,
    done: &mut BTreeSet<&'a ActorName>,
    cycles: &mut BTreeSet<Vec<ActorName>>,
) {
    if let Some(start) = path.iter().position(|earlier| *earlier == actor) {
        cycles.insert(from_least(path.iter().skip(start).copied()));
        return;
    }
    if done.contains(actor) {
        return;
    }
    path.push(actor);
    for callee in links.get(actor).into_iter().flatten().flat_map(copied) {
        walk(links, callee, path, done, cycles);
    }
    path.pop();
    done.insert(actor);
}

/// The actors of which a link puts copies into its caller's composite: those of its chain, and the one that it is fused to.
fn copied<'a>(link: &Resolved<'a>) -> Vec<&'a ActorName> {
    link.via.iter().map(|stage| stage.actor).chain(link.fused().map(|(callee, _)| callee)).collect()
}

/// A cycle as it is told: from its least name, closed by the same.
fn from_least<'a>(cycle: impl Iterator<Item = &'a ActorName>) -> Vec<ActorName> {
    let mut cycle: Vec<_> = cycle.cloned().collect();
    let least = cycle.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(index, _)| index);
    cycle.rotate_left(least);
    cycle.extend(cycle.first().cloned());
    cycle
}

fn found_cycle(links: &Links<'_>, cycle: &[ActorName], findings: &mut Findings) {
    let [first, second, ..] = cycle else { return };
    if let Some(link) = fused_link(links, first, second) {
        findings.problem(link.choice.place(), Fault::FusedCycle { cycle: cycle.to_vec() });
    }
}

fn fused_link<'l, 'a>(links: &'l Links<'a>, caller: &ActorName, callee: &ActorName) -> Option<&'l Resolved<'a>> {
    links.get(caller)?.iter().find(|link| copied(link).contains(&callee))
}

/// The members of the composite of `root`, as far as links without a chain lead: it first, then each actor after all those
/// that call it. The links must be acyclic.
pub(crate) fn members<'a>(links: &Links<'a>, root: &'a ActorName) -> Vec<&'a ActorName> {
    let mut reversed = Vec::new();
    callees_first(links, root, &mut reversed);
    reversed.reverse();
    reversed
}

/// Later imports first, so that the reverse has the callees in the order of imports.
fn callees_first<'a>(links: &Links<'a>, actor: &'a ActorName, done: &mut Vec<&'a ActorName>) {
    if done.contains(&actor) {
        return;
    }
    let fused = links.get(actor).into_iter().flatten().filter(|link| link.via.is_empty()).rev();
    for (callee, _) in fused.filter_map(Resolved::fused) {
        callees_first(links, callee, done);
    }
    done.push(actor);
}

/// Finds imports of the host that members of one composite would share although their grants for it differ.
pub(crate) fn check_shared(
    intent: &Intent,
    inventory: &Inventory,
    links: &Links<'_>,
    members: &[&ActorName],
    findings: &mut Findings,
) {
    // Composition merges what shows one grant, under whatever interface: the socket of one is the socket of all.
    let mut holders: BTreeMap<Granted, &ActorName> = BTreeMap::new();
    for member in members.iter().copied() {
        for interface in guarded_imports(intent, inventory, links, member) {
            let Some(granted) = granted_through(interface) else { continue };
            let first = *holders.entry(granted).or_insert(member);
            if let Some(fault) = differing(intent, interface, first, member) {
                findings.problem(entry(links, members, member), fault);
            }
        }
    }
}

/// The imports of an actor that the host meets according to its grants.
pub(crate) fn guarded_imports<'a>(
    intent: &'a Intent,
    inventory: &Inventory,
    links: &Links<'_>,
    actor: &ActorName,
) -> Vec<&'a ContractName> {
    let linked = |port: &Port| links.get(actor).into_iter().flatten().any(|link| link.choice.port.label == port.label);
    let ports = intent.components.get(actor).into_iter().flat_map(|view| &view.imports);
    ports
        .filter(|port| !linked(port) && inventory.host_satisfies(port))
        .filter_map(|port| port.contract.as_ref())
        .filter(|name| granted_through(name).is_some())
        .collect()
}

fn differing(intent: &Intent, interface: &ContractName, first: &ActorName, second: &ActorName) -> Option<Fault> {
    let grants = |actor| intent.manifest.actors.get(actor).map(|actor| &actor.grants);
    let granted = granted_through(interface)?;
    let (first_grant, second_grant) = (written(grants(first)?, granted), written(grants(second)?, granted));
    (first_grant != second_grant).then(|| Fault::SharedGrant {
        interface: interface.clone(),
        first: first.clone(),
        first_grant,
        second: second.clone(),
        second_grant,
    })
}

/// The fused link by which `member` came into the composite.
fn entry(links: &Links<'_>, members: &[&ActorName], member: &ActorName) -> Place {
    let link = members.iter().find_map(|caller| fused_link(links, caller, member));
    link.map_or_else(|| Place::actor(member), |link| link.choice.place())
}
