//! Composition: what goes in, what comes out, and what does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adapter::compose::labels::{Labels, ReceiverLabel, SenderLabel};
use adapter::compose::{SENDER, compose, linked};
use adapter::generate::generate_in;
use adapter::source::Source;
use adapter::view::view;
use model::blueprint::{
    AdapterPlan, CompositePlan, LinkPlan, Member, NativePlan, ReceiverPlan, SenderPlan, Target, WIRE_1, Wire, WireTo,
    receiving,
};
use model::contract::Contract;
use model::digest::Digest;
use model::manifest::{Limits, Reach};
use model::wire::{Side, WireVersion};

use crate::source::module;

const WIT: &str = "
    package acme:shop@1.0.0;
    interface store { get: func(key: string) -> result<u32, string>; }
    interface cart { total: func() -> result<u32, string>; }
    world caller { import store; export cart; }
    world callee { export store; }
    world other { import cart; }
    ";

const STORE: &str = "acme:shop/store@1.0.0";
const CART: &str = "acme:shop/cart@1.0.0";

/// The components of a test, by digest.
#[derive(Default)]
struct Parts(BTreeMap<Digest, Arc<[u8]>>);

impl Parts {
    fn member(&mut self, actor: &str, world: &str, wires: Vec<Wire>) -> Member {
        let bytes: Arc<[u8]> = module(WIT, world).into();
        let component = Digest::of(&bytes);
        self.0.insert(component, bytes);
        Member {
            actor: actor.parse().unwrap(),
            component,
            wires,
            env: BTreeMap::new(),
            http: Vec::new(),
            network: Vec::new(),
            folders: Vec::new(),
            config: BTreeMap::new(),
        }
    }
}

fn contract(world: &str, name: &str) -> Arc<Contract> {
    Arc::new(Source::from_wasm("test", &module(WIT, world)).unwrap().contract(name).unwrap())
}

fn sender(label: &str) -> Wire {
    let contract = contract("caller", STORE);
    let link = LinkPlan {
        actor: "cart".parse().unwrap(),
        import: STORE.to_owned(),
        contract: contract.name.clone(),
        target: Target::Provider("kv".parse().unwrap()),
        reach: Reach::Host,
        deadline: Duration::from_secs(1),
        idempotent: BTreeSet::new(),
    };
    let sender = SenderPlan {
        label: label.to_owned(),
        contract,
        adapter: AdapterPlan::Generated(WireVersion::V1),
        link,
        open: BTreeSet::new(),
    };
    Wire { import: STORE.to_owned(), to: WireTo::Sender(sender) }
}

fn receiver() -> ReceiverPlan {
    ReceiverPlan {
        label: "receive0".to_owned(),
        export: CART.to_owned(),
        via: vec![],
        contract: contract("caller", CART),
        adapter: AdapterPlan::Generated(WireVersion::V1),
    }
}

fn plan(members: Vec<Member>, receivers: Vec<ReceiverPlan>) -> CompositePlan {
    CompositePlan { members, receivers, http: vec![], limits: Limits::default(), ready: None }
}

fn composed(plan: &CompositePlan, parts: &Parts) -> Result<Vec<u8>, String> {
    compose(plan, &|digest| parts.0.get(digest).cloned()).map_err(|error| error.to_string())
}

#[test]
fn a_composite_imports_send_and_exports_receive() {
    let mut parts = Parts::default();
    let cart = parts.member("cart", "caller", vec![sender("send0")]);
    let plan = plan(vec![cart], vec![receiver()]);
    let composite = composed(&plan, &parts).unwrap();
    let view = view("composite", &composite).unwrap();
    assert_eq!(view.import("send0").unwrap().contract.as_ref().unwrap().to_string(), SENDER);
    assert!(view.export("receive0").is_some(), "{view:?}");
    assert_eq!(view.memories, 3);
    let (label, contract, wire) = ("send0".to_owned(), STORE.to_owned(), WIRE_1.to_owned());
    let expected = Labels {
        actors: vec!["cart".to_owned()],
        senders: vec![SenderLabel { label, actor: "cart".to_owned(), import: contract.clone(), contract, wire }],
        natives: Vec::new(),
        receivers: vec![ReceiverLabel {
            label: "receive0".to_owned(),
            contract: CART.to_owned(),
            wire: WIRE_1.to_owned(),
        }],
    };
    assert_eq!(Labels::read(&composite), Some(expected));
    assert_eq!(composed(&plan, &parts).unwrap(), composite, "equal input gives equal bytes");
}

