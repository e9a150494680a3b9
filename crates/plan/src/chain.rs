//! Chains of middleware: actors whose components import and export the contract that passes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::blueprint::HttpVersion;
use model::contract::{Contract, ContractName};
use model::ids::ActorName;
use model::manifest::{LinkTarget, Manifest, Route};
use model::view::{ComponentView, Port, Shape};

use crate::choose::{Choice, choose};
use crate::intent::{Intent, Inventory, contract_of};
use crate::problem::{Consumer, Fault, Flaw, Misfit};
use crate::resolve::{Resolver, wanted};
use crate::supply::{Offered, exports, newest, serving};

/// A middleware in a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) actor: &'a ActorName,
    /// What it is called by.
    pub(crate) export: &'a Port,
    /// What it calls on by.
    pub(crate) import: &'a Port,
}

/// The chain of a route, and the actor's export behind it.
#[derive(Clone, Debug)]
pub(crate) struct RouteChain<'a> {
    pub(crate) stages: Vec<Stage<'a>>,
    pub(crate) end: &'a Port,
    /// The version of `wasi:http`; none where requests are messages.
    pub(crate) http: Option<HttpVersion>,
}

/// What passes a place in a chain, and whoever calls there.
struct Passing {
    consumer: Consumer,
    name: ContractName,
    /// None where it holds more than plain values.
    contract: Option<Arc<Contract>>,
}

impl<'a> Resolver<'a> {
    /// The middleware of a link; none where a component of it was not read, which is found elsewhere.
    pub(crate) fn stages(&self, choice: &Choice<'a>) -> Result<Option<Vec<Stage<'a>>>, Box<Fault>> {
        let Some(first) = choice.link.via.first() else { return Ok(Some(Vec::new())) };
        let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
        let consumer = Consumer::Import { actor, import };
        let target = match &choice.link.to {
            LinkTarget::Actor(actor) => Some(actor),
            LinkTarget::Provider(_) => None,
        };
        let ends: Vec<_> = target.into_iter().chain([choice.actor]).collect();
        let Some(view) = self.intent.components.get(first) else { return Ok(None) };
        let passing = match (&choice.port.shape, &choice.port.contract) {
            (Shape::Refused(_), Some(name)) => Passing { consumer, name: name.clone(), contract: None },
            _ => {
                let offered = exports(view);
                let names: Vec<_> = offered.iter().map(|given| given.name).collect();
                let contract = wanted(choice, &names, |_| Vec::new())?;
                Passing { consumer, name: contract.name.clone(), contract: Some(contract) }
            }
        };
        stages(self.intent, &choice.link.via, passing, &ends)
    }
}

/// The chain of a route. None where a component of it was not read, or its actor takes no requests: both are found
/// elsewhere.
pub(crate) fn route_chain<'a>(
    intent: &'a Intent,
    inventory: &Inventory,
    route: &'a Route,
) -> Result<Option<RouteChain<'a>>, Box<Fault>> {
    let Some(view) = intent.components.get(&route.to) else { return Ok(None) };
    let mut served: Vec<_> = view.exports.iter().filter_map(|port| Some((version_of(port)?, port))).collect();
    served.sort_by_key(|(version, _)| *version);
    let mut first = None;
    // The latest that the whole chain has.
    for (version, end) in served.iter().rev() {
        let Some(name) = end.contract.clone() else { continue };
        let passing = Passing { consumer: consumer(route), name, contract: None };
        match stages(intent, &route.via, passing, &[&route.to]) {
            Ok(found) => return Ok(found.map(|stages| RouteChain { stages, end, http: Some(*version) })),
            Err(fault) => first = first.or(Some(fault)),
        }
    }
    first.map_or_else(|| message_chain(intent, inventory, route, view), Err)
}

fn message_chain<'a>(
    intent: &'a Intent,
    inventory: &Inventory,
    route: &'a Route,
    view: &'a ComponentView,
) -> Result<Option<RouteChain<'a>>, Box<Fault>> {
    let ingress = &inventory.ingress;
    if serving(ingress, &exports(view)).is_err() {
        return Ok(None);
    }
    let contract = Some(Arc::clone(ingress));
    let passing = Passing { consumer: consumer(route), name: ingress.name.clone(), contract };
    let Some(stages) = stages(intent, &route.via, passing, &[&route.to])? else { return Ok(None) };
    let Some((last, asked)) = stages.last().and_then(|last| Some((last, contract_of(last.import)?))) else {
        return Ok(None);
    };
    let given = serving(asked, &exports(view)).map_err(|misfit| Fault::Misfit {
        consumer: Consumer::Import { actor: last.actor.clone(), import: last.import.label.clone() },
        wanted: asked.name.clone(),
        target: format!("actor {}", route.to),
        misfit,
    })?;
    let end = given.label.and_then(|label| view.export(label));
    Ok(end.map(|end| RouteChain { stages, end, http: None }))
}

fn consumer(route: &Route) -> Consumer {
    let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
    Consumer::Route { route: format!("{host}{}", route.path) }
}

