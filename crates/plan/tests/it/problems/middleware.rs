//! Chains of middleware that cannot be.

use model::contract::Type;

use super::Case;
use crate::world::{Part, World, contract, counter, fallible, handler, rates};

const OLD: &str = "wasi:http/incoming-handler@0.2.6";
const NEW: &str = "wasi:http/handler@0.3.0";

/// `cart` calls `tax` via `audit`, and perhaps `check`.
fn chained(options: &str, rest: &str, audit: Part, check: Part) -> World {
    let cart = Part::new("cart").imports(&rates("1.1.0"));
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax/rates\" = {{ to = \"tax\", {options} }}\n\
         [actors.audit]\ncomponent = \"audit.wasm\"\n[actors.check]\ncomponent = \"check.wasm\"\n\
         [actors.tax]\ncomponent = \"tax.wasm\"\n{rest}"
    );
    let tax = Part::new("tax").exports(&rates("1.1.0"));
    World::new(&text, [("cart", cart), ("audit", audit), ("check", check), ("tax", tax)])
}

/// Requests go to `web` via `gate`.
fn routed(web: Part, gate: Part) -> World {
    let text = "[actors.web]\ncomponent = \"web.wasm\"\n[actors.gate]\ncomponent = \"gate.wasm\"\n\
                [[routes]]\npath = \"/*\"\nto = \"web\"\nvia = [\"gate\"]\n";
    World::new(text, [("web", web), ("gate", gate)])
}

fn part(imports: &str, exports: &str) -> Part {
    Part::new("audit").imports(&rates(imports)).exports(&rates(exports))
}

fn check() -> Part {
    Part::new("check").imports(&rates("1.1.0")).exports(&rates("1.1.0"))
}

pub(super) fn chains() -> Vec<Case> {
    let one = |audit| chained("via = [\"audit\"]", "", audit, check());
    let two = |audit| chained("via = [\"audit\", \"check\"]", "", audit, check());
    let other = contract("acme:tax/rates@1.1.0", &[("rate", fallible(Type::U64))]);
    let web = || Part::new("web").exports_refused(NEW);
    let both = |text: &str| Part::new("gate").host(text).exports_refused(text);
    let mut cases = vec![
        ("two that fit", two(part("1.1.0", "1.1.0"))),
        ("no such export", one(Part::new("audit").imports(&counter()).exports(&counter()))),
        ("no such import", one(Part::new("audit").exports(&rates("1.1.0")))),
        ("two imports", one(part("1.1.0", "1.1.0").labelled("backup", &rates("1.1.0")))),
        ("an older export", one(part("1.0.0", "1.0.0"))),
        ("another track", one(part("2.0.0", "2.0.0"))),
        ("other types", one(Part::new("audit").imports(&other).exports(&other))),
        ("an older second", two(part("1.2.0", "1.1.0"))),
        ("a target older than the last", one(part("1.2.0", "1.2.0"))),
        ("the target itself", chained("via = [\"tax\"]", "", part("1.1.0", "1.1.0"), check())),
        ("the caller itself", chained("via = [\"cart\"]", "", part("1.1.0", "1.1.0"), check())),
        ("one that nobody calls on", {
            let rest = "[[routes]]\npath = \"/*\"\nto = \"audit\"\n";
            chained("via = [\"audit\"]", rest, part("1.1.0", "1.1.0").exports(&handler()), check())
        }),
        ("functions without room", {
            let silent = contract("acme:tax/rates@1.1.0", &[("rate", fallible(Type::U32)), ("peek", Type::U32)]);
            chained(
                "reach = \"lattice\", via = [\"audit\"]",
                "",
                Part::new("audit").imports(&silent).exports(&silent),
                check(),
            )
        }),
        ("a route of messages", routed(Part::new("web").exports(&handler()), Part::new("gate").exports(&handler()))),
        ("a route to nobody", routed(Part::new("web"), Part::new("gate").imports(&handler()).exports(&handler()))),
        ("requests that end", routed(web(), Part::new("gate").exports_refused(NEW))),
        ("requests of another version", routed(web(), both(OLD))),
        ("requests of no version", routed(web(), Part::new("gate").imports(&handler()).exports(&handler()))),
        ("the version that both have", routed(web().exports_refused(OLD), both(OLD))),
        ("one that passes something else elsewhere", {
            let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax/rates\" = { to = \"tax\", via = [\"audit\"] }\n\
                 links.\"lath:keyvalue\" = { to = \"kv\", via = [\"audit\"] }\n[actors.audit]\ncomponent = \"audit.wasm\"\n\
                 [actors.tax]\ncomponent = \"tax.wasm\"\n[providers]\nkv = { use = \"keyvalue/memory\" }\n";
            let tax = Part::new("tax").exports(&rates("1.1.0"));
            let audit = part("1.1.0", "1.1.0").imports(&counter()).exports(&counter());
            let cart = Part::new("cart").imports(&rates("1.1.0")).imports(&counter());
            World::new(text, [("cart", cart), ("audit", audit), ("tax", tax)])
        }),
        ("a cycle", {
            let text = "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:tax/rates\" = { to = \"tax\", via = [\"audit\"] }\n\
                 [actors.audit]\ncomponent = \"audit.wasm\"\nlinks.\"lath:keyvalue/counter\" = { to = \"cart\", reach = \"fused\" }\n\
                 [actors.tax]\ncomponent = \"tax.wasm\"\n";
            let cart = Part::new("cart").imports(&rates("1.1.0")).exports(&counter());
            let tax = Part::new("tax").exports(&rates("1.1.0"));
            let audit = part("1.1.0", "1.1.0").imports(&counter());
            World::new(text, [("cart", cart), ("audit", audit), ("tax", tax)])
        }),
    ];
    cases.push(("too many copies", crowded()));
    cases
}

/// Nine links, each via eight actors.
fn crowded() -> World {
    let contracts: Vec<_> =
        (0..9).map(|n| contract(&format!("acme:many/c{n}@1.0.0"), &[("f", fallible(Type::U32))])).collect();
    let via: Vec<_> = (0..8).map(|n| format!("\"m{n}\"")).collect();
    let mut text = String::from(
        "[actors.cart]\ncomponent = \"cart.wasm\"\n[actors.tax]\ncomponent = \"tax.wasm\"\n\
         [actors.cart.links]\n",
    );
    for n in 0..9 {
        text.push_str(&format!("\"acme:many/c{n}\" = {{ to = \"tax\", via = [{}] }}\n", via.join(", ")));
    }
    let all = |part: Part| contracts.iter().fold(part, |part, contract| part.imports(contract).exports(contract));
    let mut parts = vec![
        ("cart", contracts.iter().fold(Part::new("cart"), |part, contract| part.imports(contract))),
        ("tax", contracts.iter().fold(Part::new("tax"), |part, contract| part.exports(contract))),
    ];
    for name in ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"] {
        text.push_str(&format!("[actors.{name}]\ncomponent = \"{name}.wasm\"\n"));
        parts.push((name, all(Part::new(name)).memories(0)));
    }
    World::new(&text, parts)
}
