//! HTTP routes: their actors answer the host's HTTP server, by `wasi:http` or by `lath:httpserver`. That no two of them take the same requests is a rule of
//! the manifest itself.

use model::blueprint::{HttpVersion, WIRE_1};
use model::ids::ActorName;
use model::manifest::Route;

use crate::chain::{RouteChain, route_chain};
use crate::composite::Composer;
use crate::problem::{AdapterFault, Consumer, Fault, Place, route_key};
use crate::supply::{exports, serving};

/// Finds what is wrong with the routes.
pub(crate) fn check_routes(composer: &mut Composer<'_, '_>) {
    let intent = composer.intent;
    for (index, route) in intent.manifest.routes.iter().enumerate() {
        check_target(composer, index, route);
    }
}

fn check_target(composer: &mut Composer<'_, '_>, index: usize, route: &Route) {
    let ingress = &composer.inventory.ingress;
    let Some(view) = composer.intent.components.get(&route.to) else {
        return;
    };
    if !route.via.is_empty() {
        let at = Place { actor: Some(route.to.clone()), ..Place::key(format!("{}.via", route_key(index))) };
        match route_chain(composer.intent, composer.inventory, route) {
            Err(fault) => return composer.findings.problem(at, *fault),
            Ok(Some(RouteChain { stages, http: None, .. })) => {
                let Some(first) = stages.first() else { return };
                return check_wire(composer, (at, route), first.actor, &first.export.label);
            }
            Ok(Some(_)) => return,
            // The actor takes no requests at all: said below.
            Ok(None) => {}
        }
    }
    // `wasi:http` comes first: its bodies stream, and no message is made of them.
    if view.exports.iter().any(|port| port.contract.as_ref().and_then(HttpVersion::of).is_some()) {
        return;
    }
    let at = Place { actor: Some(route.to.clone()), ..Place::key(format!("{}.to", route_key(index))) };
    let export = match serving(ingress, &exports(view)) {
        Ok(given) => given.label.unwrap_or_default(),
        Err(misfit) => {
            let consumer = Consumer::Route { route: shown(route) };
            let fault =
                Fault::Misfit { consumer, wanted: ingress.name.clone(), target: format!("actor {}", route.to), misfit };
            return composer.findings.problem(at, fault);
        }
    };
    check_wire(composer, (at, route), &route.to, export);
}

/// The host's HTTP server speaks the wires of generated adapters.
fn check_wire(composer: &mut Composer<'_, '_>, (at, route): (Place, &Route), actor: &ActorName, export: &str) {
    let adapters = composer.wires_of(actor, export);
    if let Some(receiver) = adapters.first().filter(|_| adapters.iter().all(|one| one.version().is_none())) {
        let receiver = receiver.wire().to_owned();
        let (route, contract) = (shown(route), composer.inventory.ingress.name.clone());
        let fault = AdapterFault::WireOfRoute { route, actor: actor.clone(), sender: WIRE_1, receiver, contract };
        composer.findings.problem(at, fault);
    }
}

/// Host and path.
fn shown(route: &Route) -> String {
    let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{host}{}", route.path)
}
