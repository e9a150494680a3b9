//! Versions of the wire: what is sent and what is accepted, as a roll of a new version goes through them.

use std::collections::BTreeMap;

use model::blueprint::{AdapterPlan, Blueprint, Target, WireTo};
use model::contract::Type;
use model::wire::{WireVersion, Wires};
use plan::{Breach, Violation, check};

use WireVersion::{V1, V2};

use crate::world::{Part, World, contract, counter, fallible, handler};

/// `cart` takes requests and calls `stock`, a store here and a store outside; a client calls `stock`.
fn world(wires: &Wires) -> World {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:stock\" = { to = \"stock\" }\n\
         links.\"lath:keyvalue\" = { to = \"kv\" }\nlinks.\"acme:fx\" = { to = \"fx\", reach = \"lattice\" }\n\
         [actors.stock]\ncomponent = \"stock.wasm\"\n[actors.gate]\ncomponent = \"gate.wasm\"\n\
         [providers]\nkv = { use = \"keyvalue/embedded\" }\nfx = { use = \"external\", contract = \"acme:fx/rates@1.0.0\" }\n\
         [[routes]]\npath = \"/cart\"\nto = \"cart\"\n\
         [[routes]]\npath = \"/guarded\"\nto = \"cart\"\nvia = [\"gate\"]\n\
         [clients.nightly]\nmay = [\"stock/acme:stock/api\"]\n";
    let stock = contract("acme:stock/api@1.0.0", &[("peek", fallible(Type::U32))]);
    let fx = contract("acme:fx/rates@1.0.0", &[("rate", fallible(Type::U32))]);
    let parts = [
        ("cart", Part::new("cart").imports(&stock).imports(&counter()).imports(&fx).exports(&handler())),
        ("stock", Part::new("stock").exports(&stock)),
        ("gate", Part::new("gate").imports(&handler()).exports(&handler())),
    ];
    let mut world = World::new(text, parts);
    world.intent.wires = wires.clone();
    world
}

/// Version 2 is sent before anybody accepts it.
pub(crate) fn unaccepted() -> World {
    world(&Wires::new(V2, [V1]))
}

/// The steps by which version 2 takes the place of version 1.
fn steps() -> [Wires; 4] {
    [Wires::default(), Wires::new(V1, [V1, V2]), Wires::new(V2, [V1, V2]), Wires::new(V2, [V2])]
}

/// The labels of receivers by actor, and where the senders of `cart` lead.
fn shown(blueprint: &Blueprint) -> (BTreeMap<String, Vec<&str>>, Vec<String>) {
    let receivers = blueprint.composites.iter().map(|(actor, plan)| {
        (actor.to_string(), plan.receivers.iter().map(|receiver| receiver.label.as_str()).collect())
    });
    let cart = &blueprint.composites[&"cart".parse().unwrap()];
    let senders = cart.members[0].wires.iter().filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(match &sender.link.target {
            Target::Actor { actor, receiver } => format!("{actor} {receiver} {}", sender.adapter.wire()),
            Target::Provider(provider) => format!("{provider} {}", sender.adapter.wire()),
        }),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    });
    (receivers.collect(), senders.collect())
}

#[test]
fn a_new_version_is_accepted_before_it_is_sent() {
    let both = ["receive0", "receive0-wire2", "receive-VIA-gate", "receive-wire2-VIA-gate"];
    let rows = [
        (&["receive0", "receive-VIA-gate"][..], &["receive0"][..], ["fx lath/1", "stock receive0 lath/1", "kv lath/1"]),
        (&both, &both[..2], ["fx lath/1", "stock receive0 lath/1", "kv lath/1"]),
        (&both, &both[..2], ["fx lath/1", "stock receive0-wire2 lath/2", "kv lath/2"]),
        (&[both[1], both[3]], &both[1..2], ["fx lath/1", "stock receive0-wire2 lath/2", "kv lath/2"]),
    ];
    let mut previous = None;
    for (step, (wires, (cart, stock, senders))) in steps().iter().zip(rows).enumerate() {
        let world = world(wires);
        let plan = plan::plan(&world.intent, previous.as_ref(), &world.inventory).unwrap();
        let (receivers, mut planned) = shown(&plan.blueprint);
        let mut expected = senders.map(str::to_owned).to_vec();
        planned.sort();
        expected.sort();
        assert_eq!((receivers["cart"].as_slice(), receivers["stock"].as_slice()), (cart, stock), "{wires:?}");
        assert_eq!(planned, expected, "{wires:?}");
        let grant = plan.blueprint.clients.values().flatten().next().unwrap();
        let sent = if wires.send == V1 { "receive0" } else { "receive0-wire2" };
        assert_eq!((grant.receiver.as_str(), plan.blueprint.wire), (sent, wires.send), "hosts call as senders do");
        assert_eq!(check(&world.intent, &plan.blueprint, &world.inventory), Ok(()), "{wires:?}");
        assert_eq!(plan.blueprint.generation, 1 + u64::try_from(step).unwrap(), "each step is a change");
        previous = Some(plan.blueprint);
    }
}

/// What was planned for one step is no plan for another.
#[test]
fn the_checker_tells_the_steps_apart() {
    for planned in steps() {
        let blueprint = world(&planned).plan().unwrap().blueprint;
        for asked in steps().iter().filter(|asked| **asked != planned) {
            let world = world(asked);
            assert!(check(&world.intent, &blueprint, &world.inventory).is_err(), "{planned:?} for {asked:?}");
        }
    }
    let world = world(&Wires::new(V2, [V1, V2]));
    let mut blueprint = world.plan().unwrap().blueprint;
    for wire in &mut blueprint.composites.get_mut(&"cart".parse().unwrap()).unwrap().members[0].wires {
        if let WireTo::Sender(sender) = &mut wire.to {
            sender.adapter = AdapterPlan::Generated(V2);
        }
    }
    // A program outside that may know version 1 alone.
    let violations = check(&world.intent, &blueprint, &world.inventory).unwrap_err();
    let is_wire = |one: &Violation| matches!(one, Violation::Import { breach: Breach::Wire, .. });
    assert!(violations.iter().all(is_wire) && violations.len() == 1, "{violations:?}");
}

#[test]
fn what_nobody_accepts_is_not_sent() {
    for (accept, found) in [(&[V1][..], "on wire `lath/1` only"), (&[], "on no wire")] {
        let problems = world(&Wires::new(V2, accept.iter().copied())).plan().unwrap_err();
        let texts: Vec<_> = problems.iter().map(|problem| (problem.to_string(), problem.mend())).collect();
        let fault = format!(
            "import `acme:stock/api@1.0.0` of actor cart speaks wire `lath/2`, but actor stock answers \
             `acme:stock/api@1.0.0` {found}"
        );
        let mend = "let actor stock accept `lath/2` first, on every host, and send it only then";
        assert!(texts.iter().any(|(text, told)| text.contains(&fault) && told.contains(mend)), "{texts:#?}");
    }
}
