//! `lath secret`: values that the hosts of a lattice alone can open.

mod list;
mod rm;
mod set;

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use model::ids::HostName;

use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Set, list and remove the secrets of a lattice
///
/// A manifest names a secret where a value may be: `{ secret = "acme-key" }`. Its value is sealed to the keys of the hosts,
/// and shown nowhere. Hosts take it when an actor or a provider starts; what runs keeps what it was given.
/// docs/SECRETS.md tells more.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Set(set::Set),
    List(list::List),
    #[command(alias = "remove")]
    Rm(rm::Rm),
}

impl Secret {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        match &self.action {
            Action::Set(set) => set.run(output, environment),
            Action::List(list) => list.run(output, environment),
            Action::Rm(rm) => rm.run(output, environment),
        }
    }
}

fn names(hosts: &BTreeSet<HostName>) -> Vec<String> {
    hosts.iter().map(ToString::to_string).collect()
}
