//! `lath record`: what passes between an actor of a `lath run` and the world, into a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use host::record::Mask;
use model::ids::ByteSize;

use super::deployment::duration;
use super::patch::Patched;
use super::run::{command::size, record};
use crate::environment::Environment;
use crate::error::CliError;
use crate::local::{Ask, Here};
use crate::output::{Outcome, Output};

/// Record an actor that a `lath run` of yours serves: all that it is called with, sends and gets back, its clocks and random
/// numbers
///
/// The actor is started anew beside itself, and recorded until Ctrl-C, a bound, or a patch of it; then it goes on without.
/// `lath replay` runs another component against the recording, `lath patch --verify` requires that it does the same. An actor
/// that uses what a recording cannot hold is refused. `lath run --record` records from the start of an application on.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The actor, as `application/actor`
    actor: Patched,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A value that the recording must not hold, as `CONTRACT#FUNCTION.PARAMETER.FIELD`, `CONTRACT#FUNCTION.result` or
    /// `CONTRACT#FUNCTION` for all of it
    #[arg(long, value_name = "RULE")]
    mask: Vec<Mask>,
    /// How long to record [default: 1 h, which is the most]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// How large the recording may become [default: 64MiB, which is the most]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Option<ByteSize>,
}

impl Record {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        record::check_folder(&self.output)?;
        let bounds = record::bounds(self.time, self.size)?;
        let failed = |source| CliError::File { verb: "find", path: self.output.clone(), source };
        let ask = Ask::Record {
            actor: self.actor.actor.to_string(),
            file: std::path::absolute(&self.output).map_err(failed)?,
            masks: self.mask.iter().map(ToString::to_string).collect(),
            time_ms: u64::try_from(bounds.time.as_millis()).unwrap_or(u64::MAX),
            bytes: bounds.bytes,
        };
        Here::default().ask(&self.actor.application, &ask, None, output, environment)
    }
}
