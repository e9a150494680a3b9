//! `lath rollback`: an earlier version of an application stands again.

use std::fmt;

use clap::Args;
use host::operate::Version;
use model::ids::AppName;
use serde::Serialize;

use super::deployment::{Report, Wait, serving};
use super::status::Ago;
use crate::application::Named;
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::local::{Ask, Here};
use crate::output::{Outcome, Output};

/// Go back to an earlier version of an application
///
/// Makes a new version of what an earlier one ran; without VERSION, of the last that ran something else than what stands.
/// Everything that it needs is in the lattice, also when its author's machine is gone.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The application: its name, or a path to it such as `./shop`
    app: Named,
    /// The version to go back to
    #[arg(value_parser = version)]
    version: Option<u64>,
    /// List the versions that are kept, and change nothing
    #[arg(long, conflicts_with = "version")]
    list: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    here: Here,
}

fn version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write the number of a version, such as `3`; `--list` shows them".to_owned())
}

impl Rollback {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let name = self.app.name()?;
        if !self.list && self.here.is_meant(&self.choice, environment)? {
            let patience = self.wait.patience();
            let wait_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
            let ask = Ask::Rollback { version: self.version, wait_ms };
            return self.here.ask(&name, &ask, Some(patience), output, environment);
        }
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            if self.list {
                output.print(&Versions::of(&name, &joined.operator.versions(&name).await?))?;
                return Ok(Outcome::Success);
            }
            let deployed = joined.operator.rollback(&name, self.version).await?;
            output.progress(&Report::of(&deployed, None).first_line());
            let waited = serving(&joined, &deployed, self.wait.patience(), output).await?;
            Report::of(&deployed, waited.as_ref()).print(output)
        })
    }
}

/// The versions of an application, newest first.
#[derive(Serialize)]
struct Versions {
    application: String,
    versions: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    version: u64,
    /// What it runs; null where it took the application down.
    document: Option<String>,
    by: String,
    /// Milliseconds of the Unix epoch.
    at_ms: u64,
    /// True for the one that stands.
    stands: bool,
}

impl Versions {
    fn of(application: &AppName, versions: &[Version]) -> Self {
        let last = versions.last().map(|last| last.version);
        let versions = versions.iter().rev().map(|version| Listed {
            version: version.version,
            document: version.document.map(|digest| digest.to_string()),
            by: version.by.to_string(),
            at_ms: version.at.0,
            stands: Some(version.version) == last,
        });
        Self { application: application.to_string(), versions: versions.collect() }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "versions of {}, newest first", self.application)?;
        for Listed { version, document, by, at_ms, stands } in &self.versions {
            let what = match document {
                Some(digest) => digest.get(..19).unwrap_or(digest),
                None => "down",
            };
            let mark = if *stands { '*' } else { ' ' };
            writeln!(f, "{mark} {version}  {what}  by {by}, {}", Ago(*at_ms))?;
        }
        Ok(())
    }
}
