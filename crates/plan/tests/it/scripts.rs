//! The planner's behaviour as scripts: a manifest, and what becomes of it.

use std::fmt::Write as _;
use std::sync::Arc;

use model::blueprint::{AdapterPlan, Blueprint, CompositePlan, Member, WireTo};
use model::contract::{Contract, Type};
use plan::{check, explain, plan};

use crate::world::{Half, Part, World, contract, counter, fallible, handler, plain, rates};

/// Plans, has the plan judged, and shows it under its manifest.
fn script(world: &World) -> String {
    let plan = world.planned();
    check(&world.intent, &plan.blueprint, &world.inventory).unwrap();
    let mut text = format!("{}\n", world.text);
    for (root, composite) in &plan.blueprint.composites {
        writeln!(text, "== composite {root}\n{}", outline(composite)).unwrap();
    }
    for link in explain(&plan.blueprint, &plan.notes) {
        writeln!(text, "-- {link}").unwrap();
    }
    let providers: Vec<_> = plan.blueprint.providers.keys().map(ToString::to_string).collect();
    writeln!(text, "providers: {}", providers.join(", ")).unwrap();
    for warning in plan.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    text
}

fn outline(composite: &CompositePlan) -> String {
    let mut text = String::new();
    for (index, member) in composite.members.iter().enumerate() {
        writeln!(text, "member {index}: {} {:?}", member.actor, member.env).unwrap();
        text.push_str(&wires(member));
    }
    for receiver in &composite.receivers {
        let adapter = shown_adapter(&receiver.adapter);
        writeln!(text, "{} → {} ({adapter})", receiver.label, receiver.export).unwrap();
    }
    text
}

fn wires(member: &Member) -> String {
    let mut text = String::new();
    for wire in &member.wires {
        let to = match &wire.to {
            WireTo::Member { member, export } => format!("member {member} at {export}"),
            WireTo::Sender(sender) => format!("{} ({})", sender.label, shown_adapter(&sender.adapter)),
            WireTo::Native(native) => format!("{} to {} {:?}", native.label, native.link.target, native.open),
        };
        writeln!(text, "  {} → {to}", wire.import).unwrap();
    }
    text
}

fn shown_adapter(adapter: &AdapterPlan) -> String {
    match adapter {
        AdapterPlan::Generated(_) => format!("generated, {}", adapter.wire()),
        AdapterPlan::Substitute { .. } => format!("substitute, {}", adapter.wire()),
        AdapterPlan::Given { .. } => format!("given, {}", adapter.wire()),
    }
}

const KV: &str = "[providers]\nkv = { use = \"keyvalue/embedded\" }\nredis = { use = \"keyvalue/memory\" }\n";

fn kvcounter() -> World {
    let text = "[actors.counter]\ncomponent = \"counter.wasm\"\nlinks.\"lath:keyvalue\" = { to = \"kv\" }\n\
         [providers]\nkv = { use = \"keyvalue/embedded\" }\n[[routes]]\npath = \"/*\"\nto = \"counter\"\n";
    let part =
        Part::new("counter").imports(&counter()).types("lath:rpc/types@1.0.0").host("wasi:cli/environment@0.2.3");
    World::new(text, [("counter", part.exports(&handler()))])
}

#[test]
fn an_actor_with_a_store_and_a_route() {
    insta::assert_snapshot!(script(&kvcounter()));
}

#[test]
fn one_contract_through_two_labels() {
    let text = format!(
        "[actors.counter]\ncomponent = \"counter.wasm\"\nlinks.primary = {{ to = \"kv\" }}\nlinks.backup = {{ to = \"redis\", deadline = \"800ms\" }}\n{KV}"
    );
    let part = Part::new("counter").labelled("backup", &counter()).labelled("primary", &counter());
    insta::assert_snapshot!(script(&World::new(&text, [("counter", part)])));
}

const STORE: &str = "wasi:keyvalue/store@0.2.0-draft2";
const ATOMICS: &str = "wasi:keyvalue/atomics@0.2.0-draft2";

