//! Who may call what: each claim that is refused, and why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host::authority::{Judge, Knowledge, Known, Refusal, authorise};
use lattice::call::Call;
use model::blueprint::{
    Blueprint, Bridge, ClientGrant, HttpExport, HttpVersion, LinkPlan, NativePlan, ReceiverPlan, Target, Wire, WireTo,
};
use model::failure::Progress;
use model::ids::HostName;
use model::manifest::{Reach, Route};
use model::placement::AppPlacement;
use provider::Opens;

use crate::hosts::{AMPLE, CONTRACT, actor, composite, contract, hosts, link, placement, provider, shop};

const REQUESTS: &str = "lath:httpserver/handler@0.1.0";

/// `cart` calls actor `stock` and provider `till` over the lattice, and `desk` inside its host. `tax` is fused into
/// `cart`, and calls `rates` from there; alone it runs on `c`. A route leads to `cart`, and client `nightly` may call
/// `stock`.
fn blueprint() -> Blueprint {
    let cart = vec![
        link("cart", actor("stock"), Reach::Lattice),
        link("cart", provider("till"), Reach::Lattice),
        link("cart", actor("desk"), Reach::Host),
    ];
    let tax = || vec![link("tax", actor("rates"), Reach::Lattice)];
    let mut front = composite(&[("cart", cart), ("tax", tax())]);
    let mut handler = front.receivers[0].clone();
    (handler.label, handler.contract) = ("receive1".to_owned(), contract(REQUESTS));
    front.receivers.push(handler);
    let alone = |name: &str| (name.parse().unwrap(), composite(&[(name, Vec::new())]));
    let composites = [
        ("cart".parse().unwrap(), front),
        ("tax".parse().unwrap(), composite(&[("tax", tax())])),
        alone("stock"),
        alone("desk"),
        alone("rates"),
    ];
    let to_cart =
        Route { host: None, path: "/*".parse().unwrap(), methods: [].into(), to: "cart".parse().unwrap(), via: vec![] };
    let grant = ClientGrant {
        actor: "stock".parse().unwrap(),
        receiver: "receive0".to_owned(),
        contract: CONTRACT.parse().unwrap(),
    };
    Blueprint {
        composites: composites.into(),
        routes: vec![to_cart],
        clients: [("nightly".parse().unwrap(), [grant].into())].into(),
        wire: model::wire::WireVersion::V1,
        ..shop()
    }
}

fn placed(generation: u64, cart: &str) -> Arc<AppPlacement> {
    let mut placed = (*placement(generation, cart, "")).clone();
    for (actor, on) in [("tax", "c"), ("stock", "d"), ("desk", "d"), ("rates", "d")] {
        placed.actors.insert(actor.parse().unwrap(), hosts(on));
    }
    Arc::new(placed)
}

fn known(generation: u64, cart: &str) -> Known {
    Known::new(Arc::new(blueprint()), placed(generation, cart))
}

fn knowing(known: Known) -> Knowledge {
    [("shop".parse().unwrap(), known)].into_iter().collect()
}

/// Actor `cart`, link `stock`, calls `stock` in generation 5.
fn good() -> Call {
    Call {
        target: "shop/stock".parse().unwrap(),
        origin: "shop/cart".parse().unwrap(),
        link: Some("stock".parse().unwrap()),
        contract: CONTRACT.parse().unwrap(),
        method: "take".parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: Instant::now() + AMPLE,
        chain: 1,
        depth: 1,
        generation: 5,
        trace: None,
        payload: Vec::new().into(),
    }
}

/// What comes of a call that `from` sends: the target, or the refusal as the caller is told.
fn judged(knowledge: &Knowledge, from: &str, call: &Call, is_live: bool, now: Instant) -> String {
    let requests = REQUESTS.parse().unwrap();
    let from: HostName = from.parse().unwrap();
    let judge = Judge { knowledge, requests: &requests, is_live: &|| is_live, now };
    match authorise(call, &from, judge) {
        Ok(granted) => match granted.target {
            Target::Actor { actor, receiver } => format!("actor {actor} at {receiver} by {}", granted.contract),
            Target::Provider(provider) => format!("provider {provider} by {}", granted.contract),
        },
        Err(refusal) => {
            let failure = refusal.failure(call, &from, &"d".parse().unwrap());
            assert_eq!(failure.progress, Progress::NotStarted);
            let status = match refusal {
                Refusal::Denied(_) => 403,
                Refusal::Newer { .. } | Refusal::NotHere | Refusal::Overtaken { .. } => 503,
            };
            assert_eq!(failure.error.http_status(), status);
            failure.to_string()
        }
    }
}

