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

/// What members see of grants of sockets and folders, where `cart` and `tax` import these interfaces.
fn shared(cart_imports: &str, tax_imports: &str, tax_grants: &str) -> Result<Vec<(usize, usize)>, ()> {
    let text = format!(
        "[actors.cart]\ncomponent = \"cart.wasm\"\ngrants = {{ network = [\"tcp://10.0.0.1:1\"], folders = [\"/srv\"] }}\n\
         links.\"acme:tax\" = {{ to = \"tax\", reach = \"fused\" }}\n[actors.tax]\ncomponent = \"tax.wasm\"\n{tax_grants}\n"
    );
    let cart = Part::new("cart").host(cart_imports).imports(&rates("1.0.0")).exports(&handler());
    let tax = Part::new("tax").host(tax_imports).exports(&rates("1.0.0"));
    let mut world = World::new(&text, [("cart", cart), ("tax", tax)]);
    let sockets = [TCP, UDP, PREOPENS].map(|name| name.parse().unwrap());
    world.inventory.host_imports.extend(sockets);
    let planned = plan::plan(&world.intent, None, &world.inventory).map_err(|_| ())?;
    assert_eq!(check(&world.intent, &planned.blueprint, &world.inventory), Ok(()));
    let members = planned.blueprint.composites.values().flat_map(|composite| &composite.members);
    Ok(members.map(|member| (member.network.len(), member.folders.len())).collect())
}

#[test]
fn a_configuration_is_its_actors_own() {
    let text = |cart: &str, tax: &str| {
        format!(
            "[actors.cart]\ncomponent = \"cart.wasm\"\n{cart}\n\
         links.\"acme:tax\" = {{ to = \"tax\", reach = \"fused\" }}\n[actors.tax]\ncomponent = \"tax.wasm\"\n{tax}\n"
        )
    };
    let members = |text: &str| {
        let config = "wasi:config/store@0.2.0-rc.1";
        let cart = Part::new("cart").host(config).imports(&rates("1.0.0")).exports(&handler());
        let tax = Part::new("tax").host(config).exports(&rates("1.0.0"));
        let mut world = World::new(text, [("cart", cart), ("tax", tax)]);
        world.inventory.host_imports.push(config.parse().unwrap());
        let planned = plan::plan(&world.intent, None, &world.inventory).map_err(|problems| problems.len())?;
        assert_eq!(check(&world.intent, &planned.blueprint, &world.inventory), Ok(()));
        let members = planned.blueprint.composites.values().flat_map(|composite| &composite.members);
        Ok::<_, usize>(members.map(|member| member.config.len()).collect::<Vec<_>>())
    };
    let (eur, usd) = ("config = { currency = \"EUR\" }", "config = { currency = \"USD\" }");
    assert_eq!(members(&text(eur, eur)), Ok(vec![1, 1]));
    // Composition would merge the two stores.
    assert_eq!(members(&text(eur, usd)), Err(1));
    assert_eq!(members(&text(eur, "")), Err(1));
}

const TCP: &str = "wasi:sockets/tcp@0.2.6";
const UDP: &str = "wasi:sockets/udp@0.2.6";
const PREOPENS: &str = "wasi:filesystem/preopens@0.2.6";

#[test]
fn sockets_and_folders_are_shared_only_by_equals() {
    assert_eq!(shared(TCP, PREOPENS, ""), Ok(vec![(1, 0), (0, 0)]));
    assert_eq!(shared(PREOPENS, ENVIRONMENT, ""), Ok(vec![(0, 1), (0, 0)]));
    // Whoever has a socket has what any socket of the composite has.
    assert_eq!(shared(TCP, UDP, ""), Err(()));
    assert_eq!(shared(PREOPENS, PREOPENS, ""), Err(()));
    let equal = "grants = { network = [\"tcp://10.0.0.1:1\"], folders = [\"/srv\"] }";
    assert_eq!(shared(TCP, UDP, equal), Ok(vec![(1, 0), (1, 0)]));
    assert_eq!(shared(PREOPENS, PREOPENS, equal), Ok(vec![(0, 1), (0, 1)]));
}

#[test]
fn a_grant_does_not_reach_an_actor_that_is_fused_in() {
    assert_eq!(readable(&["cart"]), [1, 0]);
    // The composite imports the environment for `tax` alone, which has no grant.
    assert_eq!(readable(&["tax"]), [0, 0]);
    assert_eq!(readable(&[]), [0, 0]);
}
