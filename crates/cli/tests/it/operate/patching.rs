//! What `lath patch` prints, and what becomes of a patch.

use super::commands::shown;
use super::hosts::Lattice;
use testkit::application::root;

#[test]
fn an_actor_is_patched() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    lattice.settle();
    let other = root().join("examples/kvcounter/js/build/kvcounter.wasm");
    let other = other.to_str().unwrap();
    let patch = |component: &str| lattice.lath(&["patch", "counter/counter", component, "--wait", "0s"]);
    insta::assert_snapshot!("patch", shown(patch(other).success()));
    lattice.settle();
    insta::assert_snapshot!("patch-status", shown(lattice.lath(&["status", "counter"]).success()));
    insta::assert_snapshot!("patch-same", shown(patch(other).success()));
    insta::assert_snapshot!("patch-up", shown(lattice.lath(&["up", "counter"]).failure()));
    let reverted = lattice.lath(&["up", "counter", "--revert", "--canary", "12.5%", "--wait", "0s"]);
    assert!(reverted.success().contains("version 3 is written"), "{reverted:#?}");
}

#[test]
fn what_cannot_be_patched_is_told() {
    let lattice = Lattice::new();
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    std::fs::copy(root().join("examples/shop/tax/build/tax.wasm"), lattice.folder.path().join("tax.wasm")).unwrap();
    let refused = lattice.lath(&["patch", "counter/counter", "tax.wasm"]);
    insta::assert_snapshot!("patch-refused", shown(refused.failure()));
    let json = lattice.lath(&["patch", "counter/counter", "tax.wasm", "--format", "json"]).error();
    assert_eq!((json["kind"].as_str(), json["problems"].as_array().map(Vec::len)), (Some("plan"), Some(2)), "{json}");
    let nothing = lattice.lath(&["patch", "counter/counter", "nothing.wasm"]);
    assert!(nothing.failure().contains("nothing.wasm"), "{nothing:#?}");
    for (args, expected) in [
        (["patch", "counter", "x.wasm", "--wait", "1s"], "name the application as well, such as `shop/cart`"),
        (["patch", "counter/counter", "x.wasm", "--canary", "5"], "write a percentage from 0.1% to 100%"),
    ] {
        let ended = lattice.lath(&args);
        assert!(ended.code == 2 && ended.stderr.contains(expected), "{ended:#?}");
    }
}
