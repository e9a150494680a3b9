//! `lath compose`.

use std::fs;

use testkit::application::{folder, guest};

use crate::lath::{lath, lath_in, redacted};

/// One actor fused into the other: it does not run by itself.
const RELAY: &str = "\
manifest = 1
[application]
name = \"relay\"
[actors.first]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.next = { to = \"second\", reach = \"fused\" }
[actors.second]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.next = { to = \"first\" }
";

#[test]
fn every_actor_that_runs_by_itself_gets_a_composite() {
    let folder = folder(RELAY).unwrap();
    let ended = lath_in(folder.path(), ["compose", "-o", "out/composites"]);
    insta::assert_snapshot!("compose", redacted(ended.success()));
    let files: Vec<_> =
        fs::read_dir(folder.path().join("out/composites")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["first.wasm"]);
}

#[test]
fn composing_twice_gives_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let actor = guest("wasm32-unknown-unknown", "two_counters_labels");
    let bytes = ["one", "two"].map(|name| {
        let out = folder.path().join(name);
        let args = ["compose".as_ref(), actor.as_os_str(), "-o".as_ref(), out.as_os_str(), "--format=json".as_ref()];
        let report = lath(args).json();
        let composite = &report["composites"][0];
        assert_eq!(composite["actor"], "two-counters-labels");
        assert_eq!(composite["labels"]["senders"][1]["label"], "send1");
        (composite["digest"].clone(), fs::read(out.join("two-counters-labels.wasm")).unwrap())
    });
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn a_component_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("two-counters-labels.wasm");
    fs::copy(guest("wasm32-unknown-unknown", "two_counters_labels"), &component).unwrap();
    let before = fs::read(&component).unwrap();
    let ended = lath_in(folder.path(), ["compose", "two-counters-labels.wasm", "-o", "."]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:#?}");
    assert!(ended.stderr.contains("two-counters-labels.wasm is a component of the application"), "{ended:#?}");
    assert_eq!(fs::read(&component).unwrap(), before);
}
