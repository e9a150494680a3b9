//! `lath run --record`: what passes between one actor and the world, into a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use host::record::{Bounds, Mask, Masks, Recorder};
use model::blueprint::Blueprint;
use model::ids::{ActorName, ByteSize};
use serde::Serialize;

use super::command::size;
use crate::command::deployment::duration;
use crate::error::CliError;
use crate::local;
use crate::output::Events;

/// What is recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of a recording")]
pub(super) struct RecordOptions {
    /// Record an actor: all that it is called with, sends and gets back, its clocks and random numbers; `lath replay` runs
    /// another component against that
    #[arg(long, value_name = "ACTOR=FILE")]
    record: Option<Wanted>,
    /// A value that the recording must not hold, as `CONTRACT#FUNCTION.PARAMETER.FIELD`, `CONTRACT#FUNCTION.result` or
    /// `CONTRACT#FUNCTION` for all of it
    #[arg(long, value_name = "RULE", requires = "record")]
    mask: Vec<Mask>,
    /// How long to record [default: 1 h, which is the most]
    #[arg(long, value_name = "TIME", requires = "record", value_parser = duration)]
    record_time: Option<Duration>,
    /// How large the recording may become [default: 64MiB, which is the most]
    #[arg(long, value_name = "SIZE", requires = "record", value_parser = size)]
    record_size: Option<ByteSize>,
}

/// An actor, and where its recording goes.
#[derive(Clone, Debug)]
struct Wanted {
    actor: ActorName,
    file: PathBuf,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (actor, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or_else(|| {
            "write the actor and the file that its recording goes to, such as `cart=cart.rec`".to_owned()
        })?;
        Ok(Self { actor: actor.parse().map_err(|error| format!("{error}"))?, file: file.into() })
    }
}

/// A recording that is being made.
pub(super) struct Recording {
    pub(super) recorder: Recorder,
    actor: ActorName,
    file: PathBuf,
    is_written: bool,
}

impl RecordOptions {
    pub(super) fn is_given(&self) -> bool {
        self.record.is_some()
    }

    /// The recording that is asked for, of an application that runs as `blueprint`.
    pub(super) fn begin(&self, blueprint: &Blueprint) -> Result<Option<Recording>, CliError> {
        let Some(Wanted { actor, file }) = &self.record else { return Ok(None) };
        check_folder(file)?;
        let bounds = bounds(self.record_time, self.record_size)?;
        let recorder = Recorder::new(blueprint, actor, Masks(self.mask.clone()), bounds)?;
        Ok(Some(Recording { recorder, actor: actor.clone(), file: file.clone(), is_written: false }))
    }
}

/// The bounds of a recording that are asked for.
pub(in crate::command) fn bounds(time: Option<Duration>, size: Option<ByteSize>) -> Result<Bounds, CliError> {
    let most = Bounds::default();
    let bounds = Bounds { bytes: size.map_or(most.bytes, |size| size.0), time: time.unwrap_or(most.time) };
    if bounds.bytes > most.bytes || bounds.time > most.time {
        let message = format!("a recording has {} s and {} bytes at most", most.time.as_secs(), most.bytes);
        return Err(CliError::Usage { message, help: None });
    }
    Ok(bounds)
}

/// The file is written once all is over: that must not fail for its folder.
pub(in crate::command) fn check_folder(file: &Path) -> Result<(), CliError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(());
    }
    Err(CliError::Usage {
        message: format!("the recording cannot go to {}: there is no folder {}", file.display(), folder.display()),
        help: Some("create the folder, or name another".to_owned()),
    })
}

impl Recording {
    /// Waits until the recording has come to a bound, and writes it.
    pub(super) async fn watch(&mut self, events: &Events) -> Result<(), CliError> {
        if self.is_written {
            return std::future::pending().await;
        }
        self.recorder.over().await;
        self.write(events)
    }

    /// Writes it, unless that was done.
    pub(super) fn write(&mut self, events: &Events) -> Result<(), CliError> {
        if !self.is_written {
            let recorded = self.recorder.write(&self.file)?;
            self.is_written = true;
            let recorded = local::Recorded::of(&self.actor, &self.file, recorded);
            events.print(&Told { event: "recorded", recorded });
        }
        Ok(())
    }
}

/// A recording was written.
#[derive(Serialize)]
struct Told {
    event: &'static str,
    #[serde(flatten)]
    recorded: local::Recorded,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorded.fmt(f)
    }
}
