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
