//! `lath plan`.

use testkit::application::{folder, root};

use crate::lath::{lath_in, redacted};

#[test]
fn the_first_example_is_explained() {
    let ended = lath_in(&root().join("examples"), ["plan", "kvcounter"]);
    insta::assert_snapshot!("plan", redacted(ended.success()));
    let json = lath_in(&root().join("examples"), ["plan", "kvcounter", "--format", "json"]).json();
    assert_eq!(json["links"][0]["reach"], "host");
    assert_eq!(json["links"][0]["target"], "provider kv");
    assert_eq!(json["routes"][0]["to"], "counter");
}

/// Two problems and, were they mended, a warning.
const UNLINKED: &str = "\
manifest = 1
[application]
name = \"relay\"
[actors.first]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.nest = { to = \"second\" }
[actors.second]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.next = { to = \"first\" }
[providers]
unused = { use = \"keyvalue/embedded\" }
";

#[test]
fn problems_point_into_the_manifest() {
    let folder = folder(UNLINKED).unwrap();
    let ended = lath_in(folder.path(), ["plan"]);
    // The component's path is this machine's.
    let root = root().canonicalize().unwrap();
    insta::assert_snapshot!("plan-problems", ended.failure().replace(&*root.to_string_lossy(), "ROOT"));
    let ended = lath_in(folder.path(), ["plan", "--format", "json"]);
    ended.failure();
    insta::assert_json_snapshot!("plan-problems-json", ended.error());
}

#[test]
fn warnings_are_part_of_a_plan() {
    let folder = folder(&UNLINKED.replace("nest", "next")).unwrap();
    let ended = lath_in(folder.path(), ["plan"]);
    insta::assert_snapshot!("plan-warning", ended.success());
}

const ELSEWHERE: &str = "\
manifest = 1
[application]
name = \"stores\"
[actors.app]
component = \"{root}/crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_app.wasm\"
place = { replicas = 3 }
links.\"wasi:keyvalue\" = { to = \"kv\", reach = \"lattice\" }
[providers]
kv = { use = \"keyvalue/embedded\" }
";

#[test]
fn a_bridge_to_another_host_is_part_of_a_plan() {
    let folder = folder(ELSEWHERE).unwrap();
    let told = lath_in(folder.path(), ["plan"]);
    let told = told.success();
    let over = "where the provider is on this host; else over the lattice by lath:keyvalue/store@0.1.0";
    assert_eq!(told.matches(over).count(), 3, "{told}");
    let json = lath_in(folder.path(), ["plan", "--format", "json"]).json();
    assert_eq!(json["links"][0]["bridge"], "lath:keyvalue/store@0.1.0");
    let beside = ELSEWHERE.replace(", reach = \"lattice\"", "").replace("replicas = 3", "replicas = 1");
    let folder = testkit::application::folder(&beside).unwrap();
    let json = lath_in(folder.path(), ["plan", "--format", "json"]).json();
    assert!(json["links"][0].get("bridge").is_none());
}

const CHAINED: &str = "\
manifest = 1
[application]
name = \"chained\"
[actors.web]
component = \"{root}/crates/testkit/guests/target/wasm32-wasip2/release/counter_hop.wasm\"
links.\"lath:keyvalue\" = { to = \"kv\", via = [\"doubler\", \"again\"] }
[actors.doubler]
component = \"{root}/crates/testkit/guests/target/wasm32-wasip2/release/doubler.wasm\"
[actors.again]
component = \"{root}/crates/testkit/guests/target/wasm32-wasip2/release/doubler.wasm\"
[providers]
kv = { use = \"keyvalue/memory\" }
";

#[test]
fn chains_are_part_of_a_plan() {
    let told = lath_in(&root().join("examples"), ["plan", "middleware"]);
    insta::assert_snapshot!("plan-middleware", redacted(told.success()));
    let json = lath_in(&root().join("examples"), ["plan", "middleware", "--format", "json"]).json();
    assert_eq!(json["routes"][1]["via"], serde_json::json!(["require-token", "add-header"]));
    assert_eq!(json["routes"][0].get("via"), None);
    let folder = folder(CHAINED).unwrap();
    let told = lath_in(folder.path(), ["plan"]);
    insta::assert_snapshot!("plan-chain", told.success());
    let json = lath_in(folder.path(), ["plan", "--format", "json"]).json();
    assert_eq!(json["links"].as_array().unwrap().len(), 1);
    assert_eq!(json["links"][0]["via"], serde_json::json!(["doubler", "again"]));
    assert_eq!(json["links"][0]["target"], "provider kv");
}

/// The first example, with another store in one environment, and a mistake in another.
const ENVIRONMENTS: &str = "\
manifest = 1
[application]
name = \"counter\"
[actors.counter]
component = \"{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"
links.\"lath:keyvalue/counter\" = { to = \"kv\" }
[providers]
kv = { use = \"keyvalue/memory\" }
[[routes]]
path = \"/*\"
to = \"counter\"
[env.prod.providers]
kv = { use = \"keyvalue/nats\" }
[env.broken.actors]
counter = { place = { replicas = 0 } }
";

#[test]
fn an_environment_has_what_its_overlay_says() {
    let folder = folder(ENVIRONMENTS).unwrap();
    let kind = |args: &[&str]| {
        let args: Vec<&str> = [&["plan", "--format", "json"], args].concat();
        lath_in(folder.path(), args).json()["providers"][0]["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!((kind(&[]), kind(&["--env", "prod"])), ("keyvalue/memory".to_owned(), "keyvalue/nats".to_owned()));
    let broken = lath_in(folder.path(), ["plan", "--env", "broken"]);
    insta::assert_snapshot!("plan-environment", broken.failure());
    for command in [&["run", "."][..], &["call", ".", "increment"], &["compose", ".", "-o", "out"], &["plan"]] {
        let ended = lath_in(folder.path(), [command, &["--env", "staging"]].concat());
        assert!(ended.failure().contains("there is no environment `staging`"), "{ended:#?}");
    }
}
