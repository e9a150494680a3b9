//! What is read, and as what.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use super::{good, with};
use model::ids::ByteSize;
use model::limits;
use model::manifest::{
    ComponentRef, ConfigValue, EXTERNAL, Limits, LinkKey, LinkTarget, Manifest, Method, OnFailure, Reach, RoutePath,
};
use model::placement::{Place, Replicas};

fn cart(manifest: &Manifest) -> &model::manifest::Actor {
    &manifest.actors[&"cart".parse().unwrap()]
}

#[test]
fn the_least_manifest_has_defaults() {
    let manifest = good(&with(""));
    let actor = cart(&manifest);
    assert_eq!(manifest.application.as_str(), "shop");
    assert_eq!(manifest.deadline, limits::DEADLINE_DEFAULT);
    assert_eq!(actor.component, ComponentRef::Path("cart.wasm".into()));
    assert_eq!((&actor.build, &actor.limits), (&None, &Limits::default()));
    assert!(actor.grants.env.is_empty() && actor.links.is_empty());
    assert!(manifest.providers.is_empty() && manifest.routes.is_empty() && manifest.adapters.is_empty());
}

#[test]
fn an_application_may_be_empty() {
    assert!(good("manifest = 1\napplication = { name = \"shop\" }").actors.is_empty());
}

#[test]
fn limits_are_read_up_to_their_bounds() {
    let least = "limits = { memory = \"64KiB\", instances = 1, execution = \"1ms\", queue = 0, message = \"1KiB\", \
                 depth = 1, log = \"1KiB\", reuse = 1 }";
    let most = "limits = { memory = \"4GiB\", instances = 10_000, execution = \"1h\", queue = 100_000, \
                message = \"64MiB\", depth = 0x40, log = \"64MiB\", reuse = 100_000 }";
    let [least, most] = [least, most].map(|text| cart(&good(&with(text))).limits.clone());
    assert_eq!((least.memory, most.memory), (limits::MEMORY_MIN, limits::MEMORY_MAX));
    assert_eq!((least.instances, most.instances), (1, limits::INSTANCES_MAX));
    assert_eq!((least.execution, most.execution), (Duration::from_millis(1), limits::EXECUTION_MAX));
    assert_eq!((least.queue, most.queue), (0, limits::QUEUE_MAX));
    assert_eq!((least.message, most.message), (limits::MESSAGE_MIN, limits::MESSAGE_MAX));
    assert_eq!((least.depth, most.depth), (1, limits::DEPTH_MAX));
    assert_eq!((least.log, most.log), (limits::LOG_MIN, limits::LOG_MAX));
    assert_eq!((least.reuse, most.reuse), (limits::REUSE_DEFAULT, limits::REUSE_MAX));
}

#[test]
fn durations_and_sizes() {
    let execution = |text: &str| cart(&good(&with(&format!("limits.execution = \"{text}\"")))).limits.execution;
    for (text, millis) in [("800ms", 800), ("2s", 2_000), ("1m", 60_000), ("1h", 3_600_000), ("007s", 7_000)] {
        assert_eq!(execution(text), Duration::from_millis(millis), "{text}");
    }
    let memory = |text: &str| cart(&good(&with(&format!("limits.memory = \"{text}\"")))).limits.memory;
    for (text, bytes) in [("512KiB", 512 << 10), ("64MiB", 64 << 20), ("1GiB", 1 << 30)] {
        assert_eq!(memory(text), ByteSize(bytes), "{text}");
    }
}

#[test]
fn deadlines_come_from_link_then_application_then_default() {
    let links = "links.a = { to = \"cart\", deadline = \"800ms\" }\nlinks.b = { to = \"cart\" }\n";
    let stated = with(links).replace("name = \"shop\"", "name = \"shop\"\ndeadline = \"3s\"");
    for (text, a, b) in [(stated, 800, 3_000), (with(links), 800, 5_000)] {
        let manifest = good(&text);
        let deadline = |key: &str| manifest.deadline_of(&cart(&manifest).links[key]).as_millis();
        assert_eq!((deadline("a"), deadline("b")), (a, b));
    }
}

