//! The checker refuses each way in which a blueprint can be wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::blueprint::{
    AdapterPlan, Blueprint, ClientGrant, CompositePlan, HttpExport, HttpVersion, Member, NativePlan, Readiness,
    SenderPlan, Target, WireTo,
};
use model::contract::{ContractName, Type};
use model::digest::Digest;
use model::manifest::Reach;
use model::wire::WireVersion;
use plan::{Inventory, Violation, check};

use crate::problems::ready::health;
use crate::world::{Half, Part, World, contract, counter, fallible, handler, name, rates};

/// `cart` fuses `tax` and `log`, calls `stock` and a store; `stock` answers over hand-written adapters.
fn world() -> World {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax\" = { to = \"tax\", reach = \"fused\" }\n\
         links.\"acme:log\" = { to = \"log\", reach = \"fused\" }\nlinks.\"acme:stock\" = { to = \"stock\", idempotent = [\"peek\"] }\nlinks.\"acme:fx\" = { to = \"fx\", reach = \"lattice\" }\n\
         links.backup = { to = \"kv\", contract = \"lath:keyvalue/counter\" }\n\
         links.\"wasi:keyvalue\" = { to = \"kv\", open = { sessions = \"shared\" } }\n\
         links.\"wasi:keyvalue/atomics\" = { to = \"kv\", reach = \"lattice\", open = { own = \"own\" } }\n\
         links.\"acme:mail\" = { to = \"stock\", via = [\"audit\"] }\n\
         [actors.audit]\ncomponent = \"audit.wasm\"\n[actors.gate]\ncomponent = \"gate.wasm\"\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\nlinks.\"lath:keyvalue\" = { to = \"kv\" }\n\
         [actors.log]\ncomponent = \"log.wasm\"\n\
         [actors.stock]\ncomponent = \"stock.wasm\"\nready = { call = \"acme:shop/health#flag\" }\n\
         [providers]\nkv = { use = \"keyvalue/embedded\" }\nshared = { use = \"keyvalue/nats\" }\nfx = { use = \"external\", contract = \"acme:fx/rates@1.3.0\" }\n\
         own = { use = \"external\", contract = \"lath:keyvalue/store\" }\n\
         [adapters.\"acme:stock/api\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n\
         [[routes]]\npath = \"/cart\"\nto = \"cart\"\n\
         [[routes]]\npath = \"/guarded\"\nto = \"cart\"\nvia = [\"gate\"]\n\
         [clients.nightly]\nmay = [\"stock/lath:keyvalue/counter\"]\n";
    let (log, stock) = (contract("acme:log/api@1.0.0", &[("log", Type::Bool)]), stock());
    let cart = Part::new("cart")
        .inline("backup", &counter())
        .imports(&rates("1.0.0"))
        .imports(&log)
        .imports(&stock)
        .imports(&fx())
        .imports(&mail())
        .host("wasi:keyvalue/store@0.2.0-draft2")
        .host("wasi:keyvalue/atomics@0.2.0-draft2");
    let parts = [
        ("cart", cart.host("wasi:cli/environment@0.2.6").exports(&handler())),
        ("tax", Part::new("tax").imports(&counter()).host("wasi:cli/environment@0.2.6").exports(&rates("1.2.0"))),
        ("log", Part::new("log").exports(&log)),
        ("stock", Part::new("stock").exports(&stock).exports(&counter()).exports(&mail()).exports(&health())),
        ("audit", Part::new("audit").imports(&mail()).exports(&mail())),
        ("gate", Part::new("gate").imports(&handler()).exports(&handler())),
    ];
    World::new(text, parts).adapters("acme:stock/api", Half::sender(&stock, "json/1"), Half::receiver(&stock, "json/1"))
}

fn fx() -> Arc<model::contract::Contract> {
    contract("acme:fx/rates@1.0.0", &[("rate", fallible(Type::U32))])
}

/// A contract without room for failure.
fn stock() -> Arc<model::contract::Contract> {
    contract("acme:stock/api@1.0.0", &[("peek", Type::U32)])
}

fn mail() -> Arc<model::contract::Contract> {
    contract("acme:mail/api@1.0.0", &[("post", fallible(Type::U32))])
}