/// Walks a chain between `ends`: each of `via` offers what comes, and passes it on.
fn stages<'a>(
    intent: &'a Intent,
    via: &'a [ActorName],
    mut passing: Passing,
    ends: &[&ActorName],
) -> Result<Option<Vec<Stage<'a>>>, Box<Fault>> {
    let mut stages = Vec::with_capacity(via.len());
    for actor in via {
        let Some(view) = intent.components.get(actor) else { return Ok(None) };
        let found = if ends.contains(&actor) { Err(Flaw::End) } else { stage(actor, view, &passing) };
        let stage = found.map_err(|flaw| Fault::Middleware {
            consumer: passing.consumer.clone(),
            contract: passing.name.clone(),
            middleware: actor.clone(),
            flaw: Box::new(flaw),
        })?;
        let (import, own) = (stage.import, contract_of(stage.import).cloned());
        passing = Passing {
            consumer: Consumer::Import { actor: actor.clone(), import: import.label.clone() },
            name: import.contract.clone().unwrap_or(passing.name),
            contract: own,
        };
        stages.push(stage);
    }
    Ok(Some(stages))
}

fn stage<'a>(actor: &'a ActorName, view: &'a ComponentView, passing: &Passing) -> Result<Stage<'a>, Flaw> {
    let export = exported(view, passing)?;
    let imports: Vec<_> = view.imports.iter().filter(|port| is_passed(port, &passing.name)).collect();
    match imports.as_slice() {
        [] => Err(Flaw::Swallows),
        [import] => Ok(Stage { actor, export, import }),
        several => Err(Flaw::Several { imports: several.iter().map(|port| port.label.clone()).collect() }),
    }
}

fn exported<'a>(view: &'a ComponentView, passing: &Passing) -> Result<&'a Port, Flaw> {
    if let Some(version) = HttpVersion::of(&passing.name) {
        let of = |port: &&Port| version_of(port) == Some(version);
        if let Some(export) = view.exports.iter().find(of) {
            return Ok(export);
        }
        if let Some(other) = view.exports.iter().find(|port| version_of(port).is_some()) {
            return Err(Flaw::OtherHttp { export: other.label.clone() });
        }
    }
    let offered = exports(view);
    let given: Result<Offered<'_>, Box<Misfit>> = match &passing.contract {
        Some(contract) => serving(contract, &offered),
        None => newest(&passing.name, &offered),
    };
    let given = given.map_err(|misfit| Flaw::Export(*misfit))?;
    let export = given.label.and_then(|label| view.export(label));
    export.ok_or(Flaw::Swallows)
}

fn version_of(port: &Port) -> Option<HttpVersion> {
    port.contract.as_ref().and_then(HttpVersion::of)
}

/// True where the import is of the interface that comes in; of `wasi:http`, in its version.
fn is_passed(port: &Port, name: &ContractName) -> bool {
    let own = port.contract.as_ref().filter(|_| port.shape != Shape::Types);
    own.is_some_and(|own| own.same_interface(name) && HttpVersion::of(own) == HttpVersion::of(name))
}

/// The imports that are met by chains alone, by actor: it is in a chain, and nobody calls it otherwise.
pub(crate) fn passed<'a>(intent: &'a Intent, inventory: &Inventory) -> BTreeSet<(&'a ActorName, &'a str)> {
    let manifest = &intent.manifest;
    let mut passed = BTreeSet::new();
    for (name, actor) in &manifest.actors {
        let ports = intent.components.get(name).into_iter().flat_map(|view| &view.imports);
        for choice in ports.filter_map(|port| choose(name, &actor.links, port)) {
            let contract = choice.link.contract.as_ref();
            let Some(contract) = choice.port.contract.as_ref().or(contract) else { continue };
            passed.extend(imports_of(intent, &choice.link.via, &|port| port.same_interface(contract)));
        }
    }
    let requests =
        |port: &ContractName| HttpVersion::of(port).is_some() || port.same_interface(&inventory.ingress.name);
    for route in &manifest.routes {
        passed.extend(imports_of(intent, &route.via, &requests));
    }
    passed.retain(|(actor, _)| !is_called(manifest, actor));
    passed
}

fn imports_of<'a>(
    intent: &'a Intent,
    via: &'a [ActorName],
    is_passed: &impl Fn(&ContractName) -> bool,
) -> Vec<(&'a ActorName, &'a str)> {
    let views = via.iter().filter_map(|actor| Some((actor, intent.components.get(actor)?)));
    let ports = views.flat_map(|(actor, view)| view.imports.iter().map(move |port| (actor, port)));
    let passed = ports.filter(|(_, port)| port.contract.as_ref().is_some_and(is_passed));
    passed.map(|(actor, port)| (actor, port.label.as_str())).collect()
}

/// True where somebody calls the actor for itself.
fn is_called(manifest: &Manifest, actor: &ActorName) -> bool {
    let links = manifest.actors.values().flat_map(|actor| actor.links.values());
    let linked = links.map(|link| &link.to).any(|to| matches!(to, LinkTarget::Actor(to) if to == actor));
    linked || manifest.called_from_outside().any(|called| called == actor)
}
