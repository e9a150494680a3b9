use xtask::tidy::dependencies;

const CARGO: &str =
    "[workspace.dependencies]\nmodel = { path = 'crates/model' }\nserde = '1'\nhttp = { version = '1' }\n";

fn check(rows: &str, expected: &[&str]) {
    let text = format!("<!-- dependencies -->\n| name | why |\n|---|---|\n{rows}\n<!-- /dependencies -->");
    let found = dependencies::check(&text, CARGO).unwrap();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    check("| `serde` | text |\n| http | web |", &[]);
    check("| `serde`, `http` | both |", &[]);
    check("| serde | text |", &["the dependency http has no row"]);
    check("| serde | text |\n| http | web |\n| rand | dice |", &["rand, which Cargo.toml has not"]);
}

#[test]
fn a_missing_table_is_an_error() {
    assert!(dependencies::check("| serde | no marks |", CARGO).unwrap()[0].contains("is missing"));
}
