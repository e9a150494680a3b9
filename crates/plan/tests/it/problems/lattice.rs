//! Texts about many hosts: places, external providers, idempotent functions, clients.

use model::contract::Type;

use super::{Case, alone, cart, tax, to_tax};
use crate::world::{Half, Part, World, contract, counter, fallible, handler, rates};

/// Actors in a row, each linked to the next with `reach` and with the place that is given.
fn row(places: &[(&str, &str)], reach: &str, more: &str) -> World {
    let mut text = String::new();
    let mut parts = Vec::new();
    for (index, (name, place)) in places.iter().enumerate() {
        let mut part = Part::new(name).exports(&api(name));
        text += &format!("[actors.{name}]\ncomponent = \"{name}.wasm\"\nplace = {{ {place} }}\n");
        if let Some((next, _)) = places.get(index + 1) {
            text += &format!("links.\"acme:{next}\" = {{ to = \"{next}\", reach = \"{reach}\" }}\n");
            part = part.imports(&api(next));
        } else if !more.is_empty() {
            text += "links.\"lath:keyvalue\" = { to = \"kv\" }\n";
            part = part.imports(&counter());
        }
        parts.push((*name, part));
    }
    World::new(&(text + more), parts)
}

fn api(name: &str) -> std::sync::Arc<model::contract::Contract> {
    contract(&format!("acme:{name}/api@1.0.0"), &[("ask", fallible(Type::U32))])
}

fn kv(kind: &str) -> String {
    format!("[providers]\nkv = {{ use = \"{kind}\" }}\n")
}

pub(super) fn places() -> Vec<Case> {
    let embedded = kv("keyvalue/embedded");
    let mut lonely = row(&[("cart", "replicas = 3")], "host", &embedded);
    lonely.inventory.offers.remove("keyvalue/nats");
    let standing = "[actors.cart]\ncomponent = \"cart.wasm\"\nplace = { replicas = 2, on = { tier = \"web\" } }\n\
         links.\"acme:tax\" = { to = \"tax\", reach = \"fused\" }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\nplace = { replicas = 3, on = { tier = \"db\" } }\n\
         [[routes]]\npath = \"/\"\nto = \"tax\"\n";
    let parts = || {
        let tax = tax().exports(&rates("1.0.0")).exports(&handler());
        [("cart", cart().imports(&rates("1.0.0"))), ("tax", tax)]
    };
    vec![
        ("different counts", row(&[("cart", "replicas = 3"), ("tax", "replicas = 2")], "host", "")),
        ("a count and everywhere", row(&[("cart", "replicas = 3"), ("tax", "everywhere = true")], "host", "")),
        (
            "different counts over two links",
            row(&[("a", "replicas = 3"), ("b", ""), ("c", "replicas = 1")], "host", ""),
        ),
        ("different spreads", row(&[("cart", "spread = \"zone\""), ("tax", "spread = \"rack\"")], "host", "")),
        (
            "different labels",
            row(&[("cart", "on = { tier = \"web\" }"), ("tax", "on = { tier = \"db\", disk = \"ssd\" }")], "host", ""),
        ),
        ("everything at once", {
            let places = [
                ("a", "replicas = 1, spread = \"zone\", on = { tier = \"web\" }"),
                ("b", "everywhere = true, on = { tier = \"db\" }"),
                ("c", "replicas = 2, spread = \"rack\", on = { tier = \"x\" }"),
            ];
            row(&places, "host", "")
        }),
        ("different counts of fused actors", row(&[("cart", "replicas = 3"), ("tax", "replicas = 2")], "fused", "")),
        ("a fused actor that stands by itself keeps its labels only", World::new(standing, parts())),
        (
            "different counts over lattice",
            row(&[("cart", "replicas = 3"), ("tax", "everywhere = true")], "lattice", ""),
        ),
        ("one of two says how many", row(&[("cart", ""), ("tax", "replicas = 3")], "host", "")),
        ("several beside local state", row(&[("cart", "replicas = 3")], "host", &embedded)),
        ("several beside local state, over a link", row(&[("cart", "replicas = 3"), ("tax", "")], "host", &embedded)),
        ("several fused beside local state", row(&[("cart", ""), ("tax", "replicas = 2")], "fused", &embedded)),
        ("everywhere beside local state", row(&[("cart", "everywhere = true")], "host", &embedded)),
        ("no kind has shared state", lonely),
        ("one beside local state", row(&[("cart", "replicas = 1")], "host", &embedded)),
        ("several beside shared state", row(&[("cart", "replicas = 3")], "host", &kv("keyvalue/nats"))),
    ]
}