/// What runs is compiled once for all actors that are the same, by whatever names they call each other.
#[test]
fn equal_code_has_equal_bytes_whatever_actors_are_called() {
    let mut parts = Parts::default();
    let mut of = |actor: &str| {
        let mut link = sender("send0");
        if let WireTo::Sender(sender) = &mut link.to {
            sender.link.actor = actor.parse().unwrap();
        }
        plan(vec![parts.member(actor, "caller", vec![link])], vec![receiver()])
    };
    let (cart, shelf) = (of("cart"), of("shelf"));
    let linked = |plan: &CompositePlan| linked(plan, &|digest| parts.0.get(digest).cloned()).unwrap();
    assert_eq!(linked(&cart), linked(&shelf));
    assert_ne!(composed(&cart, &parts).unwrap(), composed(&shelf, &parts).unwrap(), "the tables differ");
    assert!(Labels::read(&linked(&cart)).is_none());
}

/// One receiver for each version of the wire that is accepted; what each speaks is in the table and in the adapter.
#[test]
fn a_composite_answers_in_every_version_that_is_accepted() {
    let mut parts = Parts::default();
    let cart = parts.member("cart", "caller", vec![sender("send0")]);
    let one = composed(&plan(vec![cart.clone()], vec![receiver()]), &parts).unwrap();
    let adapter = AdapterPlan::Generated(WireVersion::V2);
    let second = ReceiverPlan { label: receiving("receive0", &adapter), adapter, ..receiver() };
    let both = composed(&plan(vec![cart], vec![receiver(), second]), &parts).unwrap();
    let labels = Labels::read(&both).unwrap();
    let receivers: Vec<_> = labels.receivers.iter().map(|one| (one.label.as_str(), one.wire.as_str())).collect();
    assert_eq!(receivers, [("receive0", "lath/1"), ("receive0-wire2", "lath/2")]);
    let view = view("composite", &both).unwrap();
    assert!(view.export("receive0").is_some() && view.export("receive0-wire2").is_some(), "{view:?}");
    assert_eq!(view.memories, 4);
    let receiver = generate_in(&contract("caller", CART), Side::Receiver, WireVersion::V2).unwrap();
    // The second receiver and what names it, and nothing else.
    assert!(both.len() < one.len() + receiver.len() + 1_000, "{} {} {}", one.len(), both.len(), receiver.len());
}

#[test]
fn a_fused_composite_has_no_sender() {
    let mut parts = Parts::default();
    let fused = Wire { import: STORE.to_owned(), to: WireTo::Member { member: 1, export: STORE.to_owned() } };
    let members = vec![parts.member("cart", "caller", vec![fused]), parts.member("store", "callee", Vec::new())];
    let composite = composed(&plan(members, vec![receiver()]), &parts).unwrap();
    let view = view("composite", &composite).unwrap();
    assert!(view.import("send0").is_none() && view.export("receive0").is_some(), "{view:?}");
    assert_eq!(view.memories, 3);
}

/// Two interfaces of which one uses a resource of the other, and an actor that calls another with them.
const STORES: &str = "
    package acme:kv@0.2.0-draft2;
    interface store { resource bucket { get: func(key: string) -> string; } open: func() -> bucket; }
    interface atomics { use store.{bucket}; add: func(bucket: borrow<bucket>) -> u32; }
    interface api { run: func(); }
    interface more { run: func(); }
    world caller { import store; import atomics; import more; export api; }
    world callee { import atomics; import store; export more; }
    ";

fn native(actor: &str, interface: &str, label: &str) -> Wire {
    let import = format!("acme:kv/{interface}@0.2.0-draft2");
    let link = LinkPlan {
        actor: actor.parse().unwrap(),
        import: import.clone(),
        contract: import.parse().unwrap(),
        target: Target::Provider("kv".parse().unwrap()),
        reach: Reach::Host,
        deadline: Duration::from_secs(1),
        idempotent: BTreeSet::new(),
    };
    Wire {
        import,
        to: WireTo::Native(NativePlan { label: label.to_owned(), link, open: BTreeMap::new(), bridge: None }),
    }
}

