//! Every text of problems and warnings.

mod lattice;
mod middleware;
pub(crate) mod ready;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::contract::Type;
use plan::{Place, Problem, Warning};

use crate::wires;
use crate::world::{Half, Part, World, contract, counter, fallible, handler, plain, rates, result, rpc_error};

/// A case: what it shows, and a world.
type Case = (&'static str, World);

/// Two actors, the first with a link.
fn linked(link: &str, cart: Part, tax: Part) -> World {
    let text =
        format!("[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.{link}\n[actors.tax]\ncomponent = \"tax.wasm\"\n");
    World::new(&text, [("cart", cart), ("tax", tax)])
}

/// `cart` imports `rates` and links it to `tax`.
fn to_tax(options: &str, cart: Part, tax: Part) -> World {
    linked(&format!("\"acme:tax/rates\" = {{ to = \"tax\"{options} }}"), cart, tax)
}

fn alone(text: &str, cart: Part) -> World {
    World::new(&format!("[actors.cart]\ncomponent = \"cart.wasm\"\n{text}"), [("cart", cart)])
}

fn cart() -> Part {
    Part::new("cart")
}

fn tax() -> Part {
    Part::new("tax")
}

fn silent(version: &str) -> std::sync::Arc<model::contract::Contract> {
    contract(
        &format!("acme:tax/rates@{version}"),
        &[("peek", Type::U32), ("rate", fallible(Type::U32)), ("warm", Type::Bool)],
    )
}

fn keys() -> Vec<Case> {
    let both = || cart().imports(&rates("1.0.0")).labelled("backup", &counter()).types("lath:rpc/types@1.0.0");
    let offers = || tax().exports(&rates("1.0.0")).exports(&counter());
    let link = |key: &str| {
        format!(
            "{key} = {{ to = \"tax\" }}\nlinks.\"acme:tax\" = {{ to = \"tax\" }}\nlinks.\"lath:keyvalue\" = {{ to = \"tax\" }}"
        )
    };
    vec![
        ("a misspelt interface", linked(&link("\"acme:tax/rate\""), both(), offers())),
        ("a misspelt label", linked(&link("backups"), both(), offers())),
        ("a key like no import", linked(&link("\"other:thing/entirely\""), both(), offers())),
        ("another version", linked(&link("\"acme:tax/rates@2.0.0\""), both(), offers())),
        ("a link of an actor without imports", linked("kv = { to = \"tax\" }", cart(), tax())),
    ]
}

fn contracts() -> Vec<Case> {
    let inline = || cart().inline("backup", &counter());
    let other = contract("acme:tax/other@1.0.0", &[("increment", result(Type::S32, rpc_error()))]);
    vec![
        (
            "an inline interface without contract",
            linked("backup = { to = \"tax\" }", inline(), tax().exports(&counter())),
        ),
        (
            "several contracts fit",
            linked("backup = { to = \"tax\" }", inline(), tax().exports(&counter()).exports(&other)),
        ),
        ("no contract fits", linked("backup = { to = \"tax\" }", inline(), tax().exports(&rates("1.0.0")))),
        (
            "the stated contract has another structure",
            linked(
                "backup = { to = \"tax\", contract = \"acme:tax/rates\" }",
                inline(),
                tax().exports(&rates("1.0.0")),
            ),
        ),
        (
            "the stated contract is not there",
            linked("backup = { to = \"tax\", contract = \"acme:tax/rate\" }", inline(), tax().exports(&rates("1.0.0"))),
        ),
        (
            "another contract than the import's",
            to_tax(
                ", contract = \"lath:keyvalue/counter\"",
                cart().imports(&rates("1.0.0")),
                tax().exports(&counter()),
            ),
        ),
        (
            "an import that cannot travel",
            linked("\"wasi:keyvalue\" = { to = \"tax\" }", cart().host("wasi:keyvalue/store@0.2.0"), tax()),
        ),
    ]
}

fn targets() -> Vec<Case> {
    let consumer = || cart().imports(&rates("1.2.0"));
    let text = contract("acme:tax/rates@1.2.0", &[("rate", fallible(Type::String))]);
    let pruned = contract("acme:tax/rates@1.3.0", &[("other", fallible(Type::U32))]);
    let kv = "links.\"lath:keyvalue\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let mut unoffered = alone(kv, cart().imports(&counter()));
    unoffered.inventory.offers.remove("keyvalue/embedded");
    let unversioned = contract("acme:tax/rates", &[("rate", fallible(Type::U32))]);
    vec![
        ("a missing export", to_tax("", consumer(), tax().exports(&counter()).exports(&handler()))),
        ("a target that exports nothing", to_tax("", consumer(), tax())),
        ("an older provider", to_tax("", consumer(), tax().exports(&rates("1.1.9")))),
        ("a wrong version track", to_tax("", consumer(), tax().exports(&rates("2.0.0")))),
        ("a target without version", to_tax("", consumer(), tax().exports(&unversioned))),
        ("another type", to_tax("", consumer(), tax().exports(&text))),
        ("a missing function", to_tax("", consumer(), tax().exports(&pruned))),
        ("an export that cannot travel", to_tax("", consumer(), tax().exports_refused("acme:tax/rates@1.2.0"))),
        (
            "a provider of another contract",
            alone(
                "links.\"acme:tax/rates\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/embedded\" }\n",
                consumer(),
            ),
        ),
        ("a kind that no host offers", unoffered),
    ]
}

fn reaches() -> Vec<Case> {
    let silent_tax = || tax().exports(&silent("1.0.0"));
    let one = contract("acme:tax/rates@1.0.0", &[("peek", Type::U32)]);
    let env = |value: &str| format!("grants = {{ env = {{ TZ = \"{value}\" }} }}\n");
    let fused = "links.\"acme:tax/rates\" = { to = \"tax\", reach = \"fused\" }\n";
    let shared = |cart_grants: &str, tax_grants: &str| {
        let text = format!(
            "[actors.cart]\ncomponent = \"cart.wasm\"\n{cart_grants}{fused}[actors.tax]\ncomponent = \"tax.wasm\"\n{tax_grants}"
        );
        let environment = |part: Part| part.host("wasi:cli/environment@0.2.3");
        let parts = [
            ("cart", environment(cart().imports(&rates("1.0.0")))),
            ("tax", environment(tax().exports(&rates("1.0.0")))),
        ];
        World::new(&text, parts)
    };
    vec![
        ("no room over lattice", to_tax(", reach = \"lattice\"", cart().imports(&silent("1.0.0")), silent_tax())),
        ("no room of one function", to_tax(", reach = \"lattice\"", cart().imports(&one), tax().exports(&one))),
        (
            "a fused provider",
            alone(
                "links.\"lath:keyvalue\" = { to = \"kv\", reach = \"fused\" }\n[providers]\nkv = { use = \"keyvalue/embedded\" }\n",
                cart().imports(&counter()),
            ),
        ),
        (
            "an actor fused into itself",
            alone(
                "links.\"acme:tax\" = { to = \"cart\", reach = \"fused\" }\n",
                cart().imports(&rates("1.0.0")).exports(&rates("1.0.0")),
            ),
        ),
        ("a fused cycle of three", cycle()),
        ("different grants", shared(&env("UTC"), "")),
        ("different values", shared(&env("UTC"), &env("CET"))),
        ("too many memories", memories(60)),
        ("too many memories by one", memories(59)),
    ]
}

fn cycle() -> World {
    let contract = |name: &str| contract(&format!("acme:{name}/api@1.0.0"), &[("ask", fallible(Type::U32))]);
    let actor = |name: &str, to: &str| {
        format!(
            "[actors.{name}]\ncomponent = \"{name}.wasm\"\nlinks.\"acme:{to}\" = {{ to = \"{to}\", reach = \"fused\" }}\n"
        )
    };
    let text = actor("cart", "tax") + &actor("tax", "stock") + &actor("stock", "cart");
    let part = |name: &str, to: &str| Part::new(name).imports(&contract(to)).exports(&contract(name));
    World::new(&text, [("cart", part("cart", "tax")), ("tax", part("tax", "stock")), ("stock", part("stock", "cart"))])
}

/// `cart` and the fused `tax` with `count` memories, two senders and one receiver.
fn memories(count: u32) -> World {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\n\
         links.\"acme:tax\" = { to = \"tax\", reach = \"fused\" }\nlinks.\"lath:keyvalue\" = { to = \"kv\" }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\nlinks.\"lath:keyvalue\" = { to = \"kv\" }\n\
         [providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let cart = cart().imports(&rates("1.0.0")).imports(&counter()).exports(&handler()).memories(count);
    World::new(text, [("cart", cart), ("tax", tax().imports(&counter()).exports(&rates("1.0.0")).memories(3))])
}

fn unlinked() -> Vec<Case> {
    let kv = "[providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let pair = |cart: Part, tax: Part| {
        World::new(
            "[actors.cart]\ncomponent = \"cart.wasm\"\n[actors.tax]\ncomponent = \"tax.wasm\"\n",
            [("cart", cart), ("tax", tax)],
        )
    };
    let all = alone(kv, cart().imports(&rates("1.0.0")).imports(&counter()).host("wasi:http/types@0.2.0"));
    vec![
        ("an actor has it", pair(cart().imports(&rates("1.0.0")), tax().exports(&rates("1.0.0")))),
        ("a provider has it", alone(kv, cart().imports(&counter()))),
        ("kinds of provider have it", alone("", cart().imports(&counter()))),
        ("an actor and a provider have it", {
            let text =
                format!("[actors.cart]\ncomponent = \"cart.wasm\"\n[actors.tax]\ncomponent = \"tax.wasm\"\n{kv}");
            World::new(&text, [("cart", cart().imports(&counter())), ("tax", tax().exports(&counter()))])
        }),
        ("nobody has it", alone("", cart().imports(&rates("1.0.0")))),
        ("a label", alone(kv, cart().labelled("primary", &counter()))),
        ("an inline interface", alone(kv, cart().inline("backup", &counter()))),
        (
            "an older interface of the host fits, another track does not",
            alone("", cart().host("wasi:clocks/wall-clock@0.2.0").host("wasi:clocks/wall-clock@0.3.0")),
        ),
        ("everything of a manifest at once", all),
        ("an unread component", World::new("[actors.cart]\ncomponent = \"cart.wasm\"\n", [])),
    ]
}