#[test]
fn links_name_actors_and_providers() {
    let manifest = good(&with(
        r#"
links."acme:tax/rates@1.2.0" = { to = "tax", reach = "fused", on-failure = "trap" }
links."wasi:keyvalue" = { to = "kv", reach = "lattice" }
links.backup = { to = "shop/kv", contract = "lath:keyvalue/counter" }
[actors.tax]
component = "tax.wasm"
[providers]
kv = { use = "keyvalue/memory" }
"#,
    ));
    let link = |key: &str| cart(&manifest).links[key].clone();
    let tax = link("acme:tax/rates@1.2.0");
    assert_eq!(tax.to, LinkTarget::Actor("tax".parse().unwrap()));
    assert_eq!((tax.reach, tax.on_failure), (Reach::Fused, Some(OnFailure::Trap)));
    assert_eq!(link("wasi:keyvalue").reach, Reach::Lattice);
    let backup = link("backup");
    assert_eq!(backup.to, LinkTarget::Provider("kv".parse().unwrap()));
    assert_eq!((backup.reach, backup.on_failure, backup.deadline), (Reach::Host, None, None));
    assert_eq!(backup.contract.unwrap().to_string(), "lath:keyvalue/counter");
    assert_eq!(manifest.application.as_str(), "shop");
}

#[test]
fn a_link_key_is_a_label_an_interface_or_a_package() {
    for (key, good) in [
        ("backup", true),
        ("HTTP-backup-2", true),
        ("acme:tax/rates", true),
        ("acme:tax/rates-2d@1.2.0", true),
        ("acme:tax", true),
        ("acme:tax@1.2.0", true),
        ("Backup", false),
        ("backup@1.0.0", false),
        ("acme:", false),
        ("acme:tax@1", false),
        ("acme/tax", false),
    ] {
        assert_eq!(key.parse::<LinkKey>().is_ok(), good, "{key}");
    }
}

#[test]
fn builds_grants_and_configurations() {
    let manifest = good(&with(
        r#"
build = { run = "make", dir = "cart", watch = ["src/**"] }
grants.env = { TZ = "UTC", EMPTY = "" }
config = { currency = "EUR", "a b" = "" }
grants.network = ["tcp://db.example.com:5432", "udp://10.0.0.0/8:53"]
grants.folders = ["/srv/data::/data", "/srv/out:rw"]
[actors.tax]
component = "tax.wasm"
build.run = "make"
[providers.kv]
use = "keyvalue/embedded"
config = { durability = "group", window = 5, sync = true }
[adapters."lath:keyvalue/counter@0.1.0"]
sender = "s.wasm"
receiver = "r.wasm"
"#,
    ));
    let build = cart(&manifest).build.as_ref().unwrap();
    assert_eq!(
        (build.run.as_str(), build.dir.as_path(), build.watch.as_slice()),
        ("make", Path::new("cart"), &["src/**".to_owned()][..])
    );
    let plain = manifest.actors[&"tax".parse().unwrap()].build.as_ref().unwrap();
    assert_eq!((plain.dir.as_path(), plain.watch.len()), (Path::new("."), 0));
    let grants = &cart(&manifest).grants;
    assert_eq!((&grants.config["currency"], &grants.config["a b"]), (&"EUR".into(), &"".into()));
    assert_eq!(grants.env["TZ"], "UTC".into());
    let network: Vec<String> = grants.network.iter().map(ToString::to_string).collect();
    assert_eq!(network, ["tcp://db.example.com:5432", "udp://10.0.0.0/8:53"]);
    let folders: Vec<String> = grants.folders.iter().map(ToString::to_string).collect();
    assert_eq!(folders, ["/srv/data::/data", "/srv/out::/srv/out:rw"]);
    let provider = &manifest.providers[&"kv".parse().unwrap()];
    assert_eq!(provider.kind, "keyvalue/embedded");
    assert_eq!(provider.config["durability"], ConfigValue::Text("group".to_owned()));
    assert_eq!(provider.config["window"], ConfigValue::Integer(5));
    assert_eq!(provider.config["sync"], ConfigValue::Boolean(true));
    let adapter = &manifest.adapters[&"lath:keyvalue/counter@0.1.0".parse().unwrap()];
    assert_eq!((adapter.sender.as_path(), adapter.receiver.as_path()), (Path::new("s.wasm"), Path::new("r.wasm")));
}

