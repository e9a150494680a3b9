//! `lath build`.

use std::path::Path;

use tempfile::TempDir;

use crate::lath::{Ended, lath_in};

/// Three actors: one whose component is there, one that is built, one that is neither.
fn application(run: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there.wasm"), b"").unwrap();
    std::fs::write(folder.path().join("source"), b"").unwrap();
    let build = format!("build = {{ run = '''{run}''', watch = [\"source\"] }}");
    let manifest = format!(
        "manifest = 1\n[application]\nname = \"shop\"\n[actors.audit]\ncomponent = \"there.wasm\"\n\
         [actors.cart]\ncomponent = \"cart.wasm\"\n{build}\n"
    );
    std::fs::write(folder.path().join("lath.toml"), manifest).unwrap();
    folder
}

fn build(folder: &Path, args: &[&str]) -> Ended {
    lath_in(folder, [&["build"], args].concat())
}

#[test]
fn only_what_is_stale_is_built() {
    let folder = application("cp source cart.wasm");
    let first = build(folder.path(), &[]);
    assert!(first.success().starts_with("audit: not built here; the manifest has no `build` for it\ncart: built in "));
    assert!(first.stderr.starts_with("building cart: cp source cart.wasm\nbuilt cart in "), "{first:#?}");
    let again = build(folder.path(), &["--format", "json"]);
    let actor = |actor: &str, outcome: &str| serde_json::json!({ "actor": actor, "outcome": outcome, "elapsed_ms": null, "reason": null, "help": null });
    assert_eq!(again.json(), serde_json::json!({ "actors": [actor("audit", "none"), actor("cart", "fresh")] }));
}

#[test]
fn what_cannot_be_built_is_told_with_what_is_missing() {
    let folder = application("componentize-nothing app.js");
    let failed = build(folder.path(), &["--format", "json"]);
    let cart = &failed.json()["actors"][1];
    assert_eq!((failed.code, cart["outcome"].as_str()), (1, Some("failed")), "{failed:#?}");
    let help = "componentize-nothing is missing: install it, or put the folder that it is in into PATH";
    assert_eq!(cart["help"], help);
    let text = build(folder.path(), &[]);
    assert!(
        text.stdout.contains("cart: failed\n  `componentize-nothing app.js` failed with exit status: 127"),
        "{text:#?}"
    );
    assert!(text.stdout.ends_with(&format!("\n  help: {help}\n")), "{text:#?}");
    // Commands that build by themselves say the same.
    let planned = lath_in(folder.path(), ["plan", "--format", "json"]);
    assert_eq!((planned.code, planned.error()["help"].as_str()), (1, Some(help)), "{planned:#?}");
    let missing = build(folder.path(), &["nowhere"]);
    assert!(missing.failure().contains("there is no application at nowhere"), "{missing:#?}");
}
