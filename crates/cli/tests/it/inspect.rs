//! `lath inspect`.

use testkit::application::guest;

use crate::lath::{lath, lath_in, redacted};
use crate::wit;

const UNKNOWN: &str = "wasm32-unknown-unknown";

#[test]
fn wit_shows_its_contracts() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    insta::assert_snapshot!("wit", lath_in(folder.path(), ["inspect", "acme.wit"]).success());
    let json = lath_in(folder.path(), ["inspect", "acme.wit", "--format", "json"]).json();
    insta::assert_json_snapshot!("wit-json", json);
}

#[test]
fn adapters_show_what_they_adapt() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    for side in ["sender", "receiver"] {
        let args = ["adapter", "acme.wit", "--contract", "rates", "--side", side, "-o", "made.wasm"];
        lath_in(folder.path(), args).success();
        let shown = lath_in(folder.path(), ["inspect", "made.wasm"]);
        insta::assert_snapshot!(side, redacted(shown.success()));
        let json = lath_in(folder.path(), ["inspect", "made.wasm", "--format", "json"]).json();
        assert_eq!((json["kind"].as_str(), json["wire"].as_str()), (Some(side), Some("lath/1")));
    }
}

#[test]
fn a_core_module_shows_its_embedded_contracts() {
    let folder = guest(UNKNOWN, "relay").parent().unwrap().to_owned();
    let shown = lath_in(&folder, ["inspect", "relay.wasm"]);
    insta::assert_snapshot!("module", redacted(shown.success()));
}

#[test]
fn a_composite_shows_its_parts_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let actor = guest(UNKNOWN, "two_counters_labels");
    lath(["compose".as_ref(), actor.as_os_str(), "-o".as_ref(), folder.path().as_os_str()]).success();
    let shown = lath_in(folder.path(), ["inspect", "two-counters-labels.wasm"]);
    insta::assert_snapshot!("composite", redacted(shown.success()));
    let json = lath_in(folder.path(), ["inspect", "two-counters-labels.wasm", "--format", "json"]).json();
    let roles: Vec<_> = json["parts"].as_array().unwrap().iter().map(|part| part["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["sender", "actor", "receiver"]);
    assert_eq!(json["labels"]["senders"][0]["import"], "backup");
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let checked_in = std::fs::read_to_string(testkit::application::root().join("docs/manifest.schema.json")).unwrap();
    assert_eq!(lath(["inspect", "--schema"]).success(), checked_in);
    let json = lath(["inspect", "--schema", "--format", "json"]);
    assert_eq!(json.success().lines().count(), 1);
    assert_eq!(json.json(), serde_json::from_str::<serde_json::Value>(&checked_in).unwrap());
}
