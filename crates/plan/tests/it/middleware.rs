//! Chains of middleware, as planned, as checked and as told.

use std::fmt::Write as _;

use model::blueprint::{CompositePlan, Target, WireTo};
use plan::{check, explain};

use crate::world::{Part, World, contract, counter, fallible, handler, rates};
use model::contract::Type;

const NEW: &str = "wasi:http/handler@0.3.0";
const STORE: &str = "wasi:keyvalue/store@0.2.0-draft2";
const ATOMICS: &str = "wasi:keyvalue/atomics@0.2.0-draft2";

/// A composite as text: members with their wires, then the ways in.
fn drawn(composite: &CompositePlan) -> String {
    let mut text = String::new();
    for (at, member) in composite.members.iter().enumerate() {
        writeln!(text, "{at} {}", member.actor).unwrap();
        for wire in &member.wires {
            let to = match &wire.to {
                WireTo::Member { member, export } => format!("{member} {export}"),
                WireTo::Native(native) => {
                    format!("{} for {} of {}", native.label, native.link.import, native.link.actor)
                }
                WireTo::Sender(sender) => {
                    let to = match &sender.link.target {
                        Target::Actor { actor, receiver } => format!("{receiver} of {actor}"),
                        Target::Provider(provider) => provider.to_string(),
                    };
                    let link = &sender.link;
                    format!("{} for {} of {}, {} to {to}", sender.label, link.import, link.actor, link.reach)
                }
            };
            writeln!(text, "    {} → {to}", wire.import).unwrap();
        }
    }
    for receiver in &composite.receivers {
        writeln!(text, "{} → {} {:?}", receiver.label, receiver.export, receiver.via).unwrap();
    }
    for http in &composite.http {
        writeln!(text, "{} → {} {:?}", http.label, http.export, http.via).unwrap();
    }
    text
}

/// All composites, and the links as they are explained.
fn shown(world: &World) -> String {
    let plan = world.planned();
    assert_eq!(check(&world.intent, &plan.blueprint, &world.inventory), Ok(()));
    let composites = plan.blueprint.composites.iter();
    let composites: String = composites.map(|(name, composite)| format!("# {name}\n{}", drawn(composite))).collect();
    let links: Vec<_> = explain(&plan.blueprint, &plan.notes).iter().map(ToString::to_string).collect();
    format!("{composites}\n{}\n", links.join("\n"))
}

#[test]
fn a_chain_stands_before_a_target_of_any_reach() {
    let log = contract("acme:log/api@1.0.0", &[("log", fallible(Type::Bool))]);
    let both = |name| Part::new(name).imports(&rates("1.0.0")).exports(&rates("1.1.0"));
    for reach in ["fused", "host", "lattice"] {
        // The chain has a link of its own, which holds for the copy as well.
        let text = format!(
            "[actors.cart]\ncomponent = \"cart.wasm\"\n\
             links.\"acme:tax\" = {{ to = \"tax\", reach = \"{reach}\", via = [\"audit\", \"check\"] }}\n\
             [actors.audit]\ncomponent = \"audit.wasm\"\nlinks.\"acme:log\" = {{ to = \"log\", reach = \"fused\" }}\n\
             [actors.check]\ncomponent = \"check.wasm\"\n[actors.tax]\ncomponent = \"tax.wasm\"\n\
             [actors.log]\ncomponent = \"log.wasm\"\n"
        );
        let parts = [
            ("cart", Part::new("cart").imports(&rates("1.0.0"))),
            ("audit", both("audit").imports(&log)),
            ("check", both("check")),
            ("tax", Part::new("tax").exports(&rates("1.2.0"))),
            ("log", Part::new("log").exports(&log)),
        ];
        insta::assert_snapshot!(format!("chain_{reach}"), shown(&World::new(&text, parts)));
    }
}

#[test]
fn imports_of_one_link_share_a_copy() {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"wasi:keyvalue\" = { to = \"kv\", via = [\"audit\"] }\n\
         [actors.audit]\ncomponent = \"audit.wasm\"\n[providers]\nkv = { use = \"keyvalue/memory\" }\n";
    let audit = Part::new("audit").host(STORE).host(ATOMICS).exports_refused(STORE).exports_refused(ATOMICS);
    let parts = [("cart", Part::new("cart").host(STORE).host(ATOMICS)), ("audit", audit)];
    insta::assert_snapshot!(shown(&World::new(text, parts)));
}

#[test]
fn each_chain_of_a_route_is_a_way_in() {
    let text = "[actors.web]\ncomponent = \"web.wasm\"\n[actors.auth]\ncomponent = \"auth.wasm\"\n\
         [actors.header]\ncomponent = \"header.wasm\"\n\
         [[routes]]\npath = \"/*\"\nto = \"web\"\n\
         [[routes]]\npath = \"/both\"\nto = \"web\"\nvia = [\"auth\", \"header\"]\n\
         [[routes]]\npath = \"/again\"\nto = \"web\"\nvia = [\"auth\", \"header\"]\n\
         [[routes]]\npath = \"/other\"\nto = \"web\"\nvia = [\"header\", \"auth\"]\n";
    let both = |name: &str| Part::new(name).host(NEW).exports_refused(NEW);
    let web = || Part::new("web").exports_refused(NEW).exports(&counter());
    let parts = [("web", web()), ("auth", both("auth")), ("header", both("header"))];
    insta::assert_snapshot!("routes_of_requests", shown(&World::new(text, parts)));
    let both = |name: &str| Part::new(name).imports(&handler()).exports(&handler());
    let web = Part::new("web").exports(&counter()).exports(&handler());
    let parts = [("web", web), ("auth", both("auth")), ("header", both("header"))];
    insta::assert_snapshot!("routes_of_messages", shown(&World::new(text, parts)));
}

#[test]
fn a_middleware_may_also_stand_by_itself() {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\n\
         links.\"acme:tax\" = { to = \"tax\", reach = \"fused\", via = [\"audit\"] }\n\
         [actors.shop]\ncomponent = \"shop.wasm\"\nlinks.\"acme:tax\" = { to = \"audit\" }\n\
         [actors.audit]\ncomponent = \"audit.wasm\"\nlinks.\"acme:tax\" = { to = \"tax\" }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\n";
    let rates = rates("1.0.0");
    let parts = [
        ("cart", Part::new("cart").imports(&rates)),
        ("shop", Part::new("shop").imports(&rates)),
        ("audit", Part::new("audit").imports(&rates).exports(&rates)),
        ("tax", Part::new("tax").exports(&rates)),
    ];
    insta::assert_snapshot!(shown(&World::new(text, parts)));
}
