//! `lath host` before it is in a lattice: its file, and servers that are not there. What hosts do in one is in
//! `lattice_*`.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::lath::{command, lath_in};

/// A file that is good but for `change`.
fn file(change: impl Fn(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://127.0.0.1:1\"]\n";
    std::fs::write(folder.path().join("host.toml"), change(text.to_owned())).unwrap();
    folder
}

#[test]
fn a_wrong_file_is_shown_with_all_its_errors() {
    let folder =
        file(|text| text.replace("name = \"a1\"", "nane = \"a1\"\nlisten = \"8080\"").replace("nats:", "http:"));
    insta::assert_snapshot!(lath_in(folder.path(), ["host"]).failure());
    let error = lath_in(folder.path(), ["host", "--format", "json"]).error();
    assert_eq!((&error["kind"], &error["problems"][1]["line"]), (&"host".into(), &2.into()), "{error}");
    let missing = lath_in(folder.path(), ["host", "--config", "none.toml"]);
    assert!(missing.failure().contains("cannot read none.toml"), "{missing:#?}");
}

#[test]
fn what_will_not_mend_itself_is_told_at_once() {
    let folder = file(|text| text + "credentials = \"none.creds\"\n");
    let error = lath_in(folder.path(), ["host", "--format", "json"]).error();
    assert_eq!((&error["kind"], &error["message"]), (&"lattice".into(), &"host a1 cannot join lattice prod".into()));
    assert!(error["causes"][0].as_str().unwrap().contains("none.creds"), "{error}");
    // Before the servers are asked for anything, which are not there.
    let tls = "listen = \"127.0.0.1:0\"\ntls = { cert = \"none.pem\", key = \"none.key\" }\n[lattice]";
    let folder = file(|text| text.replace("[lattice]", tls));
    let error = lath_in(folder.path(), ["host", "--format", "json"]).error();
    assert_eq!(error["message"], "cannot start: HTTP cannot be served over TLS", "{error}");
    assert!(error["causes"][0].as_str().unwrap().contains("none.pem"), "{error}");
}

#[test]
fn servers_that_are_not_there_are_waited_for_until_a_signal() {
    // A port that nobody listens on, as far as can be known.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = file(|text| text.replace(":1\"", &format!(":{port}\"")));
    let mut host = command(["host", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let waiting = next();
    assert_eq!(waiting["event"], "waiting", "{waiting}");
    assert!(waiting["reason"].as_str().unwrap().contains(&format!("127.0.0.1:{port}")), "{waiting}");
    assert!(Command::new("kill").args(["-s", "TERM", &host.id().to_string()]).status().unwrap().success());
    assert_eq!(next(), serde_json::json!({ "event": "drained", "signal": "SIGTERM" }));
    assert!(host.wait().unwrap().success());
}
