//! Bugs that are planted are found, and documented.

use std::process::Command;

use model::planted::Bug;

#[test]
fn a_planted_bug_is_found() {
    let test = "names::a_provider_serves_its_own_track_and_older";
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let ended = tests.args([test, "--exact"]).env("LATH_PLANTED", Bug::WrongSemver.name()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(told.contains(&format!("test {test} ... FAILED")), "{told}");
}

/// Whoever reads the documentation finds each, with the test that finds it.
#[test]
fn planted_bugs_are_documented() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CHAOS.md");
    let text = std::fs::read_to_string(path).unwrap();
    for bug in Bug::ALL {
        assert!(text.contains(&format!("| `{}` |", bug.name())), "{} is not in docs/CHAOS.md", bug.name());
        assert!(!bug.is_planted(), "no bug is planted where nobody asks for it");
    }
}
