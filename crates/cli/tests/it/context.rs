//! `lath context`.

use std::fs;
use std::path::Path;

use crate::lath::{Ended, command, ended};

/// `lath context` with settings in `folder`.
fn context(folder: &Path, args: &[&str]) -> Ended {
    let mut lath = command(["context"].iter().chain(args));
    ended(lath.env("XDG_CONFIG_HOME", folder).current_dir(folder))
}

const LOCAL: [&str; 6] = ["add", "local", "--url", "nats://127.0.0.1:4222", "--lattice", "dev"];

#[test]
fn contexts_are_added_used_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| context(folder.path(), args);
    assert_eq!(run(&["list"]).success(), "there are no contexts; `lath context add` adds one\n");
    assert_eq!(run(&LOCAL).success(), "added local\n");
    fs::write(folder.path().join("me.creds"), "secret").unwrap();
    let shop = ["add", "shop", "--url", "tls://a.example:4222,tls://b.example:4222", "--lattice", "shop"];
    run(&[shop.as_slice(), &["--credentials", "me.creds", "--tls-ca", "me.creds", "--domain", "hub"]].concat())
        .success();
    let creds = folder.path().canonicalize().unwrap().join("me.creds");
    assert_eq!(
        run(&["list"]).success(),
        format!(
            "* local: lattice dev at nats://127.0.0.1:4222\n  shop: lattice shop at \
             tls://a.example:4222,tls://b.example:4222, credentials {}\n",
            creds.display()
        )
    );
    assert_eq!(run(&["use", "shop"]).success(), "shop is in use\n");
    let json = run(&["list", "--format", "json"]).json();
    assert_eq!((json["current"].as_str(), json["contexts"][0]["name"].as_str()), (Some("shop"), Some("local")));
    assert_eq!(json["contexts"][1]["lattice"], "shop");
    run(&["remove", "shop"]).success();
    assert_eq!(run(&["list"]).success(), "  local: lattice dev at nats://127.0.0.1:4222\n");
}

#[test]
fn what_is_wrong_with_a_context_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows: [(&[&str], i32, &str); 5] = [
        (&["add", "a", "--url", "http://x", "--lattice", "dev"], 2, "invalid value 'http://x' for '--url"),
        (&["add", "a", "--url", "nats://x", "--lattice", "No Lattice"], 2, "`No Lattice` is not a name"),
        (&["add", "a", "--url", "nats://x", "--lattice", "dev", "--credentials", "none"], 1, "nothing at none"),
        (&["add", "a", "--url", "nats://x", "--lattice", "dev", "--tls-key", "none"], 2, "--tls-certificate"),
        (&["use", "a"], 2, "there is no context `a`"),
    ];
    for (args, code, expected) in rows {
        let ended = context(folder.path(), args);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{args:?}: {ended:#?}");
        assert!(ended.stderr.contains(expected), "{args:?}: {ended:#?}");
    }
    context(folder.path(), &LOCAL).success();
    let ended = context(folder.path(), &["remove", "a"]);
    assert!(ended.stderr.contains("there are local"), "{ended:#?}");
    fs::write(folder.path().join("lath/contexts.toml"), "contexts = 1\n").unwrap();
    let ended = context(folder.path(), &["list", "--format", "json"]);
    assert_eq!((ended.code, ended.error()["kind"].as_str()), (1, Some("context")));
}
