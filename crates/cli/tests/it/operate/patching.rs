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
    let rows: [(&[&str], &str); 6] = [
        (&["patch", "counter", "x.wasm", "--wait", "1s"], "name the application as well, such as `shop/cart`"),
        (&["patch", "counter/counter", "x.wasm", "--canary", "5"], "write a percentage from 0.1% to 100%"),
        (&["patch", "counter/counter", "x.wasm", "--wire", "2"], "cannot be used with"),
        (&["patch", "--contract", "acme:shop/cart", "--wait", "1s"], "required arguments were not provided"),
        (&["patch", "--wire", "9", "--wait", "1s"], "there is no version 9 of the wire"),
        (&["patch", "--wire", "2", "--wait", "0s"], "platform code changes in steps"),
    ];
    for (args, expected) in rows {
        let ended = lattice.lath(args);
        assert!(ended.code == 2 && ended.stderr.contains(expected), "{ended:#?}");
    }
    assert_eq!(lattice.lath(&["patch"]).code, 2);
}

#[test]
fn what_is_no_platform_code_is_refused() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    lattice.settle();
    let contract = "lath:keyvalue/counter@0.1.0";
    let wit = root().join("wit/lath-keyvalue");
    for (side, wire, file) in [("sender", "1", "sender.wasm"), ("receiver", "2", "receiver.wasm")] {
        let made =
            ["adapter", wit.to_str().unwrap(), "--contract", contract, "--side", side, "--wire", wire, "-o", file];
        lattice.lath(&made).success();
    }
    let sender = std::fs::read(lattice.folder.path().join("sender.wasm")).unwrap();
    let at = sender.windows(6).position(|window| window == b"lath/1").unwrap();
    let other = [&sender[..at], b"mine/1", &sender[at + 6..]].concat();
    std::fs::write(lattice.folder.path().join("mine.wasm"), other).unwrap();
    std::fs::copy(root().join("examples/kvcounter/js/build/kvcounter.wasm"), lattice.folder.path().join("app.wasm"))
        .unwrap();
    let rows: [(&str, &[&str]); 6] = [
        ("no adapter", &["--contract", contract, "--sender", "app.wasm"]),
        ("the other half", &["--contract", contract, "--sender", "receiver.wasm"]),
        ("another contract", &["--contract", "acme:shop/cart", "--sender", "sender.wasm"]),
        ("another wire", &["--contract", contract, "--sender", "mine.wasm"]),
        ("no generator", &["--generator", "app.wasm"]),
        ("no file", &["--generator", "nothing.wasm"]),
    ];
    let told = rows.iter().map(|(what, args)| {
        let ended = lattice.lath(&[&["patch", "--wait", "1s"], *args].concat());
        assert_eq!(ended.code, 1, "{ended:#?}");
        format!("{what}\n{}", shown(&ended.stderr))
    });
    insta::assert_snapshot!("patch-platform-refused", told.collect::<Vec<_>>().join("\n"));
    // Nothing was written.
    let versions = lattice.lath(&["rollback", "counter", "--list", "--format", "json"]).json();
    assert_eq!(versions["versions"].as_array().map(Vec::len), Some(1), "{versions}");
}

#[test]
fn a_patch_is_verified_by_a_recording_first() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    lattice.settle();
    let recording = lattice.folder.path().join("it.rec");
    let head = "{\"lath-recording\":1,\"application\":\"counter\",\"actor\":\"counter\",\"component\":\"\",\"masks\":[],\
                \"config\":{},\"env\":{},\"memory\":67108864,\"message\":4194304}";
    let request = r#"{\"req\":{\"method\":\"GET\",\"path\":\"/a\",\"query-string\":\"\",\"header\":[],\"body\":\"\"}}"#;
    let counter = "\"contract\":\"lath:keyvalue/counter@0.1.0\",\"function\":\"increment\"";
    let handler = "\"contract\":\"lath:httpserver/handler@0.1.0\",\"function\":\"handle-request\"";
    let body = [
        head.to_owned(),
        format!(r#"{{"instance":1,"seq":1,"call":{{{handler},"params":"{request}"}}}}"#),
        format!(r#"{{"instance":1,"seq":2,"send":{{"import":"lath:keyvalue/counter@0.1.0",{counter},"params":"{{\"key\":\"counter:a\",\"value\":1}}"}}}}"#),
        r#"{"instance":1,"seq":3,"reply":{"result":"{\"ok\":7}"}}"#.to_owned(),
        r#"{"instance":1,"seq":4,"answer":{"result":"{\"ok\":{\"status-code\":200,\"header\":[[\"content-type\",\"application/json\"]],\"body\":\"eyJjb3VudGVyIjo3fQ==\"}}"}}"#
            .to_owned(),
    ];
    let body: String = body.iter().map(|line| format!("{line}\n")).collect();
    let digest = model::digest::Digest::of(body.as_bytes());
    std::fs::write(&recording, format!("{body}{{\"end\":\"stopped\",\"lines\":5,\"digest\":\"{digest}\"}}\n")).unwrap();

    let other = lattice.folder.path().join("other.wasm");
    std::fs::write(&other, testkit::versions::versioned("two", testkit::versions::Does::Good).unwrap()).unwrap();
    let patch =
        |component: &str, actor: &str| lattice.lath(&["patch", actor, component, "--verify", "it.rec", "--wait", "0s"]);
    insta::assert_snapshot!("patch-differs", shown(patch("other.wasm", "counter/counter").failure()));
    let elsewhere = patch("other.wasm", "counter/other");
    assert!(elsewhere.code == 2 && elsewhere.stderr.contains("is a recording of counter/counter"), "{elsewhere:#?}");
    // Nothing was written: the next version is the second.
    let same = root().join("examples/kvcounter/js/build/kvcounter.wasm");
    let patched = patch(same.to_str().unwrap(), "counter/counter");
    assert!(patched.success().contains("version 2"), "{patched:#?}");
}
