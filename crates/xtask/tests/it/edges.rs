use serde_json::{Value, json};
use xtask::tidy::edges;

fn metadata() -> Value {
    json!({ "packages": [
        { "name": "model", "dependencies": [{ "name": "serde", "kind": null }] },
        { "name": "host", "dependencies": [
            { "name": "model", "kind": null, "path": "crates/model" },
            { "name": "model", "kind": "dev", "path": "crates/model" },
            { "name": "testkit", "kind": "dev", "path": "crates/testkit" },
        ] },
        { "name": "testkit", "dependencies": [] },
    ] })
}

fn check(rows: &str, expected: &[&str]) {
    let head = "| crate | may depend on | for tests also |\n| --- | --- | --- |";
    let text = format!("# Edges\n<!-- edges -->\n{head}\n{rows}\n<!-- /edges -->\n| not | one | - |\n");
    let found = edges::check(&text, &metadata());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found}");
    }
}

const MODEL: &str = "| `model` | — | |\n";
const TESTKIT: &str = "| testkit | - | - |\n";

#[test]
fn every_edge_is_listed_and_every_listed_edge_is_there() {
    check(&format!("{MODEL}{TESTKIT}| host | `model` | `testkit` |"), &[]);
    check(&format!("{MODEL}{TESTKIT}| host | | testkit |"), &["host may not depend on model"]);
    check(&format!("{MODEL}{TESTKIT}| host | model | |"), &["host may not depend on testkit for tests"]);
    check(&format!("{MODEL}{TESTKIT}| host | model, testkit | testkit |"), &["host does not depend on testkit"]);
    check(&format!("{MODEL}{TESTKIT}"), &["the crate host has no row"]);
    check(&format!("{MODEL}{TESTKIT}| host | model | testkit |\n| old | | |"), &["old, which is no crate"]);
}

#[test]
fn a_missing_table_is_an_error() {
    assert!(edges::check("", &metadata())[0].contains("table of edges is missing"));
}
