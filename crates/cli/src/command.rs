//! The commands, a module each.

mod adapter;
mod add;
mod build;
mod call;
mod compose;
mod context;
mod deployment;
mod down;
mod drain;
mod forget;
mod host;
mod inspect;
mod lattice;
mod new;
mod patch;
mod plan;
mod record;
mod replay;
mod rollback;
mod run;
mod secret;
mod status;
mod tap;
mod up;

use std::net::SocketAddr;

use clap::Subcommand;

use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// The data folder, beside the manifest, where none is named.
const DATA: &str = ".lath";

/// Where an ingress is reached.
fn url(address: SocketAddr, secure: bool) -> String {
    format!("{}://{address}", if secure { "https" } else { "http" })
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Add(add::Add),
    Build(build::Build),
    Run(run::Run),
    Call(call::Call),
    Plan(plan::Plan),
    Compose(compose::Compose),
    Adapter(adapter::Adapter),
    Inspect(inspect::Inspect),
    Up(up::Up),
    Patch(patch::Patch),
    Tap(tap::Tap),
    Record(record::Record),
    Replay(replay::Replay),
    Down(down::Down),
    Status(status::Status),
    Rollback(rollback::Rollback),
    Drain(drain::Drain),
    Forget(forget::Forget),
    Host(host::Host),
    Context(context::Context),
    Secret(secret::Secret),
    Lattice(lattice::Lattice),
}

/// Runs a command to its end.
pub(crate) fn run(command: Command, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
    match command {
        Command::New(new) => new.run(output),
        Command::Add(add) => add.run(output),
        Command::Build(build) => build.run(output),
        Command::Run(run) => run.run(output, environment),
        Command::Call(call) => call.run(output, environment),
        Command::Plan(plan) => plan.run(output, environment),
        Command::Compose(compose) => compose.run(output),
        Command::Adapter(adapter) => adapter.run(output, environment),
        Command::Inspect(inspect) => inspect.run(output),
        Command::Up(up) => up.run(output, environment),
        Command::Patch(patch) => patch.run(output, environment),
        Command::Tap(tap) => tap.run(output, environment),
        Command::Record(record) => record.run(output, environment),
        Command::Replay(replay) => replay.run(output, environment),
        Command::Down(down) => down.run(output, environment),
        Command::Status(status) => status.run(output, environment),
        Command::Rollback(rollback) => rollback.run(output, environment),
        Command::Drain(drain) => drain.run(output, environment),
        Command::Forget(forget) => forget.run(output, environment),
        Command::Host(host) => host.run(output, environment),
        Command::Context(context) => context.run(output, environment),
        Command::Secret(secret) => secret.run(output, environment),
        Command::Lattice(lattice) => lattice.run(output),
    }
}
