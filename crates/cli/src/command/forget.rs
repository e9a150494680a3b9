//! `lath forget`: a dead host that does not come back.

use std::fmt;

use clap::Args;
use host::operate::Forgotten;
use model::ids::HostName;
use serde::Serialize;

use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Forget a dead host that does not come back
///
/// `lath status` shows it no more. It is refused while the host is alive, and where it has local state, which nobody else
/// has, unless --force is given. A host that has drained and has no state is forgotten by itself.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The host
    host: HostName,
    /// Give up the state that only this host has
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    choice: Choice,
}

impl Forget {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let forgotten = joined.operator.forget(&self.host, self.force).await?;
            output.print(&Report::of(&forgotten))?;
            Ok(Outcome::Success)
        })
    }
}

#[derive(Serialize)]
struct Report {
    host: String,
    /// The local state that is given up, as `app/provider`.
    states: Vec<String>,
}

impl Report {
    fn of(forgotten: &Forgotten) -> Self {
        Self { host: forgotten.host.to_string(), states: forgotten.states.clone() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is forgotten", self.host)?;
        for state in &self.states {
            let application = state.split('/').next().unwrap_or_default();
            writeln!(
                f,
                "  {state} still waits for it; `lath down {application}`, then `lath up` start it anew, without its state"
            )?;
        }
        Ok(())
    }
}
