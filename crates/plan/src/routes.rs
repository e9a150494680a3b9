//! HTTP routes: their actors answer the host's HTTP server, by `wasi:http` or by `lath:httpserver`. That no two of them take the same requests is a rule of
//! the manifest itself.

use model::blueprint::{HttpVersion, WIRE_1};
use model::manifest::Route;

use crate::composite::Composer;
use crate::problem::{Consumer, Fault, Place, route_key};
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
    if let Some(wire) = composer.wire_of(&route.to, export).filter(|wire| wire != WIRE_1) {
        let fault = Fault::WireOfRoute {
            route: shown(route),
            actor: route.to.clone(),
            sender: WIRE_1,
            receiver: wire,
            contract: ingress.name.clone(),
        };
        composer.findings.problem(at, fault);
    }
}

/// Host and path.
fn shown(route: &Route) -> String {
    let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{host}{}", route.path)
}
