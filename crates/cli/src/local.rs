//! Applications that `lath run` serves on this machine, as other commands of the same user reach them: by a socket in a
//! folder that is theirs alone.

mod client;
mod door;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use model::ids::AppName;
use tokio::runtime::Builder;

use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::limits::LOCAL_TIME_MAX;
use crate::output::{Outcome, Output};
use crate::signal::Termination;

use client::Local;
pub(crate) use door::Door;
pub(crate) use wire::{Ask, Recorded};

/// Whether a command is about an application on this machine.
#[derive(Debug, Default, Args)]
pub(crate) struct Here {
    /// The application that a `lath run` of yours serves on this machine, as is meant where no context is in use
    #[arg(long, conflicts_with = "context")]
    local: bool,
}

impl Here {
    /// True where it is about one on this machine.
    pub(crate) fn is_meant(&self, choice: &Choice, environment: &Environment) -> Result<bool, CliError> {
        Ok(self.local || choice.optional(environment)?.is_none())
    }

    /// Asks the `lath run` that serves an application, and shows what it tells: the outcome within `patience`, or
    /// all until a signal ends it.
    pub(crate) fn ask(
        &self,
        application: &AppName,
        ask: &Ask,
        patience: Option<Duration>,
        output: &Output,
        environment: &Environment,
    ) -> Result<Outcome, CliError> {
        on_this_machine(async {
            let Some(local) = Local::find(environment, application).await? else {
                return Err(CliError::NotHere { what: format!("an application {application}") });
            };
            let Some(patience) = patience else {
                let refused = |source| CliError::Start { what: "signals cannot be received", source };
                return local.follow(ask, Termination::listen().map_err(refused)?, output).await;
            };
            local.ask(ask, patience + LOCAL_TIME_MAX, output).await
        })
    }

    /// Asks every `lath run` how its application is.
    pub(crate) fn ask_all(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        on_this_machine(async {
            let mut are_any = false;
            for application in applications(environment) {
                if let Some(local) = Local::find(environment, &application).await? {
                    are_any = true;
                    local.ask(&Ask::Status { watch: false }, LOCAL_TIME_MAX, output).await?;
                }
            }
            if are_any { Ok(Outcome::Success) } else { Err(CliError::NotHere { what: "any application".to_owned() }) }
        })
    }
}

fn on_this_machine<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::Start { what: "the system gives no threads", source })?;
    runtime.block_on(work)
}

/// Those that may be there: sockets of runs that were killed are among them.
fn applications(environment: &Environment) -> Vec<AppName> {
    let entries = folder(environment).and_then(|folder| std::fs::read_dir(folder).ok());
    let names = entries.into_iter().flatten().filter_map(Result::ok).map(|entry| entry.file_name());
    let mut applications: Vec<AppName> =
        names.filter_map(|name| name.to_str()?.strip_suffix(".sock")?.parse().ok()).collect();
    applications.sort();
    applications
}

/// The folder of the sockets; none where the user has no folder of their own.
fn folder(environment: &Environment) -> Option<PathBuf> {
    environment.runtime.clone()
}

fn socket(environment: &Environment, application: &AppName) -> Option<PathBuf> {
    Some(folder(environment)?.join(format!("{application}.sock")))
}
