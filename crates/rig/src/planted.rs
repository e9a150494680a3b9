//! Planted bugs: whether a test finds one.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Runs `test` of this very program with a bug planted, and requires that it fails.
///
/// # Errors
///
/// The program cannot be started, has no such test, or the test passes: it would not find the bug.
pub fn is_found(bug: &str, test: &str) -> Result<()> {
    let program = std::env::current_exe().context("this program is not known")?;
    let mut tests = Command::new(program);
    tests.args([test, "--exact", "--test-threads", "1"]).env("LATH_PLANTED", bug).env("RUST_BACKTRACE", "0");
    let ended = tests.output().with_context(|| format!("{test} was not started"))?;
    let told = String::from_utf8_lossy(&ended.stdout);
    ensure!(told.contains("running 1 test"), "there is no test {test}: {told}");
    ensure!(told.contains(&format!("test {test} ... FAILED")), "{test} does not find `{bug}`: {told}");
    Ok(())
}
