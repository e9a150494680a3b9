//! All automation of the project: `cargo x help`.
//!
//! Must not know: any crate of ours, nor wasmtime; it has to start in seconds on a bare machine, before anything else
//! is built. Start reading at [`task`] (what can be asked), then [`ci`] (what must hold before a change lands) and
//! [`tidy`] (checks of the sources as pure functions over text). Tested in `tests/it`: each check of [`tidy`] is shown
//! to fail on a bad text and to pass on this project.

pub mod ci;
pub mod demo;
pub mod files;
pub mod guests;
pub mod pins;
pub mod process;
pub mod project;
pub mod setup;
pub mod task;
pub mod tidy;

use anyhow::Result;
use project::Project;
use task::{Demo, Task};

/// Does what the command line asks for.
///
/// # Errors
///
/// A task that is unknown, or that failed.
pub fn run(words: &[String]) -> Result<()> {
    let task = Task::parse(words)?;
    if task == Task::Help {
        process::say(&task::help());
        return Ok(());
    }
    let project = Project::find()?;
    match task {
        Task::Help => Ok(()),
        Task::Setup => setup::run(&project),
        Task::Guests { names } => guests::run(&project, &names),
        Task::Test { long, args } => ci::test(&project, long, &args),
        Task::Tidy => tidy::run(&project),
        Task::Ci => ci::run(&project),
        Task::Demo(Demo::Run) => demo::run(&project),
        Task::Demo(Demo::Lattice) => demo::lattice(&project),
        Task::Chaos { smoke, args } => ci::chaos(&project, smoke, &args),
        Task::Bench { args } => ci::bench(&project, &args),
    }
}