/// The copy of a middleware in cart's composite.
fn copy<'b>(blueprint: &'b mut Blueprint, actor: &str) -> &'b mut Member {
    cart(blueprint).members.iter_mut().find(|member| member.actor.as_str() == actor).unwrap()
}

type Corruption = fn(&mut Blueprint, &mut Inventory);

fn cart(blueprint: &mut Blueprint) -> &mut CompositePlan {
    composite(blueprint, "cart")
}

fn composite<'b>(blueprint: &'b mut Blueprint, actor: &str) -> &'b mut CompositePlan {
    blueprint.composites.get_mut(&actor.parse().unwrap()).unwrap()
}

/// The sender of cart's import.
fn sender<'b>(blueprint: &'b mut Blueprint, import: &str) -> &'b mut SenderPlan {
    let wires = &mut cart(blueprint).members[0].wires;
    match &mut wires.iter_mut().find(|wire| wire.import.starts_with(import)).unwrap().to {
        WireTo::Sender(sender) => sender,
        WireTo::Member { .. } | WireTo::Native(_) => panic!("{import} has no sender"),
    }
}

/// What meets the stores that cart opens.
fn native(blueprint: &mut Blueprint) -> &mut NativePlan {
    native_at(blueprint, "wasi:keyvalue/store")
}

/// What meets the stores that cart opens on other hosts.
fn bridged(blueprint: &mut Blueprint) -> &mut NativePlan {
    native_at(blueprint, "wasi:keyvalue/atomics")
}

fn native_at<'b>(blueprint: &'b mut Blueprint, import: &str) -> &'b mut NativePlan {
    match member_wire(blueprint, import) {
        WireTo::Native(native) => native,
        other => panic!("{other:?}"),
    }
}

fn stock_sender(blueprint: &mut Blueprint) -> &mut SenderPlan {
    sender(blueprint, "acme:stock")
}

fn member_wire<'b>(blueprint: &'b mut Blueprint, import: &str) -> &'b mut WireTo {
    let wires = &mut cart(blueprint).members[0].wires;
    &mut wires.iter_mut().find(|wire| wire.import.starts_with(import)).unwrap().to
}

/// How stock is asked whether it is ready.
fn asked(blueprint: &mut Blueprint) -> &mut Readiness {
    composite(blueprint, "stock").ready.as_mut().unwrap()
}

fn provider(blueprint: &mut Blueprint) -> model::blueprint::ProviderPlan {
    blueprint.providers[&"kv".parse().unwrap()].clone()
}

fn external(blueprint: &mut Blueprint) -> &mut Option<BTreeSet<ContractName>> {
    &mut blueprint.providers.get_mut(&"fx".parse().unwrap()).unwrap().external
}

/// What the client may call.
fn granted(blueprint: &mut Blueprint) -> &mut BTreeSet<ClientGrant> {
    blueprint.clients.values_mut().next().unwrap()
}

fn grant(blueprint: &mut Blueprint, change: fn(&mut ClientGrant)) {
    let mut grant = granted(blueprint).pop_first().unwrap();
    change(&mut grant);
    granted(blueprint).insert(grant);
}

