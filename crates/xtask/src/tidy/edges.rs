//! The edges between our crates are those of the table in ARCHITECTURE.md, no more and no fewer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::markdown;

/// What one crate depends on, among our own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edges {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// Compares the table `crate | may depend on | for tests also` with what `cargo metadata --no-deps` says.
pub fn check(architecture: &str, metadata: &Value) -> Vec<String> {
    let Some(rows) = markdown::table(architecture, "edges") else {
        return vec![
            "ARCHITECTURE.md: the table of edges is missing; write it between <!-- edges --> and <!-- /edges -->"
                .to_owned(),
        ];
    };
    let listed: BTreeMap<String, Edges> = rows.iter().filter_map(|row| listed(row)).collect();
    let actual = actual(metadata);
    let crates: BTreeSet<&String> = listed.keys().chain(actual.keys()).collect();
    let none = Edges::default();
    let compare = |name: &String| match (listed.get(name), actual.get(name)) {
        (None, _) => vec![format!("ARCHITECTURE.md: the crate {name} has no row in the table of edges; add one")],
        (_, None) => vec![format!("ARCHITECTURE.md: the table of edges has {name}, which is no crate; drop the row")],
        (listed, actual) => difference(name, listed.unwrap_or(&none), actual.unwrap_or(&none)),
    };
    crates.into_iter().flat_map(compare).collect()
}

fn difference(name: &str, listed: &Edges, actual: &Edges) -> Vec<String> {
    let sorts = [("", &listed.normal, &actual.normal), (" for tests", &listed.tests, &actual.tests)];
    let mut found = Vec::new();
    for (sort, listed, actual) in sorts {
        for to in actual.difference(listed) {
            found.push(format!("crates/{name}/Cargo.toml: {name} may not depend on {to}{sort}; drop the edge"));
        }
        for to in listed.difference(actual) {
            found.push(format!("ARCHITECTURE.md: {name} does not depend on {to}{sort}; drop it from the table"));
        }
    }
    found
}

fn listed(row: &[String]) -> Option<(String, Edges)> {
    let cell = |at: usize| row.get(at).map(|cell| markdown::names(cell).into_iter().collect()).unwrap_or_default();
    Some((row.first()?.clone(), Edges { normal: cell(1), tests: cell(2) }))
}

fn actual(metadata: &Value) -> BTreeMap<String, Edges> {
    let packages = list(metadata, "packages");
    packages.iter().map(|package| (text(package, "name"), edges_of(package))).collect()
}

/// A test may use what the crate itself uses, without a word in the table.
fn edges_of(package: &Value) -> Edges {
    let mut edges = Edges::default();
    for dependency in list(package, "dependencies").iter().filter(|dependency| dependency.get("path").is_some()) {
        let to = if text(dependency, "kind") == "dev" { &mut edges.tests } else { &mut edges.normal };
        to.insert(text(dependency, "name"));
    }
    edges.tests = edges.tests.difference(&edges.normal).cloned().collect();
    edges
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