const PAIR: &str =
    "[adapters.\"lath:keyvalue/counter@0.1.0\"]\nsender = \"sender.wasm\"\nreceiver = \"receiver.wasm\"\n";

/// `cart` calls `tax` on the key-value contract through hand-written adapters.
fn by_hand(sender: Half, receiver: Half) -> World {
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"lath:keyvalue\" = {{ to = \"tax\" }}\n[actors.tax]\ncomponent = \"tax.wasm\"\n{PAIR}"
    );
    let world = World::new(&text, [("cart", cart().imports(&counter())), ("tax", tax().exports(&counter()))]);
    world.adapters("lath:keyvalue/counter@0.1.0", sender, receiver)
}

fn adapters() -> Vec<Case> {
    let sender = || Half::sender(&counter(), "json/1");
    let receiver = || Half::receiver(&counter(), "json/1");
    let older = contract("lath:keyvalue/counter@0.1.0", &[("decrement", result(Type::S32, rpc_error()))]);
    let newer = contract("lath:keyvalue/counter@0.2.0", &[("increment", result(Type::S32, rpc_error()))]);
    let any = PAIR.replace("@0.1.0", "");
    let provided = format!(
        "links.\"lath:keyvalue\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/embedded\" }}\n{any}"
    );
    let routed = "[[routes]]\npath = \"/cart\"\nto = \"cart\"\n[adapters.\"lath:httpserver/handler\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n";
    vec![
        (
            "halves without their interfaces",
            by_hand(Half(Part::new("s"), Some("json/1")), Half(Part::new("r"), Some("json/1"))),
        ),
        ("halves exchanged", by_hand(receiver(), sender())),
        (
            "an import that nothing meets",
            by_hand(Half(sender().0.host("wasi:http/types@0.2.0"), Some("json/1")), receiver()),
        ),
        ("no wire ids", by_hand(Half(sender().0, None), Half(receiver().0, None))),
        ("different wires", by_hand(sender(), Half::receiver(&counter(), "cbor/1"))),
        ("a version of the wire that the actor does not accept", wires::unaccepted()),
        ("built for other functions", by_hand(Half::sender(&older, "json/1"), Half::receiver(&older, "json/1"))),
        (
            "built for another version",
            alone(&provided, cart().imports(&counter())).adapters(
                "lath:keyvalue/counter",
                Half::sender(&newer, "lath/1"),
                Half::receiver(&newer, "lath/1"),
            ),
        ),
        (
            "another wire than a provider's",
            alone(&provided, cart().imports(&counter())).adapters("lath:keyvalue/counter", sender(), receiver()),
        ),
        (
            "another wire than the HTTP server's",
            alone(routed, cart().exports(&handler())).adapters(
                "lath:httpserver/handler",
                Half::sender(&handler(), "json/1"),
                Half::receiver(&handler(), "json/1"),
            ),
        ),
        ("unread adapters", alone(PAIR, cart())),
    ]
}

