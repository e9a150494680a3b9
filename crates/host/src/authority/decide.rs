//! The decision.

use std::time::Instant;

use lattice::call::{Call, Origin};
use model::blueprint::{ReceiverPlan, Target, WIRE_1};
use model::contract::ContractName;
use model::ids::{ClientName, HostName};
use model::manifest::Reach;
use provider::http::METHOD;

use super::knowledge::{Knowledge, LinkAt, Version};
use super::refusal::{Denial, Refusal};

/// What a call may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The actor, at one of its receivers, or the provider.
    pub target: Target,
    /// The contract as the caller sees it.
    pub contract: ContractName,
}

/// By what a call is judged.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// What is known of applications.
    pub knowledge: &'a Knowledge,
    /// The contract of HTTP requests.
    pub requests: &'a ContractName,
    /// Whether the calling host is known to live: only then may it finish what an older placement gave it. One that
    /// stood still, and was replaced, may not. Asked for only where it matters.
    pub is_live: &'a dyn Fn() -> bool,
    /// The moment of the call.
    pub now: Instant,
}

/// Whether a call that host `from` sent may run, and what it then calls.
///
/// # Errors
///
/// [`Refusal::Newer`] where this host should first catch up, and then ask again; the others are final.
pub fn authorise(call: &Call, from: &HostName, judge: Judge<'_>) -> Result<Granted, Refusal> {
    let agreed = judge.knowledge.application(call.target.app());
    let known = agreed.map_or(0, |agreed| agreed.placement().generation);
    if call.generation > known {
        return Err(Refusal::Newer { known });
    }
    let agreed = agreed.ok_or(Refusal::NotHere)?;
    let denied = match grant(call, from, agreed.now(), judge.requests) {
        Ok(granted) => return Ok(granted),
        Err(denial) if call.generation < known && denial.is_of_a_generation() => Refusal::Overtaken { known, denial },
        Err(denial) => Refusal::Denied(denial),
    };
    // Whoever is being replaced finishes its work by what was agreed before.
    if call.generation == known || !(judge.is_live)() {
        return Err(denied);
    }
    agreed.before(judge.now).find_map(|before| grant(call, from, before, judge.requests).ok()).ok_or(denied)
}

fn grant(call: &Call, from: &HostName, agreed: &Version, requests: &ContractName) -> Result<Granted, Denial> {
    match &call.origin {
        Origin::Actor(caller) if caller.app() != call.target.app() => Err(Denial::OtherApplication),
        Origin::Actor(caller) => over_link(call, from, agreed, caller.name()),
        Origin::Ingress => by_route(call, agreed, requests),
        Origin::Client(client) => by_grant(call, agreed, client),
        Origin::Operator => Err(Denial::Outsider),
    }
}

fn over_link(call: &Call, from: &HostName, agreed: &Version, caller: &str) -> Result<Granted, Denial> {
    let import = call.link.as_ref().ok_or(Denial::NoLink)?;
    let links = agreed.links(caller, import.as_str());
    // One actor's import has one link, in whichever composite the actor is.
    let first = links.first().ok_or(Denial::NoLink)?;
    let name = match &first.plan.target {
        Target::Actor { actor, .. } => actor.as_str(),
        Target::Provider(provider) => provider.as_str(),
    };
    let placed = |link: &LinkAt| agreed.runs(&link.composite, from);
    match () {
        () if name != call.target.name() => Err(Denial::OtherTarget),
        () if first.contract != call.contract.as_str() => Err(Denial::OtherContract),
        () if first.wire != call.wire.as_str() => Err(Denial::OtherWire),
        () if first.plan.reach != Reach::Lattice => Err(Denial::Reach),
        () if !links.iter().any(placed) => Err(Denial::NotPlaced),
        () => Ok(Granted { target: first.plan.target.clone(), contract: first.plan.contract.clone() }),
    }
}

fn by_route(call: &Call, agreed: &Version, requests: &ContractName) -> Result<Granted, Denial> {
    let is_request = call.contract.as_str() == requests.to_string()
        && call.method.as_str() == METHOD
        && call.wire.as_str() == WIRE_1;
    if !is_request {
        return Err(Denial::NoRequest);
    }
    let name = call.target.name();
    let route = agreed.blueprint.routes.iter().find(|route| route.to.as_str() == name).ok_or(Denial::NoRoute)?;
    let serves = |receiver: &&ReceiverPlan| receiver.contract.name.serves(requests);
    let composite = agreed.blueprint.composites.get(&route.to);
    let receiver = composite.and_then(|plan| plan.receivers.iter().find(serves)).ok_or(Denial::NoRequest)?;
    let target = Target::Actor { actor: route.to.clone(), receiver: receiver.label.clone() };
    Ok(Granted { target, contract: requests.clone() })
}

/// A client's call, which the calling host has turned into values.
fn by_grant(call: &Call, agreed: &Version, client: &ClientName) -> Result<Granted, Denial> {
    let grants = agreed.blueprint.clients.get(client).into_iter().flatten();
    let mut of_target = grants.filter(|grant| grant.actor.as_str() == call.target.name());
    let grant = of_target.find(|grant| grant.contract.to_string() == call.contract.as_str()).ok_or(Denial::NoGrant)?;
    let target = Target::Actor { actor: grant.actor.clone(), receiver: grant.receiver.clone() };
    Ok(Granted { target, contract: grant.contract.clone() })
}
