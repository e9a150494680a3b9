//! `lath down`: an application leaves a lattice.

use clap::Args;

use super::deployment::{Report, Wait, serving};
use crate::application::Named;
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Take an application down on a lattice
///
/// Its versions are kept: `lath rollback` brings it up again. The state of its providers stays where it is.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// The application: its name, or a path to it such as `./shop`
    app: Named,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    choice: Choice,
}

impl Down {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let name = self.app.name()?;
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let deployed = joined.operator.down(&name).await?;
            output.progress(&Report::of(&deployed, None).first_line());
            let waited = serving(&joined, &deployed, self.wait.patience(), output).await?;
            Report::of(&deployed, waited.as_ref()).print(output)
        })
    }
}
