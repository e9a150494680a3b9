//! What stands in the place of generated adapters.

use std::sync::Arc;

use model::blueprint::{AdapterPlan, WireTo};
use model::contract::{Contract, Type};
use model::digest::Digest;
use model::wire::{Side, WireVersion, Wires};
use plan::{Need, Substitute, Violation, check, needs};

use WireVersion::{V1, V2};

use crate::world::{Half, Part, World, contract, fallible, handler};

fn stock(functions: &[&str]) -> Arc<Contract> {
    let functions: Vec<_> = functions.iter().map(|name| (*name, fallible(Type::U32))).collect();
    contract("acme:stock/api@1.0.0", &functions)
}

const TEXT: &str = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:stock\" = { to = \"stock\" }\n\
     [actors.stock]\ncomponent = \"stock.wasm\"\n[[routes]]\npath = \"/cart\"\nto = \"cart\"\n";

/// `cart` calls a part of what `stock` answers.
fn world() -> World {
    world_of(TEXT)
}

fn world_of(text: &str) -> World {
    let parts = [
        ("cart", Part::new("cart").imports(&stock(&["peek"])).exports(&handler())),
        ("stock", Part::new("stock").exports(&stock(&["peek", "take"]))),
    ];
    World::new(text, parts)
}

fn substitute(bytes: &str, side: Side, of: &Arc<Contract>, wire: WireVersion) -> Substitute {
    let Half(Part(mut view), _) = match side {
        Side::Sender => Half::sender(of, "lath/1"),
        Side::Receiver => Half::receiver(of, "lath/1"),
    };
    view.digest = Digest::of(bytes.as_bytes());
    Substitute { side, wire, view }
}

fn chosen(world: &World) -> Vec<(Side, WireVersion, String, Option<Digest>)> {
    let plan = world.planned();
    assert_eq!(check(&world.intent, &plan.blueprint, &world.inventory), Ok(()));
    let told = |need: Need| (need.side, need.wire, need.contract.name.interface.clone(), need.adapter.component());
    needs(&plan.blueprint).into_iter().map(told).collect()
}

fn digest(bytes: &str) -> Option<Digest> {
    Some(Digest::of(bytes.as_bytes()))
}

#[test]
fn what_fits_takes_the_place_of_what_is_generated() {
    let (narrow, wide) = (stock(&["peek"]), stock(&["peek", "take"]));
    let rows: [(&str, Vec<Substitute>, _); 8] = [
        ("nothing", vec![], [None, None]),
        ("of this contract", vec![substitute("s", Side::Sender, &narrow, V1)], [digest("s"), None]),
        ("with more functions", vec![substitute("s", Side::Sender, &wide, V1)], [digest("s"), None]),
        (
            "what was made for it goes first",
            vec![substitute("wide", Side::Sender, &wide, V1), substitute("own", Side::Sender, &narrow, V1)],
            [digest("own"), None],
        ),
        ("with fewer functions", vec![substitute("r", Side::Receiver, &narrow, V1)], [None, None]),
        ("a receiver", vec![substitute("r", Side::Receiver, &wide, V1)], [None, digest("r")]),
        ("of a wire that is not spoken", vec![substitute("s", Side::Sender, &narrow, V2)], [None, None]),
        ("of another contract", vec![substitute("s", Side::Sender, &handler(), V1)], [None, None]),
    ];
    for (what, substitutes, [sender, receiver]) in rows {
        let mut world = world();
        world.intent.substitutes = substitutes;
        let expected = [
            (Side::Receiver, V1, "handler".to_owned(), None),
            (Side::Sender, V1, "api".to_owned(), sender),
            (Side::Receiver, V1, "api".to_owned(), receiver),
        ];
        assert_eq!(chosen(&world), expected, "{what}");
    }
}

#[test]
fn each_version_of_the_wire_has_its_own() {
    let mut world = world();
    world.intent.wires = Wires::new(V2, [V1, V2]);
    world.intent.substitutes = vec![
        substitute("one", Side::Receiver, &stock(&["peek", "take"]), V1),
        substitute("two", Side::Sender, &stock(&["peek"]), V2),
    ];
    let expected = [
        (Side::Receiver, V1, "handler".to_owned(), None),
        (Side::Receiver, V2, "handler".to_owned(), None),
        (Side::Sender, V2, "api".to_owned(), digest("two")),
        (Side::Receiver, V1, "api".to_owned(), digest("one")),
        (Side::Receiver, V2, "api".to_owned(), None),
    ];
    assert_eq!(chosen(&world), expected);
}

#[test]
fn adapters_that_a_manifest_names_are_not_replaced() {
    let (narrow, wide) = (stock(&["peek"]), stock(&["peek", "take"]));
    let pair = "[adapters.\"acme:stock/api@1.0.0\"]\nsender = \"sender.wasm\"\nreceiver = \"receiver.wasm\"\n";
    let (sender, receiver) = (Half::sender(&wide, "json/1"), Half::receiver(&wide, "json/1"));
    let mut world = world_of(&format!("{TEXT}{pair}")).adapters("acme:stock/api@1.0.0", sender, receiver);
    world.intent.substitutes =
        vec![substitute("s", Side::Sender, &narrow, V1), substitute("r", Side::Receiver, &wide, V1)];
    assert_eq!(chosen(&world), [(Side::Receiver, V1, "handler".to_owned(), None)]);
}

#[test]
fn another_adapter_than_is_asked_for_is_a_violation() {
    let mut world = world();
    let narrow = stock(&["peek"]);
    world.intent.substitutes = vec![
        substitute("wide", Side::Sender, &stock(&["peek", "take"]), V1),
        substitute("own", Side::Sender, &narrow, V1),
        substitute("later", Side::Sender, &narrow, V2),
    ];
    let component = |bytes: &str| Digest::of(bytes.as_bytes());
    for wrong in [
        AdapterPlan::Generated(V1),
        AdapterPlan::Substitute { component: component("wide"), wire: V1 },
        AdapterPlan::Substitute { component: component("forged"), wire: V1 },
        AdapterPlan::Substitute { component: component("own"), wire: V2 },
        AdapterPlan::Given { component: component("own"), wire: "lath/1".to_owned() },
    ] {
        let mut blueprint = world.planned().blueprint;
        let cart = blueprint.composites.get_mut(&"cart".parse().unwrap()).unwrap();
        for wire in &mut cart.members[0].wires {
            if let WireTo::Sender(sender) = &mut wire.to {
                sender.adapter = wrong.clone();
            }
        }
        let violations = check(&world.intent, &blueprint, &world.inventory).unwrap_err();
        let is_it = |violation: &Violation| matches!(violation, Violation::Adapter { .. });
        assert!(violations.iter().any(is_it), "{wrong:?}: {violations:#?}");
    }
}
