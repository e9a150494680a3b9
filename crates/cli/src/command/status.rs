//! `lath status`: hosts, applications, what runs where, and why something does not.

mod app;
mod host;
mod link;
mod part;

use std::fmt;
use std::time::Duration;

use ::host::limits::OPERATE_POLL;
use ::host::operate::status::Status as Told;
use ::host::operate::{OperateError, Operator, Unreadable};
use clap::Args;
use model::ids::AppName;
use serde::Serialize;

pub(crate) use app::{Ago, App};
pub(crate) use host::HostLine;

use crate::application::Named;
use crate::context::{Choice, Chosen};
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::local::{Ask, Here};
use crate::output::{Outcome, Output};
use crate::signal::Termination;

/// Show what runs on a lattice, where, and why something does not
///
/// Of one application also its links: who calls whom by which import, and how far.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// One application: its name, or a path to it such as `./shop`; all without it
    app: Option<Named>,
    /// Go on, and show it again with each change, until Ctrl-C
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    here: Here,
}

impl Status {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let only = self.app.as_ref().map(Named::name).transpose()?;
        if self.here.is_meant(&self.choice, environment)? {
            let ask = Ask::Status { watch: self.watch };
            return match &only {
                Some(application) => {
                    let patience = (!self.watch).then_some(Duration::ZERO);
                    self.here.ask(application, &ask, patience, output, environment)
                }
                None => self.here.ask_all(output, environment),
            };
        }
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let tell = |status: &Told| output.print(&Report { is_one: only.is_some(), ..Report::of(&chosen, status) });
            let mut status = joined.operator.status(only.as_ref()).await?;
            if !self.watch {
                joined.hear(&mut status).await;
                tell(&status)?;
                return Ok(Outcome::Success);
            }
            let refused = |source| CliError::Start { what: "signals cannot be received", source };
            let mut termination = Termination::listen().map_err(refused)?;
            tell(&status)?;
            tokio::select! {
                failed = watch(&joined.operator, only.as_ref(), status, output, tell) => failed,
                _ = termination.next() => Ok(Outcome::Success),
            }
        })
    }
}

/// Tells with each change what can be told; what is only heard, such as how busy hosts are, changes all the time.
async fn watch(
    operator: &Operator,
    only: Option<&AppName>,
    mut last: Told,
    output: &Output,
    tell: impl Fn(&Told) -> Result<(), CliError>,
) -> Result<Outcome, CliError> {
    loop {
        tokio::time::sleep(OPERATE_POLL).await;
        match operator.status(only).await {
            Ok(status) if status == last => {}
            Ok(status) => {
                tell(&status)?;
                last = status;
            }
            // The servers may be choosing a leader.
            Err(OperateError::Store(error)) => output.waiting(&error),
            Err(error) => return Err(error.into()),
        }
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
    /// True where one application was asked for, and all of it is told.
    #[serde(skip)]
    is_one: bool,
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
            is_one: false,
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
        for app in &self.applications {
            write!(f, "\n{app}")?;
            if self.is_one {
                app.links(f)?;
            }
        }
        Ok(())
    }
}
