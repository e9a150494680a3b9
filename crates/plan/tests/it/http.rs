//! Actors that serve and send HTTP as it comes.

use model::blueprint::{HttpExport, HttpVersion};
use plan::{Violation, check};

use crate::world::{Part, World, handler, rates};

const OLD: &str = "wasi:http/incoming-handler@0.2.6";
const NEW: &str = "wasi:http/handler@0.3.0";
const ROUTED: &str = "[actors.web]\ncomponent = \"web.wasm\"\n[[routes]]\npath = \"/*\"\nto = \"web\"\n";

fn world(exports: &[&str]) -> World {
    let web = exports.iter().fold(Part::new("web"), |web, export| web.exports_refused(export));
    World::new(ROUTED, [("web", web.exports(&rates("1.0.0")))])
}

/// The export that serves requests, as planned and as checked.
fn served(exports: &[&str]) -> Vec<HttpExport> {
    let world = world(exports);
    let blueprint = world.planned().blueprint;
    assert_eq!(check(&world.intent, &blueprint, &world.inventory), Ok(()));
    blueprint.composites.into_values().next().unwrap().http
}

#[test]
fn the_latest_export_serves() {
    let export = |export: &str, version| {
        vec![HttpExport { label: export.to_owned(), export: export.to_owned(), via: vec![], version }]
    };
    for (exports, expected) in [
        (&[OLD][..], export(OLD, HttpVersion::V02)),
        (&[NEW], export(NEW, HttpVersion::V03)),
        (&[NEW, OLD], export(NEW, HttpVersion::V03)),
        (&[OLD, "wasi:http/handler@0.4.0"], export(OLD, HttpVersion::V02)),
        (&[OLD, "wasi:http/handler@0.3.0-rc-2025"], export(OLD, HttpVersion::V02)),
    ] {
        assert_eq!(served(exports), expected, "{exports:?}");
    }
    // `wasi:http` comes before messages.
    let both = Part::new("web").exports(&handler()).exports_refused(OLD);
    let world = World::new(ROUTED, [("web", both)]);
    let blueprint = world.planned().blueprint;
    assert_eq!(check(&world.intent, &blueprint, &world.inventory), Ok(()));
    let composite = blueprint.composites.values().next().unwrap();
    assert_eq!((composite.http.len() == 1, composite.receivers.len()), (true, 1));
}

#[test]
fn a_route_needs_one() {
    let world = world(&["wasi:http/handler@0.4.0"]);
    assert!(plan::plan(&world.intent, None, &world.inventory).is_err());
}

#[test]
fn another_export_is_refused() {
    let world = world(&[OLD, NEW]);
    let blueprint = world.planned().blueprint;
    let export = |export: &str, version| {
        vec![HttpExport { label: export.to_owned(), export: export.to_owned(), via: vec![], version }]
    };
    for http in
        [vec![], export(OLD, HttpVersion::V02), export(OLD, HttpVersion::V03), export("other", HttpVersion::V03)]
    {
        let mut blueprint = blueprint.clone();
        blueprint.composites.values_mut().for_each(|composite| composite.http = http.clone());
        let violations = check(&world.intent, &blueprint, &world.inventory).unwrap_err();
        assert!(violations.iter().any(|one| matches!(one, Violation::Http { .. })), "{http:?}: {violations:?}");
    }
}

/// Where each member may send requests, where `cart` is granted an origin and these import what sends any.
fn senders(importers: &[(&str, &str)]) -> Result<Vec<usize>, ()> {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\ngrants.http = [\"https://api.example.com\"]\n\
         links.\"acme:tax\" = { to = \"tax\", reach = \"fused\" }\n[actors.tax]\ncomponent = \"tax.wasm\"\n";
    let part = |name: &str| {
        let imports = importers.iter().filter(|(importer, _)| *importer == name);
        imports.fold(Part::new(name), |part, (_, import)| part.host(import))
    };
    let cart = part("cart").imports(&rates("1.0.0")).exports(&handler());
    let mut world = World::new(text, [("cart", cart), ("tax", part("tax").exports(&rates("1.0.0")))]);
    world.inventory.host_imports.extend([OUT, CLIENT].map(|name| name.parse().unwrap()));
    let planned = plan::plan(&world.intent, None, &world.inventory).map_err(|_| ())?;
    assert_eq!(check(&world.intent, &planned.blueprint, &world.inventory), Ok(()));
    let mut forged = planned.blueprint.clone();
    let members = forged.composites.values_mut().flat_map(|composite| &mut composite.members);
    members.for_each(|member| member.http.push("http://evil.example.com".parse().unwrap()));
    assert!(check(&world.intent, &forged, &world.inventory).is_err());
    let members = planned.blueprint.composites.values().flat_map(|composite| &composite.members);
    Ok(members.map(|member| member.http.len()).collect())
}

const OUT: &str = "wasi:http/outgoing-handler@0.2.6";
const CLIENT: &str = "wasi:http/client@0.3.0";

#[test]
fn origins_reach_the_actor_that_has_them_and_no_other() {
    assert_eq!(senders(&[("cart", OUT)]), Ok(vec![1, 0]));
    assert_eq!(senders(&[("tax", OUT)]), Ok(vec![0, 0]));
    assert_eq!(senders(&[]), Ok(vec![0, 0]));
    assert_eq!(senders(&[("cart", OUT), ("tax", OUT)]), Err(()));
    assert_eq!(senders(&[("cart", OUT), ("tax", CLIENT)]), Err(()));
}