#[test]
fn an_actor_opens_stores_of_two_providers() {
    let text = format!(
        "[actors.app]\ncomponent = \"app.wasm\"\nlinks.\"wasi:keyvalue\" = {{ to = \"kv\", open = {{ sessions = \"redis\", \
         carts = \"kv\" }}, deadline = \"800ms\" }}\n{KV}"
    );
    insta::assert_snapshot!(script(&World::new(&text, [("app", Part::new("app").host(ATOMICS).host(STORE))])));
}

#[test]
fn stores_of_a_provider_elsewhere_are_reached_by_a_bridge() {
    let text = "[actors.app]\ncomponent = \"app.wasm\"\nplace = { replicas = 3 }\n\
                links.\"wasi:keyvalue\" = { to = \"kv\", open = { all = \"nats\", own = \"own\" }, reach = \"lattice\" }\n\
                links.\"lath:keyvalue\" = { to = \"kv\", open = { carts = \"kv\" }, reach = \"lattice\" }\n\
                [providers]\nkv = { use = \"keyvalue/embedded\" }\nnats = { use = \"keyvalue/nats\" }\n\
                own = { use = \"external\", contract = \"lath:keyvalue/store\" }\n";
    let app = Part::new("app").host(STORE).imports(&plain());
    insta::assert_snapshot!(script(&World::new(text, [("app", app)])));
}

#[test]
fn fused_actors_open_stores_of_their_own() {
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"wasi:keyvalue\" = {{ to = \"kv\" }}\n\
         links.\"acme:tax\" = {{ to = \"tax\", reach = \"fused\" }}\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\nlinks.\"wasi:keyvalue\" = {{ to = \"redis\", reach = \"fused\" }}\n{KV}"
    );
    let cart = Part::new("cart").imports(&rates("1.0.0")).host(ATOMICS).host(STORE);
    let tax = Part::new("tax").host(STORE).exports(&rates("1.0.0"));
    insta::assert_snapshot!(script(&World::new(&text, [("cart", cart), ("tax", tax)])));
}

#[test]
fn one_contract_through_two_inline_interfaces() {
    let text = format!(
        "[actors.counter]\ncomponent = \"counter.wasm\"\nlinks.primary = {{ to = \"kv\", contract = \"lath:keyvalue/counter\" }}\n\
         links.backup = {{ to = \"redis\", contract = \"lath:keyvalue/counter@0.1.0\" }}\n{KV}"
    );
    let part = || Part::new("counter").inline("backup", &counter()).inline("primary", &counter());
    let world = World::new(&text, [("counter", part())]);
    insta::assert_snapshot!(script(&world));
    let blueprint = world.planned().blueprint;
    for wire in &first(&blueprint).members[0].wires {
        let WireTo::Sender(sender) = &wire.to else { panic!("{wire:?}") };
        assert_eq!(sender.contract, counter(), "renamed wholly");
    }
}

fn first(blueprint: &Blueprint) -> &CompositePlan {
    blueprint.composites.values().next().unwrap()
}

fn api(actor: &str) -> Arc<Contract> {
    contract(&format!("acme:{actor}/api@1.0.0"), &[("ask", fallible(Type::U32))])
}

#[test]
fn the_shop_with_each_reach() {
    for reach in ["fused", "host", "lattice"] {
        let text = format!(
            "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax\" = {{ to = \"tax\", reach = \"{reach}\" }}\n\
             [actors.tax]\ncomponent = \"tax.wasm\"\n[[routes]]\npath = \"/cart/{{id}}\"\nto = \"cart\"\n"
        );
        let cart = Part::new("cart").imports(&rates("1.0.0")).exports(&handler());
        let world = World::new(&text, [("cart", cart), ("tax", Part::new("tax").exports(&rates("1.1.0")))]);
        insta::assert_snapshot!(format!("shop_{reach}"), script(&world));
    }
}

