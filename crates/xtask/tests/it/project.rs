//! This project passes every check.

use xtask::project::Project;
use xtask::tidy;

#[test]
fn is_tidy() {
    let findings = tidy::check(&Project::find().unwrap()).unwrap();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
