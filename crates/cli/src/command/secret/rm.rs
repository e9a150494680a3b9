//! `lath secret rm`.

use std::fmt;

use clap::Args;
use model::ids::SecretName;
use serde::Serialize;

use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Remove a secret
///
/// What runs keeps the value that it was given; what needs the secret and starts later does not start.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// The secret
    name: SecretName,
    #[command(flatten)]
    choice: Choice,
}

impl Rm {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            joined.operator.remove_secret(&self.name).await?;
            output.print(&Report { removed: self.name.to_string() })?;
            Ok(Outcome::Success)
        })
    }
}

#[derive(Serialize)]
struct Report {
    removed: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is removed", self.removed)
    }
}