/// What is done to the blueprint, and a violation that must be among those found.
const CORRUPTIONS: &[(&str, Corruption)] = &[
    ("Generation", |b, _| b.generation = 0),
    ("Application", |b, _| b.application = "other".parse().unwrap()),
    ("SentWire", |b, _| b.wire = WireVersion::V2),
    ("Routes", |b, _| b.routes.clear()),
    ("RouteUnanswered", |b, _| cart(b).receivers.clear()),
    ("RouteUnanswered", |b, _| {
        cart(b).receivers[0].adapter = AdapterPlan::Given { component: Digest::of(b""), wire: "json/1".to_owned() }
    }),
    ("IdleProvider", |b, _| {
        let plan = provider(b);
        b.providers.insert("idle".parse().unwrap(), plan);
    }),
    ("Provider", |b, _| b.providers.values_mut().for_each(|plan| plan.kind = "keyvalue/memory".to_owned())),
    ("Provider", |_, inventory| inventory.offers.clear()),
    ("Provider", |b, _| *external(b) = None),
    ("Provider", |b, _| external(b).as_mut().unwrap().clear()),
    ("Provider", |b, _| b.providers.values_mut().for_each(|plan| plan.external = Some(BTreeSet::new()))),
    ("Clients", |b, _| b.clients.clear()),
    ("Clients", |b, _| granted(b).clear()),
    ("Clients", |b, _| {
        let stranger = granted(b).clone();
        b.clients.insert("stranger".parse().unwrap(), stranger);
    }),
    ("Clients", |b, _| grant(b, |grant| grant.receiver = "receive0".to_owned())),
    ("Clients", |b, _| grant(b, |grant| grant.contract = name("acme:stock/api@1.0.0"))),
    ("Clients", |b, _| grant(b, |grant| grant.actor = "cart".parse().unwrap())),
    ("Clients", |b, _| {
        let more = ClientGrant {
            actor: "stock".parse().unwrap(),
            receiver: "receive0".to_owned(),
            contract: stock().name.clone(),
        };
        granted(b).insert(more);
    }),
    ("Clients", |b, _| {
        composite(b, "stock").receivers[1].adapter =
            AdapterPlan::Given { component: Digest::of(b""), wire: "json/1".to_owned() }
    }),
    ("Absent", |b, _| {
        b.composites.remove(&"stock".parse().unwrap());
    }),
    ("Surplus", |b, _| {
        let stock = composite(b, "stock").clone();
        b.composites.insert("log".parse().unwrap(), stock);
    }),
    ("FirstMember", |b, _| cart(b).members.reverse()),
    ("MemberTwice", |b, _| {
        let again = cart(b).members[1].clone();
        cart(b).members.push(again);
    }),
    ("MemberUncalled", |b, _| {
        let stranger = composite(b, "stock").members[0].clone();
        cart(b).members.push(stranger);
    }),
    ("Cycle", |b, _| {
        let back = WireTo::Member { member: 0, export: "acme:tax/rates@1.2.0".to_owned() };
        cart(b).members[1].wires.push(model::blueprint::Wire { import: "back".to_owned(), to: back.clone() });
        cart(b).members[2].wires.push(model::blueprint::Wire { import: "back".to_owned(), to: back });
    }),
    ("Component", |b, _| cart(b).members[0].component = Digest::of(b"another")),
    ("Grants", |b, _| {
        cart(b).members[1].env.insert("TZ".to_owned(), model::secret::Setting::Text("UTC".to_owned()));
    }),
    ("Grants", |b, _| cart(b).members[0].http.push("https://example.com".parse().unwrap())),
    ("Grants", |b, _| cart(b).members[0].network.push("tcp://example.com:443".parse().unwrap())),
    ("Grants", |b, _| cart(b).members[0].folders.push("/srv".parse().unwrap())),
    ("Grants", |b, _| {
        cart(b).members[0].config.insert("key".to_owned(), model::secret::Setting::Text("value".to_owned()));
    }),
    ("SharedGrant", |b, _| {
        let tax = cart(b).members.iter_mut().find(|member| member.actor.as_str() == "tax").unwrap();
        tax.env.insert("TZ".to_owned(), model::secret::Setting::Text("UTC".to_owned()));
    }),
    ("Limits", |b, _| cart(b).limits.instances += 1),
    ("Memories", |_, inventory| inventory.memories_max = 6),
    ("Unmet", |b, _| cart(b).members[0].wires.clear()),
    ("Unmet", |_, inventory| inventory.host_imports.clear()),
    ("StrayWire", |b, _| {
        let again = cart(b).members[0].wires[0].clone();
        cart(b).members[0].wires.push(again);
    }),
    ("StrayWire", |b, _| {
        let mut wire = cart(b).members[0].wires[0].clone();
        wire.import = "wasi:cli/environment@0.2.6".to_owned();
        cart(b).members[0].wires.push(wire);
    }),
    ("OtherTarget", |b, _| stock_sender(b).link.target = Target::Provider("kv".parse().unwrap())),
    ("OtherTarget", |b, _| {
        let tax = member_wire(b, "acme:tax").clone();
        *member_wire(b, "acme:log") = tax;
    }),
    ("OtherTarget", |b, _| *member_wire(b, "acme:tax") = WireTo::Member { member: 9, export: "none".to_owned() }),
    ("OtherReach", |b, _| stock_sender(b).link.reach = Reach::Fused),
    ("OtherReach", |b, _| *member_wire(b, "acme:stock") = WireTo::Member { member: 1, export: "none".to_owned() }),
    ("NoRoom", |b, _| stock_sender(b).link.reach = Reach::Lattice),
    ("Deadline", |b, _| stock_sender(b).link.deadline += Duration::from_millis(1)),
    ("Idempotent", |b, _| stock_sender(b).link.idempotent.clear()),
    ("Idempotent", |b, _| {
        sender(b, "backup").link.idempotent.insert("increment".to_owned());
    }),
    ("Unserved", |b, _| sender(b, "acme:fx").link.reach = Reach::Host),
    ("Unserved", |b, _| {
        sender(b, "acme:fx").contract = contract("acme:fx/rates@1.4.0", &[("rate", fallible(Type::U32))]);
    }),
    ("LinkTable", |b, _| stock_sender(b).link.import = "backup".to_owned()),
    ("LinkTable", |b, _| stock_sender(b).link.actor = "tax".parse().unwrap()),
    ("LinkTable", |b, _| stock_sender(b).link.contract = name("acme:stock/api@1.1.0")),
    ("Contract", |b, _| stock_sender(b).contract = contract("acme:stock/api@1.0.0", &[("peek", Type::U64)])),
    ("Contract", |b, _| sender(b, "backup").contract = rates("1.0.0")),
    ("Unserved", |b, _| {
        let Target::Actor { receiver, .. } = &mut stock_sender(b).link.target else { panic!("not an actor") };
        *receiver = "receive1".to_owned();
    }),
    ("Unserved", |b, _| {
        let WireTo::Member { export, .. } = member_wire(b, "acme:tax") else { panic!("not fused") };
        *export = "none".to_owned();
    }),
    ("Wire", |b, _| stock_sender(b).adapter = AdapterPlan::Generated(WireVersion::V1)),
    ("Adapter", |b, _| stock_sender(b).adapter = AdapterPlan::Generated(WireVersion::V1)),
    ("Adapter", |b, _| {
        stock_sender(b).adapter = AdapterPlan::Given { component: Digest::of(b"forged"), wire: "json/1".to_owned() }
    }),
    ("Adapter", |b, _| {
        cart(b).receivers[0].adapter = AdapterPlan::Given { component: Digest::of(b""), wire: "lath/1".to_owned() }
    }),
    ("AdapterMisfit", |b, _| stock_sender(b).contract = contract("acme:stock/api@1.0.0", &[("peek", Type::U64)])),
    ("OtherTarget", |b, _| native(b).open.clear()),
    ("OtherTarget", |b, _| native(b).link.target = Target::Provider("shared".parse().unwrap())),
    ("OtherReach", |b, _| native(b).link.reach = Reach::Lattice),
    ("Deadline", |b, _| native(b).link.deadline += Duration::from_millis(1)),
    ("Idempotent", |b, _| {
        native(b).link.idempotent.insert("open".to_owned());
    }),
    ("LinkTable", |b, _| native(b).link.actor = "tax".parse().unwrap()),
    ("LinkTable", |b, _| native(b).label = "native0".to_owned()),
    ("LinkTable", |b, _| native(b).label = "native+7:keyvalue/store@0.2.0-draft2".to_owned()),
    ("LinkTable", |b, _| native(b).label = "native9:keyvalue/atomics@0.2.0-draft2".to_owned()),
    ("LinkTable", |b, _| native(b).label = "wasi:keyvalue/store@0.2.0-draft2".to_owned()),
    ("Contract", |b, _| native(b).link.contract = name("wasi:keyvalue/atomics@0.2.0-draft2")),
    ("Unserved", |_, inventory| inventory.offers.values_mut().for_each(|offer| offer.natives.clear())),
    ("Bridge", |b, _| native(b).bridge = bridged(b).bridge.clone()),
    ("Bridge", |b, _| bridged(b).bridge.as_mut().unwrap().contract = counter()),
    ("Bridge", |b, _| {
        bridged(b).bridge.as_mut().unwrap().reads.insert("set".to_owned());
    }),
    ("Bridge", |_, inventory| inventory.bridges.clear()),
    ("Unserved", |b, _| bridged(b).bridge = None),
    ("Unserved", |_, inventory| inventory.offers.values_mut().for_each(|offer| offer.contracts.clear())),
    ("OtherReach", |b, _| bridged(b).link.reach = Reach::Host),
    ("OtherTarget", |b, _| {
        sender(b, "backup").open.insert("carts".parse().unwrap());
    }),
    ("LabelTwice", |b, _| native(b).label = "receive0".to_owned()),
    ("LabelTwice", |b, _| stock_sender(b).label = "receive0".to_owned()),
    ("LabelTwice", |b, _| stock_sender(b).label = "send0".to_owned()),
    ("Receivers", |b, _| composite(b, "stock").receivers[0].export = "lath:keyvalue/counter@0.1.0".to_owned()),
    ("Receivers", |b, _| composite(b, "stock").receivers.truncate(1)),
    ("Readiness", |b, _| composite(b, "stock").ready = None),
    ("Readiness", |b, _| asked(b).receiver = "receive1".to_owned()),
    ("Readiness", |b, _| asked(b).function = "error".to_owned()),
    ("Readiness", |b, _| asked(b).within *= 2),
    ("Readiness", |b, _| {
        let asked = asked(b).clone();
        cart(b).ready = Some(asked);
    }),
    ("Http", |b, _| {
        let export = "wasi:http/incoming-handler@0.2.6".to_owned();
        cart(b).http.push(HttpExport { label: export.clone(), export, via: vec![], version: HttpVersion::V02 });
    }),
    ("Receivers", |b, _| composite(b, "stock").receivers[1].contract = rates("1.0.0")),
    ("Chain", |b, _| *member_wire(b, "acme:mail") = copy(b, "audit").wires[0].to.clone()),
    ("Chain", |b, _| copy(b, "audit").actor = "gate".parse().unwrap()),
    ("OtherTarget", |b, _| match &mut copy(b, "audit").wires[0].to {
        WireTo::Sender(sender) => sender.link.target = Target::Provider("kv".parse().unwrap()),
        other => panic!("{other:?}"),
    }),
    ("LinkTable", |b, _| match &mut copy(b, "audit").wires[0].to {
        WireTo::Sender(sender) => sender.link.actor = "audit".parse().unwrap(),
        other => panic!("{other:?}"),
    }),
    ("Unmet", |b, _| copy(b, "audit").wires.clear()),
    ("RouteChain", |b, _| copy(b, "gate").actor = "audit".parse().unwrap()),
    ("RouteChain", |b, _| copy(b, "gate").wires.clear()),
    ("RouteChain", |b, _| cart(b).receivers.truncate(1)),
    ("RouteChain", |b, _| cart(b).receivers[1].label = "receive-VIA-audit".to_owned()),
    ("RouteChain", |b, _| cart(b).receivers[1].via.clear()),
    ("Receivers", |b, _| cart(b).receivers[1].via.clear()),
    ("RouteUnanswered", |b, _| cart(b).receivers.truncate(1)),
];

