//! Actors that are asked whether they are ready.

use std::sync::Arc;

use model::contract::{Contract, Type};

use super::{Case, alone, cart, tax};
use crate::world::{Half, Part, World, contract, counter, fallible, result};

/// `acme:shop/health@1.0.0`: every way to say yes or no, and some that are none.
pub(crate) fn health() -> Arc<Contract> {
    let functions = [
        ("flag", Type::Bool),
        ("error", Type::Result { ok: None, err: Some(Box::new(Type::String)) }),
        ("both", fallible(Type::Bool)),
        ("count", Type::U32),
        ("text", result(Type::String, Type::String)),
        ("done", Type::Bool),
    ];
    let mut health = (*contract("acme:shop/health@1.0.0", &functions)).clone();
    health.functions.values_mut().for_each(|function| function.params.clear());
    health.functions.get_mut("done").unwrap().result = None;
    health.functions.insert("of".to_owned(), contract("a:b/c", &[("of", Type::Bool)]).functions["of"].clone());
    Arc::new(health)
}

/// An actor that is asked `call`.
pub(crate) fn asked(call: &str, part: Part) -> World {
    alone(&format!("ready = {{ call = \"{call}\", within = \"2s\" }}\n"), part)
}

pub(super) fn cases() -> Vec<Case> {
    let healthy = || cart().exports(&counter()).exports(&health());
    let pair = "[adapters.\"acme:shop/health\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n";
    let ready = "ready = { call = \"acme:shop/health#flag\" }";
    let by_hand = alone(&format!("{ready}\n{pair}"), healthy());
    let inside = World::new(
        &format!(
            "[actors.cart]\ncomponent = \"cart.wasm\"\nlinks.\"acme:shop\" = {{ to = \"tax\", reach = \"fused\" }}\n\
             [actors.tax]\ncomponent = \"tax.wasm\"\n{ready}\n"
        ),
        [("cart", cart().imports(&health())), ("tax", tax().exports(&health()))],
    );
    vec![
        ("a flag", asked("acme:shop/health#flag", healthy())),
        ("a result", asked("acme:shop/health#error", healthy())),
        ("a result with a flag", asked("acme:shop/health@1.0.0#both", healthy())),
        ("no answer but that it ended", asked("acme:shop/health#done", healthy())),
        ("no such contract", asked("acme:shop/helth#flag", healthy())),
        ("another version", asked("acme:shop/health@1.1.0#flag", healthy())),
        ("an actor that answers nothing", asked("acme:shop/health#flag", cart())),
        ("no such function", asked("acme:shop/health#flags", healthy())),
        ("a function that takes something", asked("acme:shop/health#of", healthy())),
        ("a function that returns a number", asked("acme:shop/health#count", healthy())),
        ("a function that returns a text", asked("acme:shop/health#text", healthy())),
        (
            "a hand-written adapter",
            by_hand.adapters(
                "acme:shop/health",
                Half::sender(&health(), "json/1"),
                Half::receiver(&health(), "json/1"),
            ),
        ),
        ("an actor inside of another alone", inside),
    ]
}
