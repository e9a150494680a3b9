//! `lath lattice`: who may do what in a lattice, and what its NATS servers are told of it.
//!
//! Everything is in one folder, in which only these commands work: [`folder`] reads and writes it, [`record`] is what it
//! says, and the library (`lattice::authority`) makes the texts.

mod folder;
mod grant;
mod host_file;
mod init;
mod list;
mod period;
mod record;
mod revoke;

use clap::{Args, Subcommand};

use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Set up a lattice, and say who may do what in it
///
/// `init` writes a folder: the configuration of one NATS server or three, a file for each host, and credentials. The
/// others work in that folder. Keep its `keys` to yourself: whoever has them can become anybody. docs/AUTHORITY.md tells
/// what each role may do.
#[derive(Debug, Args)]
pub(crate) struct Lattice {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Init(init::Init),
    Grant(grant::Grant),
    Revoke(revoke::Revoke),
    List(list::List),
}

impl Lattice {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        match &self.action {
            Action::Init(init) => init.run(output),
            Action::Grant(grant) => grant.run(output),
            Action::Revoke(revoke) => revoke.run(output),
            Action::List(list) => list.run(output),
        }
    }
}

fn usage(message: String, help: &str) -> CliError {
    CliError::Usage { message, help: Some(help.to_owned()) }
}