#[test]
fn the_sound_blueprint_passes() {
    let world = world();
    assert_eq!(check(&world.intent, &world.planned().blueprint, &world.inventory), Ok(()));
}

/// The name of the variant; for an import, of the breach.
fn kind(violation: &Violation) -> String {
    let text = match violation {
        Violation::Import { breach, .. } => format!("{breach:?}"),
        other => format!("{other:?}"),
    };
    text.split(' ').next().unwrap().to_owned()
}

#[test]
fn each_corruption_is_found() {
    let world = world();
    let sound = world.planned().blueprint;
    let mut texts = BTreeSet::new();
    for (index, (expected, corrupt)) in CORRUPTIONS.iter().enumerate() {
        let (mut blueprint, mut inventory) = (sound.clone(), world.inventory.clone());
        corrupt(&mut blueprint, &mut inventory);
        let violations = check(&world.intent, &blueprint, &inventory).unwrap_err();
        let found = violations.iter().find(|violation| kind(violation) == *expected);
        let found = found.unwrap_or_else(|| panic!("{index}: {expected} not in {violations:#?}"));
        texts.insert(format!("{expected}: {found}"));
    }
    insta::assert_snapshot!("violations", texts.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_violation_has_a_corruption() {
    let source = include_str!("../../src/check/violation.rs").lines();
    let heads = source.filter(|line| line.starts_with("    ") && !line.contains('#'));
    let declared: BTreeSet<_> =
        heads.map(|line| line.trim().split([' ', ',']).next().unwrap()).filter(|name| *name != "Import").collect();
    let tried: BTreeSet<_> = CORRUPTIONS.iter().map(|(violation, _)| *violation).collect();
    assert_eq!(tried, declared);
}
