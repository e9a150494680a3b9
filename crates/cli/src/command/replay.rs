//! `lath replay`: a component against a recording.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use host::application::Piece;
use host::record::Recording;
use host::replay::{self, Difference, Verdict};
use model::ids::ActorName;
use serde::Serialize;

use crate::application::threads;
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Run a component against a recording of an actor, and show where it first does something else
///
/// It needs no lattice and no network: the component is called as the actor was, and clocks, random numbers and replies come
/// from the recording. It has to send the same messages, in the same order, and to answer the same; values that the recording
/// masks are masked before they are compared. Exit code 1 where it differs.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The recording, made by `lath run --record`
    file: PathBuf,
    /// The component
    component: PathBuf,
}

impl Replay {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let recording = Recording::read(&self.file)?;
        let verdict = verdict(&recording, &self.component, environment)?;
        let outcome = if verdict.difference.is_some() { Outcome::Failure } else { Outcome::Success };
        output.print(&Told::of(verdict))?;
        Ok(outcome)
    }
}

/// Runs the component at `path` against a recording.
pub(super) fn verdict(recording: &Recording, path: &Path, environment: &Environment) -> Result<Verdict, CliError> {
    let wrong = |error: model::ids::NameError| CliError::Usage { message: error.to_string(), help: None };
    let actor: ActorName = recording.of().1.parse().map_err(wrong)?;
    let component = Piece::read(&actor, path)?;
    let threads = threads()?;
    let verdict = threads.block_on(replay::replay(environment.cache.clone(), recording, &component.bytes));
    // A guest whose time was over may still be on its way out.
    threads.shutdown_background();
    Ok(verdict?)
}

/// How a replay went.
#[derive(Serialize)]
struct Told {
    calls: u64,
    skipped: u64,
    difference: Option<Differs>,
}

/// Where a component first does something else.
#[derive(Serialize)]
pub(super) struct Differs {
    call: u64,
    instance: u64,
    function: String,
    what: String,
    expected: Option<String>,
    got: Option<String>,
}

impl Told {
    fn of(Verdict { calls, skipped, difference }: Verdict) -> Self {
        Self { calls, skipped, difference: difference.map(Differs::of) }
    }
}

impl Differs {
    pub(super) fn of(difference: Difference) -> Self {
        let Difference { call, instance, function, what, expected, got } = difference;
        Self { call, instance, function, what: what.to_string(), expected, got }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.difference {
            Some(differs) => writeln!(f, "{differs}")?,
            None => writeln!(f, "replayed {} calls: the component did the same in all", self.calls)?,
        }
        match self.skipped {
            0 => Ok(()),
            skipped => {
                writeln!(f, "{skipped} calls were left out: they ended by time or limits, or their end is not recorded")
            }
        }
    }
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, function, what, .. } = self;
        let nothing = || "nothing".to_owned();
        writeln!(f, "call {call}, {function}: the {what} differs")?;
        writeln!(f, "  expected  {}", self.expected.clone().unwrap_or_else(nothing))?;
        write!(f, "  got       {}", self.got.clone().unwrap_or_else(nothing))
    }
}