#[test]
fn members_that_import_the_same_resource_have_labels_of_their_own() {
    let mut parts = Parts::default();
    let mut member = |actor: &str, world: &str, wires| {
        let bytes: Arc<[u8]> = module(STORES, world).into();
        let component = Digest::of(&bytes);
        parts.0.insert(component, bytes);
        Member { component, ..parts.member(actor, "callee", wires) }
    };
    let labels = ["native0:kv/store@0.2.0-draft2", "native1:kv/atomics@0.2.0-draft2"];
    let more = ["native2:kv/atomics@0.2.0-draft2", "native3:kv/store@0.2.0-draft2"];
    let fused = Wire {
        import: "acme:kv/more@0.2.0-draft2".to_owned(),
        to: WireTo::Member { member: 1, export: "acme:kv/more@0.2.0-draft2".to_owned() },
    };
    let first = vec![native("cart", "store", labels[0]), native("cart", "atomics", labels[1]), fused];
    let second = vec![native("tax", "atomics", more[0]), native("tax", "store", more[1])];
    let members = vec![member("cart", "caller", first), member("tax", "callee", second)];
    let composite = composed(&plan(members, Vec::new()), &parts).unwrap();
    let view = view("composite", &composite).unwrap();
    let imports: BTreeSet<&str> = view.imports.iter().map(|port| port.label.as_str()).collect();
    assert_eq!(imports, labels.into_iter().chain(more).collect(), "and no shared one besides");
    let natives = Labels::read(&composite).unwrap().natives;
    assert_eq!(natives.len(), 4);
    assert_eq!((&*natives[3].label, &*natives[3].actor), (more[1], "tax"));
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let mut parts = Parts::default();
    let caller = |parts: &mut Parts, wires| parts.member("cart", "caller", wires);
    let store = parts.member("store", "callee", Vec::new());
    let wire = |import: &str, to| Wire { import: import.to_owned(), to };
    let to_store = |export: &str| WireTo::Member { member: 1, export: export.to_owned() };

    let check = |parts: &Parts, members: Vec<Member>, receivers: Vec<ReceiverPlan>, expected: &[&str]| {
        let error = composed(&plan(members, receivers), parts).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
    };
    let cart = caller(&mut parts, vec![wire("acme:shop/none", to_store(STORE))]);
    check(&parts, vec![cart, store.clone()], vec![], &["import `acme:shop/none` of actor cart"]);
    let cart = caller(&mut parts, vec![wire(STORE, to_store(CART))]);
    check(&parts, vec![cart, store.clone()], vec![], &["export `acme:shop/cart@1.0.0` of actor store"]);
    let cart = caller(&mut parts, vec![wire(STORE, to_store(STORE))]);
    check(&parts, vec![cart], vec![], &["no such member"]);
    check(&parts, vec![store], vec![receiver()], &["export `acme:shop/cart@1.0.0` of actor store"]);
    let mut cart = caller(&mut parts, vec![sender("send0")]);
    let digest = Digest::of(b"gone");
    cart.component = digest;
    check(&parts, vec![cart], vec![], &["of actor cart is not at hand", &digest.to_string()]);
    let cart = caller(&mut parts, vec![sender("Not a label")]);
    check(&parts, vec![cart], vec![], &["the sender of acme:shop/store@1.0.0", "Not a label"]);
    let mut wired = sender("send0");
    let other = parts.member("other", "other", Vec::new()).component;
    if let WireTo::Sender(sender) = &mut wired.to {
        sender.adapter = AdapterPlan::Given { component: other, wire: "mine/1".to_owned() };
    }
    let cart = caller(&mut parts, vec![wired]);
    check(&parts, vec![cart], vec![], &["the sender of acme:shop/store@1.0.0", "does not import lath:wasmbus/sender"]);
}

#[test]
fn a_table_inside_an_actor_is_not_the_composites() {
    let mut bytes = module(WIT, "caller");
    bytes = adapter::source::componentize("cart", &bytes).unwrap().into_owned();
    // A custom section: its id, its size, the size of its name, its name, its content.
    bytes.extend([&[0, 14, 11][..], b"lath:labels", b"{]"].concat());
    let (bytes, mut parts) = (Arc::<[u8]>::from(bytes), Parts::default());
    let component = Digest::of(&bytes);
    parts.0.insert(component, bytes);
    let cart = Member {
        actor: "cart".parse().unwrap(),
        component,
        wires: vec![sender("send0")],
        env: BTreeMap::new(),
        http: Vec::new(),
        network: Vec::new(),
        folders: Vec::new(),
        config: BTreeMap::new(),
    };
    let plan = plan(vec![cart], vec![receiver()]);
    let composite = composed(&plan, &parts).unwrap();
    assert_eq!(Labels::read(&composite), Some(Labels::of(&plan)));
}
