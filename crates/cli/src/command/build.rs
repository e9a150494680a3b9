//! `lath build`: the components of an application, as far as they are stale.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use host::application::{self, Built};
use serde::Serialize;

use crate::application::{Lasting, Overlay, Told};
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Build the components of an application that are stale
///
/// Runs the build commands of the manifest whose components are missing or older than a file that `watch` names, as many at
/// once as there are processors; without `watch` the build's own tool decides. Where one fails the others go on, and the
/// command fails. `lath run`, `up` and others build what is stale by themselves.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// A folder with a `lath.toml`, or a manifest
    #[arg(default_value = ".")]
    app: PathBuf,
    #[command(flatten)]
    overlay: Overlay,
}

impl Build {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let mut tell = |step| output.progress(&Told(&step));
        let built = application::build(self.overlay.env(), &self.app, &mut tell)?;
        let report = Report { actors: built.iter().map(|(actor, built)| Line::of(actor.as_str(), built)).collect() };
        output.print(&report)?;
        let has_failed = built.iter().any(|(_, built)| matches!(built, Built::Failed(_) | Built::Like(_)));
        Ok(if has_failed { Outcome::Failure } else { Outcome::Success })
    }
}

#[derive(Serialize)]
struct Report {
    actors: Vec<Line>,
}

/// One actor.
#[derive(Serialize)]
struct Line {
    actor: String,
    /// `built`, `fresh`, `failed`, or `none` where the manifest does not say how.
    outcome: &'static str,
    elapsed_ms: Option<f64>,
    /// Why it failed.
    reason: Option<String>,
    /// What to install, where something is missing.
    help: Option<String>,
    #[serde(skip)]
    lasting: Option<String>,
}

impl Line {
    fn of(actor: &str, built: &Built) -> Self {
        let (outcome, elapsed, reason, help) = match built {
            Built::Nohow => ("none", None, None, None),
            Built::Fresh => ("fresh", None, None, None),
            Built::Done(elapsed) => ("built", Some(*elapsed), None, None),
            Built::Failed(error) => ("failed", None, Some(error.to_string()), error.help()),
            Built::Like(other) => ("failed", None, Some(format!("it is built with actor {other}")), None),
        };
        Self {
            actor: actor.to_owned(),
            outcome,
            elapsed_ms: elapsed.map(|elapsed| elapsed.as_secs_f64() * 1_000.0),
            reason,
            help,
            lasting: elapsed.map(|elapsed| Lasting(elapsed).to_string()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { actor, outcome, lasting, reason, help, .. } in &self.actors {
            match (*outcome, lasting) {
                ("none", _) => writeln!(f, "{actor}: not built here; the manifest has no `build` for it")?,
                (outcome, Some(lasting)) => writeln!(f, "{actor}: {outcome} in {lasting}")?,
                (outcome, None) => writeln!(f, "{actor}: {outcome}")?,
            }
            for line in reason.iter().flat_map(|reason| reason.lines()) {
                writeln!(f, "  {line}")?;
            }
            if let Some(help) = help {
                writeln!(f, "  help: {help}")?;
            }
        }
        Ok(())
    }
}
