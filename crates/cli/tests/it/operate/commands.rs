//! What the commands print.

use super::hosts::Lattice;
use crate::lath::{command, ended, lath_in, redacted};

/// Without what differs from run to run: times, sizes and digests.
pub(super) fn shown(text: &str) -> String {
    let text = redacted(text);
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let shown = words.iter().enumerate().map(|(at, word)| {
            let follows = |unit: &str| words.get(at + 1).is_some_and(|next| next.trim_end_matches(',') == unit);
            let is_number = word.parse::<f64>().is_ok();
            let is_size = ["B", "KiB", "MiB"].into_iter().any(follows) || words.get(at + 2) == Some(&"ago");
            if is_number && is_size { "N" } else { word }
        });
        shown.collect::<Vec<_>>().join(" ").replace(" KiB", " B").replace(" MiB", " B") + "\n"
    });
    lines.collect()
}

#[test]
fn an_application_lives_on_a_lattice() {
    let lattice = Lattice::new();
    let snapshot = |name: &str, args: &[&str]| {
        let ended = lattice.lath(args);
        insta::assert_snapshot!(format!("operate-{name}"), shown(ended.success()));
        ended
    };
    snapshot("status-empty", &["status"]);
    lattice.join("h1", &[("zone", "a")]);
    lattice.join("h2", &[]);
    lattice.counter("place = { replicas = 2 }", "keyvalue/nats");
    snapshot("plan-first", &["plan", "counter"]);
    let up = snapshot("up", &["up", "counter", "--wait", "0s"]);
    assert!(up.stderr.contains("sending actor counter"), "{up:#?}");
    lattice.settle();
    snapshot("status", &["status"]);
    snapshot("up-same", &["up", "counter", "--wait", "60s"]);
    lattice.counter("place = { replicas = 3 }", "keyvalue/nats");
    lattice.settle();
    snapshot("plan", &["plan", "counter"]);
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    lattice.settle();
    snapshot("status-one", &["status", "counter"]);
    snapshot("rollback", &["rollback", "counter", "--wait", "0s"]);
    snapshot("down", &["down", "./counter", "--wait", "0s"]);
    lattice.settle();
    snapshot("down-again", &["down", "counter"]);
    snapshot("versions", &["rollback", "counter", "--list"]);
    snapshot("drain", &["drain", "h2", "--wait", "0s"]);
    let json = lattice.lath(&["status", "--format", "json"]).json();
    assert_eq!((json["lattice"].as_str(), json["applications"][0]["state"].as_str()), (Some("dev"), Some("down")));
}

