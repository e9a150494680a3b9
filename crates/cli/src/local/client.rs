//! The socket of an application, on the side of other commands.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use model::ids::AppName;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::socket;
use super::wire::{Ask, Done, Failed, Refused, State, Told};
use crate::environment::Environment;
use crate::error::CliError;
use crate::limits::LOCAL_TIME_MAX;
use crate::output::{Outcome, Output};

/// An application that a `lath run` of this user serves.
pub(crate) struct Local {
    application: AppName,
    told: Lines<BufReader<OwnedReadHalf>>,
    asking: OwnedWriteHalf,
}

impl Local {
    /// Connects to it; none where it is not there.
    pub(crate) async fn find(environment: &Environment, application: &AppName) -> Result<Option<Self>, CliError> {
        let Some(path) = socket(environment, application) else { return Ok(None) };
        let connecting = timeout(LOCAL_TIME_MAX, UnixStream::connect(&path)).await;
        match connecting.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                let (reading, asking) = stream.into_split();
                let told = BufReader::new(reading).lines();
                Ok(Some(Self { application: application.clone(), told, asking }))
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
            Err(source) => Err(CliError::File { verb: "connect to", path, source }),
        }
    }

    /// Asks, and shows what is told until the outcome; each line within `patience`.
    pub(crate) async fn ask(
        mut self,
        ask: &Ask,
        patience: Option<Duration>,
        output: &Output,
    ) -> Result<Outcome, CliError> {
        let mut line = serde_json::to_vec(ask).map_err(|error| self.gone(error.into()))?;
        line.push(b'\n');
        self.asking.write_all(&line).await.map_err(|source| self.gone(source))?;
        let is_status = matches!(ask, Ask::Status { .. });
        let mut progress = String::new();
        loop {
            let told = match patience {
                Some(patience) => timeout(patience, self.told.next_line()).await,
                None => Ok(self.told.next_line().await),
            };
            let told = told.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).map_err(|source| self.gone(source))?;
            match told.map(|line| serde_json::from_str(&line)).transpose() {
                Ok(None) if is_status => return Ok(Outcome::Success),
                Ok(None) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(Some(Told::Status(state))) if is_status => output.print(&state)?,
                Ok(Some(Told::Status(state))) => {
                    let line = state.summary();
                    if line != progress {
                        output.progress(&line);
                        progress = line;
                    }
                }
                Ok(Some(Told::Done(done))) => {
                    output.print(&done)?;
                    let is_done = matches!(done.waited.as_deref(), None | Some("done" | "superseded"));
                    return Ok(if is_done { Outcome::Success } else { Outcome::Failure });
                }
                Ok(Some(Told::Failed(Failed { message, help }))) => return Err(CliError::Refused { message, help }),
                Err(error) => return Err(self.gone(error.into())),
            }
        }
    }

    fn gone(&self, source: std::io::Error) -> CliError {
        CliError::Local { application: self.application.clone(), source }
    }
}

impl State {
    fn summary(&self) -> String {
        let version = |number: Option<u64>| number.map_or("none".to_owned(), |number| number.to_string());
        let (serves, wanted) = (version(self.version), version(self.wanted));
        match self.state.as_str() {
            "starting" => format!("{}: version {wanted} starts beside {serves}", self.application),
            "tried" => format!("{}: version {wanted} is tried beside {serves}", self.application),
            "watched" => format!("{}: version {serves} has taken over and is watched", self.application),
            state => format!("{}: version {serves}, {state}", self.application),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; on this machine, by `lath run`", self.summary())?;
        for actor in &self.actors {
            let patched = if self.patched.contains(actor) { ", patched" } else { "" };
            writeln!(f, "  actor {actor}{patched}")?;
        }
        for part in &self.starting {
            writeln!(f, "  {part} starts")?;
        }
        for (part, reason) in &self.failing {
            writeln!(f, "  {part} does not start: {reason}")?;
        }
        if let Some(Refused { version, reason }) = &self.refused {
            writeln!(f, "  version {version} was gone back from: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, version, is_new, waited, reason, .. } = self;
        if !is_new {
            return writeln!(f, "{application}: version {version} stands already, nothing was changed");
        }
        let reason = reason.as_deref().unwrap_or_default();
        match waited.as_deref() {
            Some("done") => writeln!(f, "{application}: version {version} serves"),
            Some("rolled-back") => {
                writeln!(f, "{application}: version {version} was gone back from: {reason}")
            }
            Some("failing") => {
                writeln!(f, "{application}: version {version} does not start, and the one before it serves: {reason}")
            }
            Some("superseded") => {
                writeln!(f, "{application}: a later version has taken the place of version {version}")
            }
            Some(_) => writeln!(f, "{application}: version {version} is not done yet, and goes on"),
            None => writeln!(
                f,
                "{application}: version {version} is made; `lath status {application}` tells how it goes on"
            ),
        }
    }
}