#[test]
fn places_say_how_many_and_where() {
    let place = |text: &str| cart(&good(&with(text))).place.clone();
    assert_eq!(place(""), Place::default());
    assert_eq!(place("place = { everywhere = false }"), Place::default());
    let whole = place("place = { replicas = 3, spread = \"zone\", on = { tier = \"web\", disk = \"SSD_1.a-b\" } }");
    assert_eq!(whole.replicas, Some(Replicas::Count(NonZeroU32::new(3).unwrap())));
    assert_eq!(whole.spread.unwrap().as_str(), "zone");
    let on: Vec<_> = whole.on.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(on, ["disk=SSD_1.a-b", "tier=web"]);
    let everywhere = place("place = { everywhere = true, on = { tier = \"web\" } }");
    assert_eq!((everywhere.replicas, everywhere.on.len()), (Some(Replicas::Everywhere), 1));
}

#[test]
fn clients_and_external_providers() {
    let manifest = good(&with(
        r#"
links.fx = { to = "fx", reach = "lattice", idempotent = ["rate", "peek-2"] }
[providers]
fx = { use = "external", contract = "acme:fx/rates@1.2.0" }
[clients.nightly]
may = ["cart/acme:shop/cart", "cart/acme:shop/cart@1.0.0"]
[clients.nobody]
may = []
"#,
    ));
    let provider = &manifest.providers[&"fx".parse().unwrap()];
    assert_eq!((provider.kind.as_str(), provider.config.len()), (EXTERNAL, 0));
    assert_eq!(provider.contract.as_ref().unwrap().to_string(), "acme:fx/rates@1.2.0");
    assert_eq!(Vec::from_iter(&cart(&manifest).links["fx"].idempotent), ["peek-2", "rate"]);
    let may = &manifest.clients[&"nightly".parse().unwrap()];
    let may: Vec<_> = may.iter().map(ToString::to_string).collect();
    assert_eq!(may, ["cart/acme:shop/cart", "cart/acme:shop/cart@1.0.0"]);
    assert!(manifest.clients[&"nobody".parse().unwrap()].is_empty());
    let outside: Vec<_> = manifest.called_from_outside().map(|actor| actor.as_str()).collect();
    assert_eq!(outside, ["cart", "cart"]);
}

#[test]
fn routes_keep_their_order() {
    let manifest = good(&with(
        r#"
[[routes]]
path = "/cart/{id}"
methods = ["GET", "POST"]
to = "cart"
[[routes]]
host = "shop.example.com"
path = "/*"
to = "cart"
[[routes]]
path = "/cart/{id}"
methods = ["DELETE"]
to = "cart"
"#,
    ));
    let shown: Vec<String> = manifest.routes.iter().map(|route| route.path.to_string()).collect();
    assert_eq!(shown, ["/cart/{id}", "/*", "/cart/{id}"]);
    let [first, second, _] = manifest.routes.as_slice() else { panic!() };
    assert!(first.takes(Method::Post) && !first.takes(Method::Put) && second.takes(Method::Put));
    assert_eq!(second.host.as_ref().unwrap().as_str(), "shop.example.com");
    assert_eq!(first.to.as_str(), "cart");
}

#[test]
fn paths_are_written_as_they_are_read() {
    for text in ["/", "/*", "/cart", "/cart/", "/cart/{id}", "/{a}/{b_c}/*", "/%C3%A4/~a-b.c!$&'()+,;=:@"] {
        assert_eq!(text.parse::<RoutePath>().unwrap().to_string(), text);
    }
}

#[test]
fn spans_point_at_values() {
    let text = with("links.\"acme:tax/rates\" = { to = \"cart\" }\n[[routes]]\npath = \"/\"\nto = \"cart\"\n");
    let manifest = good(&text);
    let rows = [
        ("actors.cart", "[actors.cart]"),
        ("actors.cart.component", "\"cart.wasm\""),
        ("actors.cart.links.\"acme:tax/rates\"", "{ to = \"cart\" }"),
        ("routes[0]", "[[routes]]"),
        ("routes[0].path", "\"/\""),
    ];
    for (key, expected) in rows {
        assert_eq!(text.get(manifest.span_of(key).expect(key)), Some(expected), "{key}");
    }
    assert_eq!(manifest.span_of("actors.tax"), None);
}
