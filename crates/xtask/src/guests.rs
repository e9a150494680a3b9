//! `cargo x guests`: builds the components of the examples and of the tests, where they are stale.

mod stale;
mod table;

pub use table::{GUESTS, Guest};

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::project::Project;
use crate::setup;

/// Settings of a caller's cargo that would move what guests are built into.
const MOVES_OUTPUT: [&str; 3] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET"];

/// Builds the guests with these names, or all, after installing what they are built with.
///
/// # Errors
///
/// [`setup`] or a build failed.
pub fn run(project: &Project, names: &[String]) -> Result<()> {
    let is_chosen = |guest: &&Guest| names.is_empty() || names.iter().any(|name| name == guest.name);
    let chosen: Vec<&Guest> = GUESTS.iter().filter(is_chosen).collect();
    let _alone = project.alone()?;
    setup::install_for(project, &chosen)?;
    chosen.into_iter().try_for_each(|guest| freshen(project, guest))
}

/// The names of all guests, for messages.
pub fn names() -> String {
    GUESTS.iter().map(|guest| guest.name).collect::<Vec<_>>().join(", ")
}

/// Builds a guest, unless it was last built from what is there now. The caller holds [`Project::alone`].
///
/// # Errors
///
/// An input cannot be read, or the build failed.
pub fn freshen(project: &Project, guest: &Guest) -> Result<()> {
    let print = stale::fingerprint(project.root(), guest)?;
    if stale::is_fresh(project, guest, &print)? {
        return Ok(());
    }
    say(&format!("guests: building {} in {}", guest.name, guest.dir));
    let ((), time) = process::timed(|| build(project, guest))?;
    say(&format!("guests: built {} in {:.1} s", guest.name, time.as_secs_f64()));
    stale::stamp(project, guest, &print)
}

fn build(project: &Project, guest: &Guest) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", guest.run]).current_dir(project.at(guest.dir)).env("PATH", project.search_path()?);
    // All Rust guests share one folder for intermediate files, so that wit-bindgen is compiled once.
    command.env("CARGO_BUILD_BUILD_DIR", project.at("examples/target/build"));
    for variable in MOVES_OUTPUT {
        command.env_remove(variable);
    }
    process::run(&mut command, "a POSIX shell is needed to build guests")
        .with_context(|| format!("cannot build the guest {} in {}", guest.name, guest.dir))
}