pub(super) fn outside() -> Vec<Case> {
    let linked = |options: &str, serves: &str, part: Part| {
        alone(
            &format!(
                "links.\"acme:tax\" = {{ to = \"fx\"{options} }}\n\
                 [providers]\nfx = {{ use = \"external\", contract = \"{serves}\" }}\n"
            ),
            part,
        )
    };
    let lattice = ", reach = \"lattice\"";
    let imports = || cart().imports(&rates("1.2.0"));
    let inline = |link: &str| {
        let text = format!(
            "links.backup = {{ to = \"fx\", reach = \"lattice\"{link} }}\n\
             [providers]\nfx = {{ use = \"external\", contract = \"acme:tax/rates@1.2.0\" }}\n"
        );
        alone(&text, cart().inline("backup", &rates("1.0.0")))
    };
    let silent = contract("acme:tax/rates@1.2.0", &[("peek", Type::U32)]);
    vec![
        ("an external provider over host", linked("", "acme:tax/rates", imports())),
        ("an external provider, fused", linked(", reach = \"fused\"", "acme:tax/rates", imports())),
        ("an external provider over lattice", linked(lattice, "acme:tax/rates", imports())),
        ("an external provider of a newer version", linked(lattice, "acme:tax/rates@1.4.0", imports())),
        ("an external provider of an older version", linked(lattice, "acme:tax/rates@1.1.0", imports())),
        ("an external provider of another track", linked(lattice, "acme:tax/rates@2.0.0", imports())),
        ("an external provider of another contract", linked(lattice, "acme:fx/rates", imports())),
        ("no room for failure", linked(lattice, "acme:tax/rates", cart().imports(&silent))),
        ("an inline import", inline("")),
        ("an inline import with its contract", inline(", contract = \"acme:tax/rates\"")),
        ("an unlinked import that it could meet", {
            let text = "[providers]\nfx = { use = \"external\", contract = \"acme:tax/rates\" }\n";
            alone(text, imports())
        }),
    ]
}

pub(super) fn idempotent() -> Vec<Case> {
    let both = || contract("acme:tax/rates@1.0.0", &[("peek", fallible(Type::U32)), ("pay", fallible(Type::U32))]);
    let pruned = || contract("acme:tax/rates@1.0.0", &[("pay", fallible(Type::U32))]);
    let admin = contract("acme:tax/admin@1.0.0", &[("stop", fallible(Type::U32))]);
    let link = |functions: &str, cart: Part| {
        to_tax(&format!(", reach = \"lattice\", idempotent = {functions}"), cart, tax().exports(&both()))
    };
    let package = "[actors.cart]\ncomponent = \"cart.wasm\"\n\
         links.\"acme:tax\" = { to = \"tax\", idempotent = [\"stop\", \"peek\", \"sto\"] }\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\n";
    let parts = [("cart", cart().imports(&both()).imports(&admin)), ("tax", tax().exports(&both()).exports(&admin))];
    vec![
        ("functions that are there", link("[\"peek\", \"pay\"]", cart().imports(&both()))),
        ("a misspelt function", link("[\"peeek\", \"pay\"]", cart().imports(&both()))),
        ("functions like no other", link("[\"increment\", \"zzz\"]", cart().imports(&both()))),
        ("a function that the consumer does not call", link("[\"peek\"]", cart().imports(&pruned()))),
        ("a link of two imports", World::new(package, parts)),
    ]
}

pub(super) fn clients() -> Vec<Case> {
    let part = || cart().exports(&rates("1.0.0")).exports(&rates("2.0.0")).exports(&handler());
    let client = |may: &str| alone(&format!("[clients.nightly]\nmay = {may}\n"), part());
    let pair = "[adapters.\"acme:tax/rates\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n";
    let by_hand = {
        let text = format!("[clients.nightly]\nmay = [\"cart/acme:tax/rates\"]\n{pair}");
        let world = alone(&text, cart().exports(&rates("1.0.0")));
        let (sender, receiver) = (Half::sender(&rates("1.0.0"), "json/1"), Half::receiver(&rates("1.0.0"), "json/1"));
        world.adapters("acme:tax/rates", sender, receiver)
    };
    vec![
        ("every version", client("[\"cart/acme:tax/rates\", \"cart/lath:httpserver/handler@0.1.0\"]")),
        ("one version", client("[\"cart/acme:tax/rates@2.0.0\"]")),
        ("a version that is not there", client("[\"cart/acme:tax/rates@1.5.0\"]")),
        ("a misspelt contract", client("[\"cart/acme:tax/rate\"]")),
        ("a contract like no other", client("[\"cart/other:thing/entirely\"]")),
        ("a contract by hand", by_hand),
        ("an actor that answers nothing", alone("[clients.nightly]\nmay = [\"cart/acme:tax/rates\"]\n", cart())),
    ]
}
