//! Wrong usage and failures, for people and for programs.

use std::fs;

use crate::lath::{command, ended, lath, lath_in};
use crate::wit;

#[test]
fn wrong_usage_exits_with_2() {
    let rows: [(&[&str], &str); 12] = [
        (&["bogus"], "unrecognized subcommand 'bogus'"),
        (&["plan", "--bogus"], "unexpected argument '--bogus'"),
        (&["plan", ".", "--format", "yaml"], "invalid value 'yaml' for '--format <FORMAT>'"),
        (&["run", "--listen", "nowhere"], "invalid value 'nowhere' for '--listen <ADDRESS>'"),
        (&["run", "--listen", "1.2.3"], "write an address and a port, such as `127.0.0.1:8080`"),
        (&["host", "--observe", "9464"], "write an address and a port, such as `127.0.0.1:8080`"),
        (&["rollback", "shop", "first"], "write the number of a version, such as `3`; `--list` shows them"),
        (&["call", "."], "the following required arguments were not provided"),
        (&["compose", "."], "--output <FOLDER>"),
        (&["adapter", "a.wit", "--contract", "a", "--side", "left", "-o", "x"], "invalid value 'left'"),
        (&["inspect"], "<FILE>"),
        (&["inspect", "a.wasm", "--schema"], "cannot be used with"),
    ];
    for (args, expected) in rows {
        let text = lath(args);
        assert_eq!((text.code, text.stdout.as_str()), (2, ""), "{args:?}: {text:#?}");
        assert!(text.stderr.contains(expected), "{args:?}: {text:#?}");
    }
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    for args in [["bogus", "--format", "json"].as_slice(), &["--format=json", "bogus"]] {
        let ended = lath(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        let error = ended.error();
        assert_eq!(error["kind"], "usage");
        assert_eq!(error["message"], "unrecognized subcommand 'bogus'");
        assert_eq!(ended.stderr.lines().count(), 1);
    }
}

#[test]
fn a_log_filter_that_is_none_is_wrong_usage() {
    let ended = ended(command(["inspect", "--schema"]).env("LATH_LOG", "host=loud"));
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("LATH_LOG is not a filter of log lines"), "{ended:#?}");
}

#[test]
fn failures_for_people() {
    let folder = wit::folder(&[
        ("acme.wit", wit::ACME),
        ("broken.wit", "package acme:shop;\ninterface rates {\n    quote: func(item: item);\n}\n"),
        ("broken.wasm", "\0asm\x01\0\0\0 and then something else"),
        ("text.wasm", "no wasm at all"),
        ("empty/readme.txt", "nothing here"),
        ("encoded/main.wit", "package a:b;\ninterface c { d: func(); }\n"),
        ("encoded/deps/other.wasm", "\0asm"),
        ("half/lath.toml", HALF),
    ]);
    let adapter = |source: &'static str, contract: &'static str| {
        vec!["adapter", source, "--contract", contract, "--side", "sender", "-o", "out.wasm"]
    };
    let rows = [
        ("no-application", vec!["plan", "nowhere"]),
        ("no-file", vec!["inspect", "nowhere.wasm"]),
        ("no-manifest", vec!["plan", "empty"]),
        ("broken-component", vec!["inspect", "broken.wasm"]),
        ("no-component", vec!["inspect", "text.wasm"]),
        ("no-component-to-run", vec!["run", "text.wasm"]),
        ("broken-wit", vec!["inspect", "broken.wit"]),
        ("no-wit", vec!["inspect", "empty"]),
        ("encoded-dependency", vec!["inspect", "encoded"]),
        ("no-contract", adapter("acme.wit", "prices")),
        ("empty-contract", adapter("acme.wit", "money")),
        ("refused-contract", adapter("acme.wit", "baskets")),
        ("manifest", vec!["plan", "half"]),
    ];
    for (name, args) in rows {
        let ended = lath_in(folder.path(), args);
        insta::assert_snapshot!(format!("error-{name}"), ended.failure());
    }
    assert!(!folder.path().join("out.wasm").exists());
}

/// A manifest with two errors.
const HALF: &str = "\
manifest = 1
[application]
name = \"Half done\"
[actors.a]
component = \"a.wasm\"
linsk.b = { to = \"c\" }
";

#[test]
fn failures_for_programs() {
    let folder = wit::folder(&[("half/lath.toml", HALF), ("one/lath.toml", &HALF.replace("Half done", "half"))]);
    let ended = lath_in(folder.path(), ["plan", "half", "--format", "json"]);
    ended.failure();
    insta::assert_json_snapshot!("error-manifest-json", ended.error());
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
    let ended = lath_in(folder.path(), ["--format", "json", "inspect", "nowhere.wasm"]);
    assert_eq!(ended.error()["kind"], "file");
    assert_eq!(ended.error()["causes"][0], "No such file or directory (os error 2)");
}

#[test]
fn errors_are_not_coloured_off_a_terminal() {
    let ended = lath(["plan", "nowhere"]);
    assert!(!ended.failure().contains('\u{1b}'), "{ended:#?}");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for args in [["inspect", "--schema"].as_slice(), &["--help"], &["plan", "--help"]] {
        let mut lath = command(args);
        let child = lath.stdout(writer.try_clone().unwrap()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    let args = ["adapter", "acme.wit", "--contract", "rates", "--side", "sender", "-o", "no/such/folder.wasm"];
    let ended = lath_in(folder.path(), args);
    assert!(ended.failure().contains("cannot write no/such/folder.wasm"), "{ended:#?}");
    assert!(ended.stderr.contains("in a folder that exists"), "{ended:#?}");
    assert!(fs::read_dir(folder.path()).unwrap().count() == 1);
}
