//! Environments: what the overlay of one makes of a manifest.

use model::manifest::{Manifest, merged, parse, parse_in};

const TEXT: &str = r#"# shop
manifest = 1
[application]
name = "shop"
deadline = "3s"
[actors.cart]
component = "cart.wasm" # built by hand
place = { replicas = 1 }
config = { currency = "EUR", page = "20" }
links."lath:keyvalue/counter" = { to = "kv" }
[providers]
kv = { use = "keyvalue/memory" }
[[routes]]
path = "/cart"
to = "cart"
[env.prod]
application.name = "shop-prod"
actors.cart = { place = { replicas = 3, spread = "zone" }, config.page = "50" }
providers.kv = { use = "keyvalue/nats", config = { bucket = "shop" } }
[env.quiet]
routes = []
"#;

fn of(env: &str) -> Manifest {
    parse_in(TEXT, Some(&env.parse().unwrap())).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn tables_are_merged_and_all_else_is_replaced() {
    let (base, prod, quiet) = (parse(TEXT).unwrap(), of("prod"), of("quiet"));
    let shown = |manifest: &Manifest| {
        let cart = &manifest.actors[&"cart".parse().unwrap()];
        let place = (cart.place.replicas, cart.place.spread.is_some());
        let kind = manifest.providers[&"kv".parse().unwrap()].kind.clone();
        (manifest.application.to_string(), place, cart.grants.config.len(), kind, manifest.routes.len())
    };
    insta::assert_debug_snapshot!([shown(&base), shown(&prod), shown(&quiet)]);
    assert_eq!((prod.deadline, prod.actors.len()), (base.deadline, 1), "what an overlay does not name stays");
}

/// What hosts are given says the same without overlays.
#[test]
fn a_text_with_an_overlay_merged_says_the_same() {
    for env in ["prod", "quiet"] {
        let text = merged(TEXT, Some(&env.parse().unwrap()));
        assert!(!text.contains("[env"), "{text}");
        let read = parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let expected = of(env);
        assert_eq!((read.actors, read.providers), (expected.actors, expected.providers), "{env}");
        assert_eq!((read.routes, read.application), (expected.routes, expected.application), "{env}");
    }
    assert!(parse(&merged(TEXT, None)).is_ok() && !merged(TEXT, None).contains("shop-prod"));
    let plain = TEXT.split("[env.prod]").next().unwrap();
    assert_eq!(merged(plain, None), plain, "comments stay where there is nothing to merge");
}

#[test]
fn what_is_wrong_with_overlays_is_told_where_it_stands() {
    let base = TEXT.split("[env.prod]").next().unwrap();
    let rows = [
        ("none", ""),
        ("no table", "[env]\nprod = 1\n"),
        ("another name", "[env.Prod]\n"),
        ("a key that none has", "[env.prod]\nmanifest = 1\nactor = {}\n"),
        ("a bad value", "[env.prod.actors.cart]\nplace = { replicas = 0 }\n"),
        ("a bad key", "[env.prod.actors.cart]\nplaces = {}\n"),
        ("a name that is not there", "[env.production.providers]\n"),
    ];
    let told = rows.map(|(what, overlay)| {
        let errors = parse_in(&format!("{base}{overlay}"), Some(&"prod".parse().unwrap())).unwrap_err();
        let lines = errors.errors().iter().map(|error| format!("{}:{} {error}", error.line, error.column));
        format!("{what}\n{}", lines.collect::<Vec<_>>().join("\n"))
    });
    insta::assert_snapshot!(told.join("\n\n"));
    // One that is not asked for is looked at only as far as all are.
    assert!(parse(&format!("{base}[env.prod.actors.cart]\nplace = {{ replicas = 0 }}\n")).is_ok());
}
