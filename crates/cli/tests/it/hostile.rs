//! What components say, on a terminal: no line of it passes for one of ours, and nothing of it moves a cursor.

use std::path::PathBuf;

use tempfile::TempDir;
use testkit::application::guest;

use crate::lath::{Ended, lath};

/// Clears the screen in two ways, turns the direction of writing, and goes on on a line of its own.
const EVIL: &str = "evil\u{1b}[2J\u{9b}2J\u{202e}\r\u{7}\nforged";

/// A text in a file of WebAssembly text.
fn quoted(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("\\{byte:02x}"));
    format!("\"{}\"", bytes.collect::<String>())
}

fn harmless(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(acts), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("forged") || line.starts_with("{\"forged")), "{text}");
    }
}

#[test]
fn output_of_actors_is_lines_of_the_log() {
    let faulty = guest("wasm32-wasip2", "faulty");
    let text = format!("{EVIL}\n{{\"forged\":1}}\n\",\"forged\":\"1");
    let argument = serde_json::json!({ "text": text }).to_string();
    for format in ["text", "json"] {
        let ended = lath(["call", faulty.to_str().unwrap(), "print", &argument, "--format", format]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        harmless(&ended);
        let lines: Vec<_> = ended.stderr.lines().filter(|line| line.contains("forged")).collect();
        assert_eq!(lines.len(), 3, "{ended:#?}");
        for line in lines.iter().filter(|_| format == "json") {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["target"], "lath::actor", "{line}");
            assert!(event.get("forged").is_none() && event["fields"].get("forged").is_none(), "{line}");
        }
    }
}

/// A command that traps in a function with this name.
fn trapping(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool.wasm");
    let text = format!(
        r#"(component
            (core module $m (func ${} (export "run") (result i32) unreachable))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $export (export "run" (func $run)))
            (export "wasi:cli/run@0.2.6" (instance $export)))"#,
        quoted(name)
    );
    std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn names_in_backtraces_are_names() {
    let (_folder, tool) = trapping(EVIL);
    for format in ["text", "json"] {
        let ended = lath(["run", tool.to_str().unwrap(), "--format", format]);
        assert_eq!(ended.code, 134, "{ended:#?}");
        assert!(ended.stderr.contains("evil"), "{ended:#?}");
        harmless(&ended);
    }
}

#[test]
fn errors_and_results_are_plain() {
    let shapes = guest("wasm32-unknown-unknown", "typed_new");
    let shapes = shapes.to_str().unwrap();
    let list = format!("[{0}, {0}]", serde_json::json!(EVIL));
    for format in ["text", "json"] {
        let refused = lath(["call", shapes, &EVIL.replace('\n', ""), "--format", format]);
        assert_eq!(refused.code, 1, "{refused:#?}");
        harmless(&refused);
        for notation in ["wave", "json"] {
            let argument = format!("{{\"v\":{list}}}");
            let options = ["--notation", notation, "--format", format];
            let told = lath([&["call", shapes, "echo-fixed-strings", &argument][..], &options].concat());
            assert_eq!(told.code, 0, "{told:#?}");
            harmless(&told);
            assert_eq!(told.stdout.matches("forged").count(), 2, "{told:#?}");
        }
        let told = lath(["call", shapes, "echo-fixed-strings", &format!("{{\"v\":{list}}}"), "--format", "json"]);
        assert_eq!(told.json()["result"], serde_json::json!([EVIL, EVIL]));
    }
}
