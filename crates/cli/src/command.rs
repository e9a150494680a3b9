//! The commands, a module each.

mod adapter;
mod call;
mod compose;
mod inspect;
mod plan;
mod run;

use clap::Subcommand;

use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// The data folder, beside the manifest, where none is named.
const DATA: &str = ".lath";

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Call(call::Call),
    Plan(plan::Plan),
    Compose(compose::Compose),
    Adapter(adapter::Adapter),
    Inspect(inspect::Inspect),
}

/// Runs a command to its end.
pub(crate) fn run(command: Command, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
    match command {
        Command::Run(run) => run.run(output, environment),
        Command::Call(call) => call.run(output, environment),
        Command::Plan(plan) => plan.run(output),
        Command::Compose(compose) => compose.run(output),
        Command::Adapter(adapter) => adapter.run(output, environment),
        Command::Inspect(inspect) => inspect.run(output),
    }
}