/// `a` fuses `b` and `c`, which both fuse `d`; `d` keeps its own link, and `e` calls `d` alone.
#[test]
fn a_fused_diamond() {
    let fused = |to: &str| format!("links.\"acme:{to}\" = {{ to = \"{to}\", reach = \"fused\" }}\n");
    let actor = |name: &str, links: &str| format!("[actors.{name}]\ncomponent = \"{name}.wasm\"\n{links}");
    let text = actor("a", &(fused("b") + &fused("c")))
        + &actor("b", &fused("d"))
        + &actor("c", &fused("d"))
        + &actor("d", "links.\"lath:keyvalue\" = { to = \"kv\" }\ngrants = { env = { TZ = \"UTC\" } }\n")
        + &actor("e", "links.\"acme:d\" = { to = \"d\" }\n")
        + "[providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let parts = [
        ("a", Part::new("a").imports(&api("b")).imports(&api("c")).exports(&api("a"))),
        ("b", Part::new("b").imports(&api("d")).exports(&api("b"))),
        ("c", Part::new("c").imports(&api("d")).exports(&api("c"))),
        ("d", Part::new("d").host("wasi:cli/environment@0.2.6").imports(&counter()).exports(&api("d"))),
        ("e", Part::new("e").imports(&api("d"))),
    ];
    insta::assert_snapshot!(script(&World::new(&text, parts)));
}

#[test]
fn an_inline_interface_can_be_fused() {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\n\
         links.rates = { to = \"tax\", reach = \"fused\", contract = \"acme:tax/rates\" }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\n";
    let cart = Part::new("cart").inline("rates", &rates("1.0.0")).exports(&handler());
    let world = World::new(text, [("cart", cart), ("tax", Part::new("tax").exports(&rates("1.1.0")))]);
    insta::assert_snapshot!(script(&world));
}

#[test]
fn the_most_specific_key_wins() {
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"lath:keyvalue\" = {{ to = \"kv\" }}\n\
         links.\"lath:keyvalue/counter@0.1.0\" = {{ to = \"redis\" }}\nlinks.backup = {{ to = \"tax\" }}\n\
         links.\"acme:tax\" = {{ to = \"tax\" }}\n[actors.tax]\ncomponent = \"tax.wasm\"\n{KV}"
    );
    let cart = Part::new("cart").imports(&rates("1.0.0")).labelled("backup", &counter()).imports(&counter());
    let tax = Part::new("tax").exports(&rates("1.0.0")).exports(&counter());
    insta::assert_snapshot!(script(&World::new(&text, [("cart", cart), ("tax", tax)])));
}

#[test]
fn adapters_by_hand_stand_at_both_ends() {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"lath:keyvalue\" = { to = \"store\" }\n\
         [actors.store]\ncomponent = \"store.wasm\"\n\
         [adapters.\"lath:keyvalue/counter\"]\nsender = \"sender.wasm\"\nreceiver = \"receiver.wasm\"\n";
    let parts = [
        ("cart", Part::new("cart").imports(&counter()).exports(&handler())),
        ("store", Part::new("store").exports(&counter())),
    ];
    let world = World::new(text, parts).adapters(
        "lath:keyvalue/counter",
        Half::sender(&counter(), "json/1"),
        Half::receiver(&counter(), "json/1"),
    );
    insta::assert_snapshot!(script(&world));
}

#[test]
fn an_actor_may_call_another_instance_of_itself() {
    let text = "[actors.tree]\ncomponent = \"tree.wasm\"\nlinks.\"acme:tree\" = { to = \"tree\" }\n";
    insta::assert_snapshot!(script(&World::new(
        text,
        [("tree", Part::new("tree").imports(&api("tree")).exports(&api("tree")))]
    )));
}

#[test]
fn a_link_takes_the_newest_export_that_serves() {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax\" = { to = \"tax\" }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\n";
    let tax = Part::new("tax").exports(&rates("1.1.0")).exports(&rates("1.4.0")).exports(&rates("2.0.0"));
    let world = World::new(text, [("cart", Part::new("cart").imports(&rates("1.0.0"))), ("tax", tax)]);
    insta::assert_snapshot!(script(&world));
}

#[test]
fn the_generation_grows_with_changes_only() {
    let world = kvcounter();
    let first = world.planned().blueprint;
    let again = |previous: &Blueprint| plan(&world.intent, Some(previous), &world.inventory).unwrap().blueprint;
    assert_eq!(first.generation, 1);
    assert_eq!(again(&first), first);
    let seventh = Blueprint { generation: 7, ..first.clone() };
    assert_eq!(again(&seventh), seventh);
    let changed = Blueprint { routes: Vec::new(), ..seventh };
    assert_eq!(again(&changed), Blueprint { generation: 8, ..first });
}
