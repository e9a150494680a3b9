//! `lath status`: hosts, applications, what runs where, and why something does not.

mod app;
mod host;

use std::fmt;

use ::host::operate::Unreadable;
use ::host::operate::status::Status as Told;
use clap::Args;
use serde::Serialize;

pub(crate) use app::{Ago, App};
pub(crate) use host::HostLine;

use crate::application::Named;
use crate::context::{Choice, Chosen};
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Show what runs on a lattice, where, and why something does not
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// One application: its name, or a path to it such as `./shop`; all without it
    app: Option<Named>,
    #[command(flatten)]
    choice: Choice,
}

impl Status {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let only = self.app.as_ref().map(Named::name).transpose()?;
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let mut status = joined.operator.status(only.as_ref()).await?;
            joined.hear(&mut status).await;
            output.print(&Report::of(&chosen, &status))?;
            Ok(Outcome::Success)
        })
    }
}

#[derive(Serialize)]
struct Report {
    context: String,
    lattice: String,
    generation: u64,
    hosts: Vec<HostLine>,
    applications: Vec<App>,
    /// What is there and cannot be read.
    unreadable: Vec<Unread>,
}

#[derive(Serialize)]
struct Unread {
    what: String,
    reason: String,
    help: String,
}

impl Report {
    fn of(chosen: &Chosen, status: &Told) -> Self {
        Self {
            context: chosen.name.clone(),
            lattice: chosen.context.lattice.to_string(),
            generation: status.generation,
            hosts: status.hosts.iter().map(HostLine::of).collect(),
            applications: status.applications.iter().map(App::of).collect(),
            unreadable: status.unreadable.iter().map(Unread::of).collect(),
        }
    }
}

impl Unread {
    fn of(unreadable: &Unreadable) -> Self {
        let Unreadable { what, reason, .. } = unreadable;
        Self { what: what.to_string(), reason: reason.clone(), help: unreadable.mend() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lattice {}, generation {}", self.lattice, self.generation)?;
        for Unread { what, reason, help } in &self.unreadable {
            writeln!(f, "degraded: {what} cannot be read: {reason}\n  {help}")?;
        }
        if self.hosts.is_empty() {
            writeln!(f, "\nno hosts; `lath host --config host.toml` starts one")?;
        } else {
            writeln!(f, "\nhosts")?;
        }
        for host in &self.hosts {
            writeln!(f, "  {host}")?;
        }
        for (said, by) in host::storage(&self.hosts) {
            writeln!(f, "  {said}\n    so say {}", by.join(", "))?;
        }
        if self.applications.is_empty() {
            writeln!(f, "\nno applications; `lath up` deploys one")?;
        }
        self.applications.iter().try_for_each(|app| write!(f, "\n{app}"))
    }
}
