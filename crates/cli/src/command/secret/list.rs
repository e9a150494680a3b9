//! `lath secret list`.

use std::fmt;

use clap::Args;
use host::operate::SecretStatus;
use serde::Serialize;

use crate::command::status::Ago;
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// List the secrets of a lattice: names, who set them and when, and which hosts can open them
///
/// Values are not shown: nobody but a host can open them.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    choice: Choice,
}

impl List {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let secrets = joined.operator.secrets().await?;
            output.print(&Report { secrets: secrets.iter().map(Secret::of).collect() })?;
            Ok(Outcome::Success)
        })
    }
}

#[derive(Serialize)]
struct Report {
    secrets: Vec<Secret>,
}

#[derive(Serialize)]
struct Secret {
    name: String,
    /// Absent where what is stored cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    /// The hosts that can open it.
    hosts: Vec<String>,
    /// The hosts that cannot.
    without: Vec<String>,
}

impl Secret {
    fn of(status: &SecretStatus) -> Self {
        let SecretStatus { name, set, hosts, without } = status;
        Self {
            name: name.to_string(),
            by: set.as_ref().map(|(by, _)| by.to_string()),
            at_ms: set.as_ref().map(|(_, at)| at.0),
            hosts: super::names(hosts),
            without: super::names(without),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secrets.is_empty() {
            return writeln!(f, "there are no secrets; `lath secret set NAME` sets one");
        }
        for Secret { name, by, at_ms, hosts, without } in &self.secrets {
            match by.as_ref().zip(*at_ms) {
                Some((by, at)) => writeln!(f, "{name}, set by {by} {}", Ago(at))?,
                None => writeln!(f, "{name} cannot be read: a newer lath wrote it, or it is damaged; set it again")?,
            }
            let can = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
            writeln!(f, "  {can} can open it")?;
            if !without.is_empty() {
                writeln!(f, "  {} cannot (yet)", without.join(", "))?;
            }
        }
        Ok(())
    }
}