fn request() -> Call {
    Call {
        target: "shop/cart".parse().unwrap(),
        origin: "@ingress".parse().unwrap(),
        link: None,
        contract: REQUESTS.parse().unwrap(),
        method: "handle-request".parse().unwrap(),
        ..good()
    }
}

fn nightly() -> Call {
    Call { origin: "@client/nightly".parse().unwrap(), link: None, ..good() }
}

#[test]
fn what_was_agreed_may_be_called() {
    let knowledge = knowing(known(5, "a b"));
    let now = Instant::now();
    let stock = "actor stock at receive0 by acme:stock/api@1.0.0";
    let till = Call { target: "shop/till".parse().unwrap(), link: Some("till".parse().unwrap()), ..good() };
    let fused = Call {
        target: "shop/rates".parse().unwrap(),
        origin: "shop/tax".parse().unwrap(),
        link: Some("rates".parse().unwrap()),
        ..good()
    };
    let older = Call { generation: 2, ..good() };
    let cases = [
        ("a", good(), stock),
        ("b", good(), stock),
        ("b", older, stock),
        ("a", till, "provider till by acme:stock/api@1.0.0"),
        // A fused member calls from wherever its composite runs, and from where it runs alone.
        ("a", fused.clone(), "actor rates at receive0 by acme:stock/api@1.0.0"),
        ("c", fused, "actor rates at receive0 by acme:stock/api@1.0.0"),
        ("a", request(), "actor cart at receive1 by lath:httpserver/handler@0.1.0"),
        ("z", request(), "actor cart at receive1 by lath:httpserver/handler@0.1.0"),
        ("z", nightly(), stock),
    ];
    for (from, call, expected) in cases {
        assert_eq!(judged(&knowledge, from, &call, false, now), expected, "{from} {}", call.origin);
    }
}

const STORE: &str = "lath:keyvalue/store@0.1.0";
const NATIVE: &str = "wasi:keyvalue/store@0.2.0-draft2";

/// `cart` opens stores of two providers on other hosts, `desk` of one on its own.
fn with_stores() -> Blueprint {
    let bridge = || Bridge { contract: contract(STORE), reads: ["get".to_owned()].into() };
    let opens = |of: &str, reach, open: &[(&str, &str)], bridge| {
        let link = LinkPlan {
            import: NATIVE.to_owned(),
            contract: NATIVE.parse().unwrap(),
            ..link(of, provider("kv"), reach)
        };
        let open = open.iter().map(|(store, kv)| (store.parse().unwrap(), kv.parse().unwrap())).collect();
        let to = WireTo::Native(NativePlan { label: "native0".to_owned(), link, open, bridge });
        Wire { import: NATIVE.to_owned(), to }
    };
    let mut blueprint = blueprint();
    let mut add = |actor: &str, wire| {
        blueprint.composites.get_mut(&actor.parse().unwrap()).unwrap().members[0].wires.push(wire);
    };
    add("cart", opens("cart", Reach::Lattice, &[("carts", "kv"), ("sessions", "other")], Some(bridge())));
    add("desk", opens("desk", Reach::Host, &[("carts", "kv")], None));
    blueprint
}

