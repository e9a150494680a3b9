use xtask::files::Text;
use xtask::tidy::limits;

const SOURCE: &str = "/// Not pub const THIS: u8 = 0;\npub const NAME_LEN_MAX: usize = 63;\n\
    pub const WAIT: Duration =\n    Duration::from_secs(5);\n";

fn check(rows: &str, expected: &[&str]) {
    let sources = [
        Text::new("crates/model/src/limits.rs", SOURCE),
        Text::new("crates/model/src/other.rs", "pub const FREE: usize = 1;"),
    ];
    let found = limits::check(&sources, &format!("# Limits\n\n| bound | value |\n| --- | --- |\n{rows}"));
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn every_bound_has_a_row_with_its_value() {
    let name = "| `model::NAME_LEN_MAX` | `63` | bytes |\n";
    let wait = "| model::WAIT | Duration::from_secs(5) | |\n";
    check(&format!("{name}{wait}"), &[]);
    check(name, &["no row for model::WAIT = Duration::from_secs(5)"]);
    check(&format!("| `model::NAME_LEN_MAX` | 64 |\n{wait}"), &["model::NAME_LEN_MAX is 63, not 64"]);
    check(&format!("{name}{wait}| model::GONE | 1 |"), &["there is no model::GONE"]);
}
