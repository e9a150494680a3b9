//! The decision.

use std::time::Instant;

use lattice::call::{Call, Origin};
use model::blueprint::{ReceiverPlan, Target};
use model::contract::ContractName;
use model::ids::{ClientName, HostName};
use model::manifest::{Reach, Route};
use model::planted::Bug;
use model::wire::WireVersion;
use provider::Opens;
use provider::http::METHOD;

use crate::exchange::{self, HANDLE};
use crate::ingress::chain_in;

use super::knowledge::{Knowledge, LinkAt, Version};
use super::refusal::{Denial, Refusal};

/// What a call may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The actor, at one of its receivers, or the provider.
    pub target: Target,
    /// The contract as the caller sees it.
    pub contract: ContractName,
    /// The stores of a provider that the call may name.
    pub opens: Opens,
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
    if links.is_empty() {
        return Err(Denial::NoLink);
    }
    // One actor's import has one link, in whichever composite the actor is; only stores may be those of several providers.
    let to_target = || links.iter().filter(|link| named(&link.plan.target) == call.target.name());
    let first = to_target().next().ok_or(Denial::OtherTarget)?;
    let placed = |link: &LinkAt| agreed.runs(&link.composite, from);
    match () {
        () if first.contract != call.contract.as_str() => Err(Denial::OtherContract),
        () if first.wire != call.wire.as_str() => Err(Denial::OtherWire),
        () if first.plan.reach != Reach::Lattice => Err(Denial::Reach),
        () if !to_target().any(placed) && !Bug::IgnoresPlaces.is_planted() => Err(Denial::NotPlaced),
        () => Ok(Granted {
            target: first.plan.target.clone(),
            contract: first.plan.contract.clone(),
            opens: first.opens.clone(),
        }),
    }
}

fn named(target: &Target) -> &str {
    match target {
        Target::Actor { actor, .. } => actor.as_str(),
        Target::Provider(provider) => provider.as_str(),
    }
}

fn by_route(call: &Call, agreed: &Version, requests: &ContractName) -> Result<Granted, Denial> {
    if exchange::is_contract(call.contract.as_str()) {
        return streamed(call, agreed);
    }
    let is_request = call.contract.as_str() == requests.to_string()
        && call.method.as_str() == METHOD
        && WireVersion::of_id(call.wire.as_str()).is_some();
    if !is_request {
        return Err(Denial::NoRequest);
    }
    let route = route(call, agreed)?;
    let composite = agreed.blueprint.composites.get(&route.to).ok_or(Denial::OtherRequests)?;
    let serves = |receiver: &&ReceiverPlan| {
        let spoken = receiver.adapter.wire() == call.wire.as_str();
        spoken && receiver.contract.name.serves(requests) && composite.is_chain(&receiver.via, &route.via)
    };
    let receiver = composite.receivers.iter().find(serves).ok_or(Denial::OtherRequests)?;
    let target = Target::Actor { actor: route.to.clone(), receiver: receiver.label.clone() };
    Ok(Granted { target, contract: requests.clone(), opens: Opens::Nothing })
}

/// The route by which a request comes: to its actor, behind the chain of middleware that it names.
fn route<'a>(call: &Call, agreed: &'a Version) -> Result<&'a Route, Denial> {
    let via = chain_in(call).ok_or(Denial::NoRoute)?;
    let leads = |route: &&Route| route.to.as_str() == call.target.name() && route.via == via;
    agreed.blueprint.routes.iter().find(leads).ok_or(Denial::NoRoute)
}

/// A request that its actor takes as it comes. Which version of the contract the caller has in mind is no matter.
fn streamed(call: &Call, agreed: &Version) -> Result<Granted, Denial> {
    if call.method.as_str() != HANDLE || call.wire.as_str() != exchange::WIRE {
        return Err(Denial::NoRequest);
    }
    let route = route(call, agreed)?;
    let composite = agreed.blueprint.composites.get(&route.to);
    composite.and_then(|plan| plan.entrance(&route.via)).ok_or(Denial::OtherRequests)?;
    let target = Target::Actor { actor: route.to.clone(), receiver: String::new() };
    let contract = call.contract.as_str().parse().map_err(|_| Denial::NoRequest)?;
    Ok(Granted { target, contract, opens: Opens::Nothing })
}

/// A client's call, which the calling host has turned into values.
fn by_grant(call: &Call, agreed: &Version, client: &ClientName) -> Result<Granted, Denial> {
    let grants = agreed.blueprint.clients.get(client).into_iter().flatten();
    let mut of_target = grants.filter(|grant| grant.actor.as_str() == call.target.name());
    let grant = of_target.find(|grant| grant.contract.to_string() == call.contract.as_str()).ok_or(Denial::NoGrant)?;
    let target = Target::Actor { actor: grant.actor.clone(), receiver: grant.receiver.clone() };
    Ok(Granted { target, contract: grant.contract.clone(), opens: Opens::Nothing })
}