#[test]
fn a_bridge_names_only_the_stores_that_its_link_opens() {
    let known = Known::new(Arc::new(with_stores()), placed(5, "a b"));
    let (knowledge, requests) = (knowing(known), REQUESTS.parse().unwrap());
    let word = |text: &str| text.parse().unwrap();
    let good = || Call {
        target: "shop/kv".parse().unwrap(),
        link: Some(word(NATIVE)),
        contract: word(STORE),
        method: word("set"),
        ..good()
    };
    let other = || Call { target: "shop/other".parse().unwrap(), ..good() };
    let desk = || Call { origin: "shop/desk".parse().unwrap(), ..good() };
    let rows = [
        ("its stores", "a", good(), Ok("carts default")),
        ("those of another provider", "b", other(), Ok("sessions")),
        ("from where it does not run", "d", good(), Err(())),
        ("a provider that it opens nothing of", "a", Call { target: "shop/till".parse().unwrap(), ..good() }, Err(())),
        ("a contract that its bridge does not speak", "a", Call { contract: word(NATIVE), ..good() }, Err(())),
        ("counters of that provider", "a", Call { contract: word("lath:keyvalue/counter@0.1.0"), ..good() }, Err(())),
        ("another wire", "a", Call { wire: word("json/1"), ..good() }, Err(())),
        ("a link inside the host", "d", desk(), Err(())),
    ];
    for (what, from, call, expected) in rows {
        let judge = Judge { knowledge: &knowledge, requests: &requests, is_live: &|| false, now: Instant::now() };
        let found = authorise(&call, &from.parse().unwrap(), judge).map(|granted| match granted.opens {
            Opens::Only(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            other => panic!("{what}: {other:?}"),
        });
        assert_eq!(found.map_err(drop), expected.map(ToOwned::to_owned), "{what}");
    }
}

#[test]
fn all_else_is_refused() {
    let knowledge = knowing(known(5, "a b"));
    let link = |name: &str| Some(name.parse().unwrap());
    let target = |name: &str| name.parse().unwrap();
    let origin = |name: &str| name.parse().unwrap();
    let word = |name: &str| name.parse().unwrap();
    let cases = [
        ("its host is another's", "d", good()),
        ("a host nobody knows", "mallory", good()),
        ("another actor's link", "a", Call { origin: origin("shop/stock"), ..good() }),
        ("an actor that is not there", "a", Call { origin: origin("shop/ghost"), ..good() }),
        ("a link that is not there", "a", Call { link: link("safe"), ..good() }),
        ("no link", "a", Call { link: None, ..good() }),
        ("a link that leads elsewhere", "a", Call { link: link("till"), ..good() }),
        ("a target that is not there", "a", Call { target: target("shop/ghost"), ..good() }),
        ("another contract", "a", Call { contract: word("acme:stock/admin@1.0.0"), ..good() }),
        ("a newer contract", "a", Call { contract: word("acme:stock/api@1.1.0"), ..good() }),
        ("another wire", "a", Call { wire: word("json/1"), ..good() }),
        ("a link inside the host", "a", Call { link: link("desk"), target: target("shop/desk"), ..good() }),
        (
            "a fused member's link from another host",
            "d",
            Call { origin: origin("shop/tax"), link: link("rates"), target: target("shop/rates"), ..good() },
        ),
        ("another application's actor", "a", Call { origin: origin("bank/cart"), ..good() }),
        ("an application that is not here", "a", Call { target: target("bank/stock"), generation: 0, ..good() }),
        ("a newer generation", "a", Call { generation: 6, ..good() }),
        ("a newer generation of one that is not here", "a", Call { target: target("bank/stock"), ..good() }),
        ("a request to an actor without a route", "a", Call { target: target("shop/stock"), ..request() }),
        ("a request to a provider", "a", Call { target: target("shop/till"), ..request() }),
        ("a request of another contract", "a", Call { contract: word(CONTRACT), ..request() }),
        ("a request for another function", "a", Call { method: word("drop-tables"), ..request() }),
        ("a request in another wire", "a", Call { wire: word("json/1"), ..request() }),
        ("a client without a grant", "a", Call { origin: origin("@client/daily"), ..nightly() }),
        ("a client, another actor", "a", Call { target: target("shop/desk"), ..nightly() }),
        ("a client, another contract", "a", Call { contract: word(REQUESTS), ..nightly() }),
        ("an operator", "a", Call { origin: origin("@operator"), ..nightly() }),
    ];
    let now = Instant::now();
    let told = cases.map(|(what, from, call)| format!("{what}:\n    {}", judged(&knowledge, from, &call, true, now)));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn who_is_being_replaced_may_finish() {
    let begun = Instant::now();
    let until = begun + Duration::from_secs(30);
    let moved = known(5, "a").placed(placed(6, "b"), until);
    let new = Call { generation: 6, ..good() };
    let check = |known: &Known, from: &str, call: &Call, is_live: bool, now: Instant, may: bool| {
        let told = judged(&knowing(known.clone()), from, call, is_live, now);
        assert_eq!(told.starts_with("actor stock"), may, "{from} {} {is_live}: {told}", call.generation);
    };
    check(&moved, "b", &new, false, begun, true);
    check(&moved, "b", &good(), false, begun, true);
    // The host that it left: as long as it lives, and drains.
    check(&moved, "a", &good(), true, begun, true);
    check(&moved, "a", &good(), true, until, true);
    check(&moved, "a", &good(), true, until + Duration::from_millis(1), false);
    // One that stood still and was replaced, and one that claims to know better.
    check(&moved, "a", &good(), false, begun, false);
    // A host that has not taken that up yet may serve the first: it is told to look for one.
    let told = |call: &Call| judged(&knowing(moved.clone()), "a", call, false, begun);
    assert!(told(&good()).starts_with("transport: "), "{}", told(&good()));
    assert!(told(&new).starts_with("invalid-parameter: "), "{}", told(&new));
    check(&moved, "a", &new, true, begun, false);
    // The same over a new version of the application, which no longer has the link.
    let mut without = blueprint();
    without.composites.insert("cart".parse().unwrap(), composite(&[("cart", Vec::new())]));
    let next = Known::new(Arc::new(without), placed(7, "b")).after(&moved, until);
    check(&next, "b", &new, true, begun, true);
    check(&next, "a", &good(), true, begun, true);
    check(&next, "b", &Call { generation: 7, ..good() }, true, begun, false);
    // Further back than is kept, nothing counts.
    let many = (8..12).fold(next, |known, generation| known.placed(placed(generation, "c"), until));
    check(&many, "a", &good(), true, begun, false);
}

/// Behind a chain of middleware only who names it gets there, and who names one gets no other.
#[test]
fn requests_name_their_chain() {
    let mut guarded = blueprint();
    let front = guarded.composites.get_mut(&"cart".parse().unwrap()).unwrap();
    let mut guard = front.members[1].clone();
    guard.actor = "guard".parse().unwrap();
    let via = vec![front.members.len()];
    front.members.push(guard);
    let (plain, label) = (front.receivers[1].clone(), "receive-VIA-guard".to_owned());
    front.receivers.push(ReceiverPlan { label, via, ..plain });
    guarded.routes[0].via = vec!["guard".parse().unwrap()];
    let judge = |guarded: &Blueprint, link: Option<&str>| {
        let knowledge = knowing(Known::new(Arc::new(guarded.clone()), placed(5, "a")));
        let call = Call { link: link.map(|link| link.parse().unwrap()), ..request() };
        judged(&knowledge, "e", &call, true, Instant::now())
    };
    let through = format!("actor cart at receive-VIA-guard by {REQUESTS}");
    let past = format!("actor cart at receive1 by {REQUESTS}");
    assert_eq!(judge(&guarded, Some("guard")), through);
    for wrong in [None, Some("cart"), Some("guard,guard"), Some("other"), Some("Guard"), Some(",")] {
        assert!(!judge(&guarded, wrong).starts_with("actor cart at"), "{wrong:?}");
    }
    guarded.routes.push(Route { via: Vec::new(), ..guarded.routes[0].clone() });
    assert_eq!((judge(&guarded, Some("guard")), judge(&guarded, None)), (through, past));
}

/// The ingress of any host reaches an actor of `wasi:http` by a route, as a streamed call, and by nothing else.
#[test]
fn a_streamed_request_comes_by_a_route() {
    let mut open = blueprint();
    let label = "wasi:http/incoming-handler@0.2.6".to_owned();
    let http = HttpExport { label: label.clone(), export: label, via: vec![], version: HttpVersion::V02 };
    open.composites.get_mut(&"cart".parse().unwrap()).unwrap().http = vec![http];
    let before = Known::new(Arc::new(blueprint()), placed(4, "a"));
    let now = Known::new(Arc::new(open), placed(5, "a")).after(&before, Instant::now() + AMPLE);
    let (open, closed) = (knowing(now), knowing(known(6, "a")));
    let streamed = |contract: &str| Call {
        contract: contract.parse().unwrap(),
        method: host::exchange::HANDLE.parse().unwrap(),
        wire: host::exchange::WIRE.parse().unwrap(),
        ..request()
    };
    let good = || streamed(host::exchange::contract(HttpVersion::V02));
    let check = |knowledge: &Knowledge, call: &Call| judged(knowledge, "z", call, true, Instant::now());
    assert_eq!(check(&open, &good()), "actor cart at  by wasi:http/incoming-handler@0.2.0");
    // A caller that knows the version before, or the one after, may mean another version of the contract.
    let later = streamed(host::exchange::contract(HttpVersion::V03));
    assert_eq!(check(&open, &later), "actor cart at  by wasi:http/handler@0.3.0");
    let word = |text: &str| text.parse().unwrap();
    for (what, call) in [
        ("an actor without a route", Call { target: "shop/stock".parse().unwrap(), ..good() }),
        ("a chain of middleware that no route has", Call { link: Some(word("guard")), ..good() }),
        ("another function", Call { method: word("run"), ..good() }),
        ("another wire", Call { wire: word("lath/1"), ..good() }),
        ("a contract that does not serve", streamed("wasi:http/outgoing-handler@0.2.0")),
        ("a newer generation", Call { generation: 9, ..good() }),
        ("an actor over a link", Call { origin: "shop/cart".parse().unwrap(), link: Some(word("stock")), ..good() }),
        ("a client", Call { origin: "@client/nightly".parse().unwrap(), ..good() }),
    ] {
        assert!(!check(&open, &call).starts_with("actor "), "{what}: {}", check(&open, &call));
    }
    // Where the actor takes requests by messages only: a caller of an older version looks for another host.
    let told = check(&closed, &good());
    assert!(told.starts_with("transport: ") && told.contains("takes requests by another contract"), "{told}");
    let told = check(&closed, &Call { generation: 6, ..good() });
    assert!(told.starts_with("invalid-parameter: "), "{told}");
}
