//! Grants reach the actor that has them, and no other.

use plan::check;

use crate::world::{Part, World, handler, rates};

const ENVIRONMENT: &str = "wasi:cli/environment@0.2.6";

/// `cart` has a grant, `tax` has none and is fused into it. What each may read, where those listed import the
/// environment.
fn readable(importers: &[&str]) -> Vec<usize> {
    let text = "[actors.cart]\ncomponent = \"cart.wasm\"\ngrants.env = { KEY = \"secret\" }\n\
         links.\"acme:tax\" = { to = \"tax\", reach = \"fused\" }\n[actors.tax]\ncomponent = \"tax.wasm\"\n";
    let part = |name: &str| {
        let part = Part::new(name);
        if importers.contains(&name) { part.host(ENVIRONMENT) } else { part }
    };
    let cart = part("cart").imports(&rates("1.0.0")).exports(&handler());
    let world = World::new(text, [("cart", cart), ("tax", part("tax").exports(&rates("1.0.0")))]);
    let blueprint = world.planned().blueprint;
    assert_eq!(check(&world.intent, &blueprint, &world.inventory), Ok(()));
    let members = blueprint.composites.values().flat_map(|composite| &composite.members);
    members.map(|member| member.env.len()).collect()
}

#[test]
fn a_grant_does_not_reach_an_actor_that_is_fused_in() {
    assert_eq!(readable(&["cart"]), [1, 0]);
    // The composite imports the environment for `tax` alone, which has no grant.
    assert_eq!(readable(&["tax"]), [0, 0]);
    assert_eq!(readable(&[]), [0, 0]);
}