fn routes() -> Vec<Case> {
    let route = "[[routes]]\nhost = \"shop.example.com\"\npath = \"/cart/{id}\"\nto = \"cart\"\n";
    let newer = contract("lath:httpserver/handler@0.2.0", &[("handle-request", result(Type::U16, rpc_error()))]);
    let other = contract("lath:httpserver/handler@0.1.0", &[("handle-request", result(Type::U32, rpc_error()))]);
    vec![
        ("an actor that answers no requests", alone(route, cart().exports(&rates("1.0.0")))),
        ("another version of the handler", alone(route, cart().exports(&newer))),
        ("a handler with other types", alone(route, cart().exports(&other))),
    ]
}

fn natives() -> Vec<Case> {
    const STORE: &str = "wasi:keyvalue/store@0.2.0-draft2";
    let app = || cart().host(STORE);
    let link =
        |link: &str| format!("links.\"wasi:keyvalue\" = {link}\n[providers]\nkv = {{ use = \"keyvalue/embedded\" }}\n");
    let fx = "fx = { use = \"external\", contract = \"acme:fx/rates\" }\n";
    let counted = "links.\"lath:keyvalue\" = { to = \"kv\", open = { sessions = \"kv\" } }\n\
                   [providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let own = "own = { use = \"external\", contract = \"lath:keyvalue/store\" }\n";
    let far = link("{ to = \"kv\", reach = \"lattice\" }");
    let (mut unbridged, mut unanswered) = (alone(&far, app()), alone(&far, app()));
    unbridged.inventory.bridges.clear();
    unanswered.inventory.offers.values_mut().for_each(|offer| offer.contracts.clear());
    let named = |provider: &str| {
        format!(
            "links.\"lath:keyvalue\" = {{ to = \"kv\", open = {{ carts = \"{provider}\" }} }}\n[providers]\n\
             kv = {{ use = \"keyvalue/embedded\" }}\nkv2 = {{ use = \"keyvalue/embedded\" }}\n"
        )
    };
    let outside = format!(
        "links.\"lath:keyvalue\" = {{ to = \"own\", reach = \"lattice\", open = {{ carts = \"own\" }} }}\n[providers]\n{own}"
    );
    let several = format!("place = {{ replicas = 2 }}\n{}", link("{ to = \"kv\" }"));
    vec![
        ("nobody has the stores", alone("", app())),
        ("one provider has them", alone("[providers]\nkv = { use = \"keyvalue/nats\" }\n", app())),
        (
            "two providers have them",
            alone("[providers]\nkv = { use = \"keyvalue/nats\" }\nmem = { use = \"keyvalue/memory\" }\n", app()),
        ),
        ("no kind has that version", alone("", cart().host("wasi:keyvalue/store@0.3.0"))),
        ("to an actor", linked("\"wasi:keyvalue\" = { to = \"tax\" }", app(), tax())),
        ("to a process of its own", alone(&(link("{ to = \"fx\" }") + fx), app())),
        ("open leads to a process of its own", alone(&(link("{ to = \"kv\", open = { s = \"fx\" } }") + fx), app())),
        ("nothing to open", alone(counted, cart().imports(&counter()))),
        ("over lattice to local state", alone(&far, app())),
        ("over lattice to local state, without a bridge", unbridged),
        ("over lattice to local state that answers no bridge", unanswered),
        (
            "to a process of its own that answers the bridge",
            alone(&(link("{ to = \"own\", reach = \"lattice\" }") + own), app()),
        ),
        ("to a process of its own, with reach host", alone(&(link("{ to = \"own\" }") + own), app())),
        (
            "open leads to a process of its own, over lattice",
            alone(&(link("{ to = \"kv\", reach = \"lattice\", open = { s = \"own\" } }") + own), app()),
        ),
        ("plain values open stores", alone(&named("kv"), cart().imports(&plain()))),
        ("plain values open stores of another provider", alone(&named("kv2"), cart().imports(&plain()))),
        ("plain values open stores of a process of its own", alone(&outside, cart().imports(&plain()))),
        ("a function is idempotent", alone(&link("{ to = \"kv\", idempotent = [\"open\"] }"), app())),
        ("several beside local state", alone(&several, app())),
    ]
}

fn warnings() -> Vec<Case> {
    let kv = "links.\"lath:keyvalue\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/embedded\" }\n";
    let one = contract("acme:tax/rates@1.0.0", &[("peek", Type::U32)]);
    let shadowed = format!("links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n{kv}");
    let typed = format!("links.\"lath:rpc\" = {{ to = \"kv\" }}\n{kv}");
    let used = Half::sender(&counter(), "json/1");
    vec![
        ("no room over host", to_tax("", cart().imports(&silent("1.0.0")), tax().exports(&silent("1.0.0")))),
        ("no room of one function over host", to_tax("", cart().imports(&one), tax().exports(&one))),
        ("a trap is accepted", to_tax(", on-failure = \"trap\"", cart().imports(&one), tax().exports(&one))),
        (
            "a trap over lattice is accepted",
            to_tax(", reach = \"lattice\", on-failure = \"trap\"", cart().imports(&one), tax().exports(&one)),
        ),
        ("fused needs no room", to_tax(", reach = \"fused\"", cart().imports(&one), tax().exports(&one))),
        ("a shadowed key", alone(&shadowed, cart().imports(&counter()))),
        ("a key for types only", alone(&typed, cart().imports(&counter()).types("lath:rpc/types@1.0.0"))),
        ("a provider that is not linked", alone("[providers]\nkv = { use = \"keyvalue/embedded\" }\n", cart())),
        (
            "adapters that nothing uses",
            alone(PAIR, cart()).adapters("lath:keyvalue/counter@0.1.0", used, Half::receiver(&counter(), "json/1")),
        ),
    ]
}

fn shown_place(at: &Place) -> String {
    let named = [
        at.actor.as_ref().map(|actor| format!("actor {actor}")),
        at.import.as_ref().map(|import| format!("import {import}")),
        at.function.as_ref().map(|function| format!("function {function}")),
    ];
    let named: Vec<_> = named.into_iter().flatten().collect();
    format!("{} ({})", at.key, named.join(", "))
}

fn shown_problem(problem: &Problem) -> String {
    format!("{}\n  {problem}\n  → {}\n", shown_place(&problem.at), problem.mend())
}

fn shown_warning(warning: &Warning) -> String {
    format!("{}\n  warning: {warning}\n  → {}\n", shown_place(&warning.at), warning.mend())
}

fn shown(cases: &[Case]) -> String {
    let mut text = String::new();
    for (title, world) in cases {
        let found = match world.plan() {
            Ok(plan) if plan.warnings.is_empty() => "planned\n".to_owned(),
            Ok(plan) => plan.warnings.iter().map(shown_warning).collect(),
            Err(problems) => problems.iter().map(shown_problem).collect(),
        };
        writeln!(text, "# {title}\n{found}").unwrap();
    }
    text
}

fn groups() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("keys", keys()),
        ("contracts", contracts()),
        ("targets", targets()),
        ("reaches", reaches()),
        ("unlinked", unlinked()),
        ("adapters", adapters()),
        ("routes", routes()),
        ("places", lattice::places()),
        ("outside", lattice::outside()),
        ("idempotent", lattice::idempotent()),
        ("clients", lattice::clients()),
        ("natives", natives()),
        ("middleware", middleware::chains()),
        ("ready", ready::cases()),
        ("warnings", warnings()),
    ]
}

