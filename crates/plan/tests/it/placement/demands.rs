//! What manifests ask of hosts.

use std::fmt::Write as _;

use model::contract::Type;
use model::digest::Digest;
use model::placement::Replicas;
use plan::placement::{Demand, demand};

use crate::world::{Part, World, contract, counter, fallible, rates};

fn of(world: &World) -> Demand {
    let blueprint = world.planned().blueprint;
    demand(&world.intent, &blueprint, &world.inventory, 7, Digest::of(b"document")).unwrap()
}

fn told(demand: &Demand) -> String {
    let mut text = String::new();
    for group in &demand.groups {
        let names = |names: Vec<String>| names.join(", ");
        let actors = names(group.actors.iter().map(ToString::to_string).collect());
        let providers = names(group.providers.iter().map(ToString::to_string).collect());
        let replicas = match group.replicas {
            Replicas::Count(count) => count.to_string(),
            Replicas::Everywhere => "everywhere".to_owned(),
        };
        write!(text, "[{actors}] with [{providers}] × {replicas}").unwrap();
        if group.pinned() {
            write!(text, ", state of {}", names(group.local.iter().map(ToString::to_string).collect())).unwrap();
        }
        for (word, shown) in [
            ("spread over", group.spread.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("on", names(group.on.iter().map(|(key, value)| format!("{key}={value}")).collect())),
            ("needs", names(group.kinds.iter().cloned().collect())),
        ] {
            if !shown.is_empty() {
                write!(text, ", {word} {shown}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

fn api(name: &str) -> std::sync::Arc<model::contract::Contract> {
    contract(&format!("acme:{name}/api@1.0.0"), &[("ask", fallible(Type::U32))])
}

/// Actors by name, each with the rest of its table and the actors and stores that it imports.
fn world(actors: &[(&str, &str, &[&str])], more: &str) -> World {
    let mut text = String::new();
    let mut parts = Vec::new();
    for (name, table, imports) in actors {
        writeln!(text, "[actors.{name}]\ncomponent = \"{name}.wasm\"\n{table}").unwrap();
        let part = Part::new(name).exports(&api(name));
        let import = |part: Part, import: &&str| match import.strip_prefix("store:") {
            Some(label) => part.labelled(label, &counter()),
            None => part.imports(&api(import)),
        };
        parts.push((*name, imports.iter().fold(part, import)));
    }
    World::new(&(text + more), parts)
}

const STORES: &str = "[providers]\nkv = { use = \"keyvalue/embedded\" }\nnats = { use = \"keyvalue/nats\" }\n";

#[test]
fn what_is_linked_with_host_stands_together() {
    let demand = of(&world(
        &[
            ("a", "place = { spread = \"zone\" }\nlinks.\"acme:b\" = { to = \"b\" }", &["b"]),
            ("b", "place = { replicas = 3, on = { tier = \"web\" } }", &[]),
            ("c", "place = { on = { disk = \"ssd\" } }\nlinks.\"acme:b\" = { to = \"b\" }", &["b"]),
            ("d", "place.everywhere = true\nlinks.\"acme:b\" = { to = \"b\", reach = \"lattice\" }", &["b"]),
            ("e", "links.\"acme:e\" = { to = \"e\" }", &["e"]),
        ],
        "",
    ));
    assert_eq!((demand.application.as_str(), demand.version, demand.intent), ("shop", 7, Digest::of(b"document")));
    insta::assert_snapshot!(told(&demand), @"
    [a, b, c] with [] × 3, spread over zone, on disk=ssd, tier=web
    [d] with [] × everywhere
    [e] with [] × 1
    ");
}

#[test]
fn what_is_fused_is_where_its_callers_are() {
    let fused = |to: &str| format!("links.\"acme:{to}\" = {{ to = \"{to}\", reach = \"fused\" }}");
    let demand = of(&world(
        &[
            ("a", &fused("b"), &["b"]),
            ("b", "place = { replicas = 2, on = { tier = \"web\" } }\nlinks.\"acme:d\" = { to = \"d\" }", &["d"]),
            ("c", &fused("e"), &["e"]),
            ("d", "", &[]),
            ("e", "place = { replicas = 3, spread = \"zone\", on = { disk = \"ssd\" } }", &[]),
        ],
        "[clients.nightly]\nmay = [\"e/acme:e/api\"]\n",
    ));
    // `e` stands by itself too: its copy in `c` is where `c` is, with the labels of both.
    insta::assert_snapshot!(told(&demand), @"
    [a, d] with [] × 2, on tier=web
    [c] with [] × 1, on disk=ssd
    [e] with [] × 3, spread over zone, on disk=ssd
    ");
}

#[test]
fn local_state_gathers_and_shared_state_follows() {
    let to = |label: &str, store: &str, reach: &str| {
        format!("links.{label} = {{ to = \"{store}\", reach = \"{reach}\" }}\n")
    };
    let demand = of(&world(
        &[
            ("a", &to("x", "kv", "host"), &["store:x"]),
            ("b", &(to("x", "kv", "host") + &to("y", "nats", "lattice")), &["store:x", "store:y"]),
            (
                "c",
                &(to("x", "kv", "lattice") + "place.replicas = 3\n" + &to("y", "nats", "host")),
                &["store:x", "store:y"],
            ),
            ("d", "", &[]),
        ],
        STORES,
    ));
    insta::assert_snapshot!(told(&demand), @"
    [a, b] with [kv, nats] × 1, state of kv, needs keyvalue/embedded, keyvalue/nats
    [c] with [nats] × 3, needs keyvalue/nats
    [d] with [] × 1
    ");
}

#[test]
fn local_state_that_is_reached_over_the_lattice_stands_alone() {
    let far = "links.x = { to = \"kv\", reach = \"lattice\" }\nplace.everywhere = true";
    let fx = "links.\"acme:tax\" = { to = \"fx\", reach = \"lattice\" }";
    let world = world(
        &[("cart", far, &["store:x"]), ("web", "", &[])],
        "[providers]\nkv = { use = \"keyvalue/embedded\" }\nidle = { use = \"keyvalue/embedded\" }\n",
    );
    insta::assert_snapshot!(told(&of(&world)), @"
    [cart] with [] × everywhere
    [] with [kv] × 1, state of kv, needs keyvalue/embedded
    [web] with [] × 1
    ");
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\n{fx}\n[providers]\nfx = {{ use = \"external\", contract = \"acme:tax/rates\" }}\n"
    );
    let outside = World::new(&text, [("cart", Part::new("cart").imports(&rates("1.0.0")))]);
    let blueprint = outside.planned().blueprint;
    let external = blueprint.providers.values().next().unwrap().external.clone().unwrap();
    assert_eq!(external.iter().map(ToString::to_string).collect::<Vec<_>>(), ["acme:tax/rates@1.0.0"]);
    assert_eq!(told(&of(&outside)), "[cart] with [] × 1\n");
}

#[test]
fn rules_that_contradict_each_other_are_no_demand() {
    let world = |tax: &str| {
        let cart = "place.replicas = 3\nlinks.\"acme:tax\" = { to = \"tax\" }";
        world(&[("cart", cart, &["tax"]), ("tax", tax, &[])], "")
    };
    let good = world("");
    let blueprint = good.planned().blueprint;
    let bad = world("place.replicas = 2");
    let problems = demand(&bad.intent, &blueprint, &bad.inventory, 1, Digest::of(b"")).unwrap_err();
    assert_eq!(problems, bad.plan().unwrap_err());
    assert_eq!(problems.len(), 1);
}