/// Every kind of link: fused, of one host, over the lattice, by functions of the host, over a bridge, behind middleware.
const LINKED: &str = "\
manifest = 1
[application]
name = \"linked\"
[actors.cart]
component = \"{root}/examples/shop/cart/target/wasm32-wasip2/release/cart.wasm\"
links.\"acme:tax/rates\" = { to = \"tax\", reach = \"fused\" }
[actors.tax]
component = \"{root}/examples/shop/tax/build/tax.wasm\"
[actors.web]
component = \"{guests}/counter_hop.wasm\"
links.\"lath:keyvalue\" = { to = \"memory\", via = [\"doubler\"] }
[actors.doubler]
component = \"{guests}/doubler.wasm\"
[actors.near]
component = \"{guests}/keyvalue_app.wasm\"
links.\"wasi:keyvalue\" = { to = \"memory\" }
[actors.far]
component = \"{guests}/keyvalue_app.wasm\"
links.\"wasi:keyvalue\" = { to = \"kv\", reach = \"lattice\" }
[actors.counter]
component = \"{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"
links.\"lath:keyvalue/counter\" = { to = \"kv\", reach = \"lattice\" }
[providers]
memory = { use = \"keyvalue/memory\" }
kv = { use = \"keyvalue/embedded\" }
[[routes]]
path = \"/*\"
to = \"counter\"
";

#[test]
fn the_links_of_one_application_are_told() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    let root = testkit::application::root().canonicalize().unwrap().display().to_string();
    let guests = format!("{root}/crates/testkit/guests/target/wasm32-wasip2/release");
    lattice.application("linked", &LINKED.replace("{root}", &root).replace("{guests}", &guests));
    lattice.lath(&["up", "linked", "--wait", "0s"]).success();
    lattice.settle();
    let one = lattice.lath(&["status", "linked"]);
    insta::assert_snapshot!("operate-status-links", shown(one.success()));
    // Among all applications they would hide what is wrong.
    let all = lattice.lath(&["status"]);
    assert!(!all.success().contains("acme:tax/rates"), "{all:#?}");
    for args in [&["status", "--format", "json"][..], &["status", "linked", "--format", "json"]] {
        let json = lattice.lath(args).json();
        insta::assert_json_snapshot!("operate-status-links-json", json["applications"][0]["links"]);
    }
}

#[test]
fn what_is_not_done_in_time_is_a_failure_that_says_why() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    lattice.counter("place = { on = { tier = \"web\" } }", "keyvalue/memory");
    let ended = lattice.lath(&["up", "counter", "--wait", "1ms"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stdout.contains("tier=web"), "{ended:#?}");
    let json = lattice.lath(&["up", "counter", "--wait", "1ms", "--format", "json"]);
    assert_eq!((json.code, json.json()["waited"].as_str()), (1, Some("overdue")), "{json:#?}");
    assert_eq!(json.stderr, "");
}

#[test]
fn failures_say_what_to_do() {
    let lattice = Lattice::new();
    lattice.counter("place = { replicas = 3 }", "keyvalue/embedded");
    let rows: [(&[&str], i32, &str); 9] = [
        (&["up", "counter"], 1, "lath.toml"),
        (&["down", "shop"], 1, "the lattice has no application shop; there are none"),
        (&["rollback", "shop"], 1, "the lattice has no application shop"),
        (&["status", "shop"], 1, "the lattice has no application shop"),
        (&["drain", "h9"], 1, "the lattice has no host h9; there are none"),
        (&["forget", "h9"], 1, "the lattice has no host h9; there are none"),
        (&["status", "--context", "other"], 2, "there is no context `other`"),
        (&["up", "counter", "--wait", "soon"], 2, "a whole number and a unit"),
        (&["down", "./nowhere"], 1, "there is no application at ./nowhere"),
    ];
    for (args, code, expected) in rows {
        let ended = lattice.lath(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{args:?}: {ended:#?}");
        assert!(ended.stderr.contains(expected), "{args:?}: {ended:#?}");
    }
    let ended = lattice.lath(&["down", "shop", "--format", "json"]);
    assert_eq!(ended.error()["kind"], "lattice");
}

#[test]
fn a_provider_that_is_not_well_serves_and_is_told() {
    let lattice = Lattice::new();
    lattice.join("h1", &[]);
    lattice.counter("", "keyvalue/nats");
    lattice.lath(&["up", "counter", "--wait", "0s"]).success();
    lattice.settle();
    assert!(!lattice.lath(&["status"]).success().contains("not well"));
    lattice.ails("h1", "counter", "kv", "the server is gone");
    let text = lattice.lath(&["status"]).success().to_owned();
    assert!(text.contains("ready on 1 of 1 host: h1\n    h1: is not well: the server is gone\n"), "{text}");
    let application = &lattice.lath(&["status", "--format", "json"]).json()["applications"][0];
    assert_eq!(application["state"], "ready");
    let here = serde_json::json!({ "state": "ready", "unwell": "the server is gone" });
    assert_eq!(application["providers"][0]["hosts"]["h1"], here);
}

#[test]
fn a_lattice_out_of_reach_is_told() {
    let mut lattice = Lattice::new();
    lattice.server.kill().unwrap();
    lattice.counter("", "keyvalue/memory");
    let ended = lattice.lath(&["status"]);
    assert!(ended.failure().contains("the lattice of context local cannot be joined"), "{ended:#?}");
    // A plan is of use without; but not where the lattice was asked for by name.
    let ended = lattice.lath(&["plan", "counter"]);
    assert!(ended.code == 0 && ended.stderr.contains("what `lath up` would change is not known"), "{ended:#?}");
    lattice.lath(&["plan", "counter", "--context", "local"]).failure();
}

#[test]
fn an_answer_is_waited_for_as_long_as_is_asked() {
    let lattice = Lattice::new();
    lattice.silent("lath.dev.in.shop.cart.nightly");
    let call = ["call", "shop/cart", "total", "--client", "nightly"];
    let waiting = |time| lattice.lath(&[&call[..], &["--wait", time]].concat());
    let ended = waiting("200ms");
    assert!(ended.failure().contains("no answer within 0.2 s"), "{ended:#?}");
    for (time, code) in [("24h1ms", 2), ("25h", 2), ("1440m1", 2)] {
        let ended = waiting(time);
        assert!(ended.code == code && ended.stderr.contains("24h at most"), "{ended:#?}");
    }
    // On this machine the deadline of the application holds.
    lattice.counter("", "keyvalue/memory");
    let ended = lattice.lath(&["call", "counter", "handle-request", "--wait", "1s"]);
    assert!(ended.code == 2 && ended.stderr.contains("`--wait` is for calls on a lattice"), "{ended:#?}");
    if std::env::var_os("LATH_LONG").is_some() {
        let ended = lattice.lath(&call);
        assert!(ended.failure().contains("no answer within 60 s"), "{ended:#?}");
    }
}

#[test]
fn without_a_context_one_is_asked_for() {
    let asked = lath_in(&testkit::application::root(), ["down", "shop"]);
    assert!(asked.failure().contains("no context is in use"), "{asked:#?}");
    assert!(asked.stderr.contains("lath context add"), "{asked:#?}");
    // Of these, what runs on this machine may be meant; nothing does.
    let empty = tempfile::tempdir().unwrap();
    for args in [&["status"][..], &["status", "shop"], &["rollback", "shop"], &["patch", "shop/cart", "cart.wasm"]] {
        let told = ended(command(args).env("XDG_RUNTIME_DIR", empty.path()));
        assert!(told.failure().contains("no `lath run` of yours serves"), "{told:#?}");
        assert!(told.stderr.contains("lath context use"), "{told:#?}");
    }
}
