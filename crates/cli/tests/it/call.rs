//! `lath call`.

use std::path::Path;

use testkit::application::{folder, guest, root};

use crate::lath::{Ended, command, lath, lath_in};

/// Calls a function, with data in a folder of its own.
fn call(app: &Path, args: &[&str]) -> Ended {
    let data = tempfile::tempdir().unwrap();
    let target = ["call".as_ref(), app.as_os_str()];
    let options = ["--data".as_ref(), data.path().as_os_str()];
    lath(target.into_iter().chain(options).chain(args.iter().map(AsRef::as_ref)))
}

#[test]
fn results_are_written_as_the_arguments_are() {
    let shapes = guest("wasm32-unknown-unknown", "typed_new");
    let rows: [(&[&str], &str); 7] = [
        (&["echo-fixed", "[1, 2, 3, 4]"], "[1, 2, 3, 4]\n"),
        (&["shapes.echo-fixed", "[1,2,3,4]"], "[1, 2, 3, 4]\n"),
        (&["test:typed-new/shapes#echo-fixed-strings", r#"["a", "b"]"#], "[\"a\", \"b\"]\n"),
        (&["test:typed-new/shapes@0.1.0#echo-map", r#"{"v":{"a":1}}"#], "{\"a\":1}\n"),
        (&["echo-fixed", "[1,2,3,4]", "--notation", "json"], "[1,2,3,4]\n"),
        (&["echo-fixed", r#"{"v":[1,2,3,4]}"#, "--notation", "wave"], "[1, 2, 3, 4]\n"),
        (&["echo-map", r#"{"v":{"a":1}}"#, "--format", "json"], "{\"result\":{\"a\":1}}\n"),
    ];
    for (args, expected) in rows {
        assert_eq!(call(&shapes, args).success(), expected, "{args:?}");
    }
}

#[test]
fn the_first_example_answers_with_json() {
    let counter = root().join("examples/kvcounter");
    let request = r#"{"req": {"method": "GET", "path": "/a/b", "query-string": "amount=5", "header": [], "body": ""}}"#;
    let json = call(&counter, &["handle-request", request, "--format", "json"]);
    json.success();
    let response = &json.json()["result"]["ok"];
    assert_eq!(response["status-code"], 200);
    // {"counter":5}
    assert_eq!(response["body"], "eyJjb3VudGVyIjo1fQ==");
}

#[test]
fn what_cannot_be_called_is_told() {
    let shapes = guest("wasm32-unknown-unknown", "typed_new");
    let rows: [(&str, &[&str]); 5] = [
        ("unknown-function", &["echo"]),
        ("unknown-actor", &["echo-map", "--actor", "other"]),
        ("argument-type", &["echo-fixed", "true"]),
        ("argument-count", &["echo-fixed"]),
        ("argument-json", &["echo-fixed", r#"{"w":[1,2,3,4]}"#]),
    ];
    for (name, args) in rows {
        insta::assert_snapshot!(format!("call-{name}"), call(&shapes, args).failure());
    }
}

/// Two actors that call each other, as deep as `depth` allows.
const CHAIN: &str = "\
manifest = 1
[application]
name = \"chain\"
[actors.one]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.next = { to = \"two\" }
[actors.two]
component = \"{root}/crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm\"
links.next = { to = \"one\" }
limits = { depth = 4 }
";

#[test]
fn an_actor_is_named_where_several_have_the_function() {
    let folder = folder(CHAIN).unwrap();
    insta::assert_snapshot!("call-ambiguous", lath_in(folder.path(), ["call", ".", "hop", "3"]).failure());
    assert_eq!(lath_in(folder.path(), ["call", ".", "hop", "3", "--actor", "one"]).success(), "ok(3)\n");
}

#[test]
fn a_fused_actor_is_called_through_another() {
    let folder = folder(&CHAIN.replace("to = \"two\"", "to = \"two\", reach = \"fused\"")).unwrap();
    insta::assert_snapshot!(
        "call-fused",
        lath_in(folder.path(), ["call", ".", "hop", "3", "--actor", "two"]).failure()
    );
}

#[test]
fn an_error_that_a_function_answers_with_is_a_result_and_a_failure() {
    let folder = folder(CHAIN).unwrap();
    let text = lath_in(folder.path(), ["call", ".", "hop", "9", "--actor", "one"]);
    assert_eq!(text.code, 1, "{text:#?}");
    assert!(text.stdout.starts_with("err(\"host-error: "), "{text:#?}");
    let json = lath_in(folder.path(), ["call", ".", "hop", "9", "--actor", "one", "--format=json"]);
    assert_eq!(json.code, 1);
    assert!(json.json()["result"]["err"].as_str().unwrap().starts_with("host-error: "), "{json:#?}");
}

#[test]
fn a_call_without_a_result_is_a_typed_error() {
    let faulty = guest("wasm32-wasip2", "faulty");
    let text = call(&faulty, &["panic"]);
    let told = text.failure();
    assert!(told.contains("the call of `panic` on actor faulty failed: actor-handler: "), "{text:#?}");
    let json = call(&faulty, &["faults.panic", "--format", "json"]);
    json.failure();
    let error = json.error();
    assert_eq!((error["kind"].as_str(), error["rpc_error"]["case"].as_str()), (Some("call"), Some("actor-handler")));
    assert_eq!(error["started"], "unknown");
}

#[test]
fn functions_without_a_result_print_nothing_in_wave() {
    let faulty = guest("wasm32-wasip2", "faulty");
    assert_eq!(call(&faulty, &["print", "hello"]).success(), "ok\n");
    assert_eq!(call(&faulty, &["calls"]).success(), "ok(1)\n");
}

#[test]
fn log_lines_that_nobody_reads_are_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let data = tempfile::tempdir().unwrap();
    let faulty = guest("wasm32-wasip2", "faulty");
    let target = ["call".as_ref(), faulty.as_os_str(), "--data".as_ref(), data.path().as_os_str()];
    let output =
        command(target.into_iter().chain(["print".as_ref(), "hello".as_ref()])).stderr(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ok\n".as_slice()));
}
