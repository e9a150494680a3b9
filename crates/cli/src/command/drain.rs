//! `lath drain`: a host gives away what it has, and ends.

use std::fmt;
use std::time::Instant;

use clap::Args;
use host::operate::Drained;
use host::operate::status::HostStatus;
use model::ids::HostName;
use serde::Serialize;

use super::deployment::Wait;
use super::status::HostLine;
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Drain a host: it gives away what it has, finishes its calls, and ends
///
/// Actors move before they stop, so no call fails. What cannot move, such as state of the host's own, keeps the host up
/// unless --force is given.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The host
    host: HostName,
    /// End even though something cannot be moved away
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    choice: Choice,
}

impl Drain {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            joined.operator.drain(&self.host, self.force).await?;
            let waited = self.wait.patience();
            if waited.is_zero() {
                output.print(&Report::of(&self.host, None))?;
                return Ok(Outcome::Success);
            }
            let mut tell = |host: &HostStatus| output.progress(&HostLine::of(host));
            let drained = joined.operator.wait_drained(&self.host, Instant::now() + waited, &mut tell).await?;
            output.print(&Report::of(&self.host, Some(&drained)))?;
            Ok(if drained == Drained::Done { Outcome::Success } else { Outcome::Failure })
        })
    }
}

#[derive(Serialize)]
struct Report {
    host: String,
    /// `done` or `overdue`; null where nothing was waited for.
    waited: Option<&'static str>,
    /// How the host is, where it still runs.
    status: Option<HostLine>,
}

impl Report {
    fn of(host: &HostName, drained: Option<&Drained>) -> Self {
        let (waited, status) = match drained {
            None => (None, None),
            Some(Drained::Done) => (Some("done"), None),
            Some(Drained::Overdue(status)) => (Some("overdue"), Some(HostLine::of(status))),
        };
        Self { host: host.to_string(), waited, status }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, waited, status } = self;
        match (waited, status) {
            (None, _) => writeln!(f, "{host} was asked to drain; `lath status` tells how it goes on"),
            (_, None) => writeln!(f, "{host} has drained and ended"),
            (_, Some(status)) => {
                writeln!(f, "{host} has not drained yet\n{status}")?;
                writeln!(
                    f,
                    "`lath status` tells what still runs there; with `--force` it ends although something cannot move"
                )
            }
        }
    }
}