#[test]
fn every_text_is_as_it_was_read() {
    for (name, cases) in groups() {
        insta::assert_snapshot!(name, shown(&cases));
    }
}

/// The names of an enum's variants, from its source: a new one must get a case here.
fn variants(source: &str) -> BTreeSet<String> {
    let heads = source.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    heads.filter(|head| head.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
}

fn variant(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split(' ').next().unwrap().to_owned()
}

#[test]
fn every_problem_and_warning_has_a_case() {
    let (mut faults, mut cautions) = (BTreeSet::new(), BTreeSet::new());
    for (_, world) in groups().into_iter().flat_map(|(_, cases)| cases) {
        match world.plan() {
            Ok(plan) => cautions.extend(plan.warnings.iter().map(|warning| variant(&warning.caution))),
            Err(problems) => faults.extend(problems.iter().map(|problem| variant(&problem.fault))),
        }
    }
    let adapters = variants(include_str!("../../src/problem/fault/adapter.rs"));
    let mut expected = variants(include_str!("../../src/problem/fault.rs"));
    expected.extend(adapters.iter().map(|fault| format!("Adapter({fault}")));
    assert_eq!(faults, expected);
    assert_eq!(cautions, variants(include_str!("../../src/problem/caution.rs")));
}

#[test]
fn every_place_is_a_key_of_the_manifest() {
    for (title, world) in groups().into_iter().flat_map(|(_, cases)| cases) {
        let places: Vec<_> = match world.plan() {
            Ok(plan) => plan.warnings.into_iter().map(|warning| warning.at).collect(),
            Err(problems) => problems.into_iter().map(|problem| problem.at).collect(),
        };
        for place in places {
            assert!(world.intent.manifest.span_of(&place.key).is_some(), "{title}: {}", place.key);
        }
    }
}

#[test]
fn a_problem_is_an_error_and_tells_its_parts() {
    let world = to_tax("", cart().imports(&rates("1.2.0")), tax().exports(&rates("1.1.0")));
    let problem = world.plan().unwrap_err().remove(0);
    assert_eq!(problem.at.key, "actors.cart.links.\"acme:tax/rates\"");
    assert_eq!(problem.at.actor.as_ref().unwrap().as_str(), "cart");
    assert_eq!(problem.at.import.as_deref(), Some("acme:tax/rates@1.2.0"));
    let error: Box<dyn std::error::Error> = Box::new(problem);
    assert!(error.to_string().contains("older"));
}

#[test]
fn a_suggestion_must_be_like_the_name() {
    let fault = |key: &str| {
        let link = format!("links.{key} = {{ to = \"cart\" }}\nlinks.abcdefghij = {{ to = \"cart\" }}\n");
        let world = alone(&link, cart().labelled("abcdefghij", &counter()).exports(&counter()));
        world.plan().unwrap_err()[0].mend()
    };
    assert_eq!(fault("abcdefwxyz"), "did you mean `abcdefghij`?");
    assert_eq!(fault("abcdevwxyz"), "use one of these imports, its interface or its package as the key");
}
