//! `cargo x ci`, and the steps of it that are tasks of their own.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::project::Project;
use crate::{files, guests, setup, tidy};

/// What to do where cargo does not start.
pub const CARGO_MEND: &str = "install Rust with rustup (https://rustup.rs)";

type Step = (&'static str, fn(&Project) -> Result<()>);

/// What must hold, cheapest first.
const STEPS: [Step; 7] = [
    ("format", format),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("guests", |project| guests::run(project, &[])),
    ("test", |project| test(project, false, &[])),
    ("chaos", |project| chaos(project, true, &[])),
    ("docs", docs),
];

/// Runs every step until one fails, and says how long each took.
///
/// # Errors
///
/// The first step that failed.
pub fn run(project: &Project) -> Result<()> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (name, step) in STEPS {
        say(&format!("== {name}"));
        let ((), time) = process::timed(|| step(project).with_context(|| format!("ci: {name}")))?;
        times.push((name, time));
    }
    say("== all steps passed");
    for (name, time) in times {
        say(&format!("{name:>8} {:7.1} s", time.as_secs_f64()));
    }
    Ok(())
}

/// Runs every test, after building what the tests run.
///
/// # Errors
///
/// A guest could not be built, or a test failed.
pub fn test(project: &Project, long: bool, args: &[String]) -> Result<()> {
    guests::run(project, &[])?;
    setup::nats(project)?;
    setup::redis(project)?;
    setup::scripts(project)?;
    // A package without tests of its own is not built as a program.
    process::run(cargo(project)?.args(["build", "--workspace", "--bin", "tax-process"]), CARGO_MEND)?;
    let mut command = cargo(project)?;
    command.args(["test", "--workspace"]).args(args);
    if long {
        command.env("LATH_LONG", "1");
    }
    process::run(&mut command, CARGO_MEND)
}

/// Measures, after building what is measured.
///
/// # Errors
///
/// A guest could not be built, or the benchmark failed.
pub fn bench(project: &Project, args: &[String]) -> Result<()> {
    guests::run(project, &[])?;
    setup::nats(project)?;
    let mut command = cargo(project)?;
    command.args(["run", "--release", "-p", "testkit", "--bin", "bench", "--"]).args(args);
    process::run(&mut command, CARGO_MEND)
}

/// Drills hosts under load, after building what is drilled: the short run as it is developed, the long one as it is released.
///
/// # Errors
///
/// A guest or the rig could not be built, or a drill found what must not be.
pub fn chaos(project: &Project, smoke: bool, args: &[String]) -> Result<()> {
    guests::run(project, &[])?;
    setup::nats(project)?;
    let (profile, folder) = if smoke { ("dev", "debug") } else { ("release", "release") };
    let args_of_build = ["build", "--workspace", "--bin", "lath", "--bin", "chaos", "--profile", profile];
    process::run(cargo(project)?.args(args_of_build), CARGO_MEND)?;
    let mut command = Command::new(project.root().join("target").join(folder).join("chaos"));
    command.current_dir(project.root()).env("PATH", project.search_path()?).args(args);
    if smoke {
        command.arg("--smoke");
    }
    process::run(&mut command, "build it with `cargo build --workspace --bin chaos`")
}

/// Cargo, in the project, with the installed tools on the search path.
///
/// # Errors
///
/// As for [`Project::search_path`].
pub fn cargo(project: &Project) -> Result<Command> {
    let mut command = Command::new("cargo");
    command.current_dir(project.root()).env("PATH", project.search_path()?);
    Ok(command)
}

/// The workspace, then every workspace of guests.
fn format(project: &Project) -> Result<()> {
    process::run(cargo(project)?.args(["fmt", "--all", "--check"]), CARGO_MEND)?;
    for manifest in files::texts(project.root(), &["examples", "crates/testkit/guests", "fuzz", "guests"], "toml")? {
        if manifest.text.contains("[workspace]") {
            let args = ["fmt", "--all", "--check", "--manifest-path", &manifest.path];
            process::run(cargo(project)?.args(args), CARGO_MEND)?;
        }
    }
    Ok(())
}

fn clippy(project: &Project) -> Result<()> {
    let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::run(cargo(project)?.args(args), CARGO_MEND)
}

fn docs(project: &Project) -> Result<()> {
    let mut command = cargo(project)?;
    command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings");
    process::run(&mut command, CARGO_MEND)
}
