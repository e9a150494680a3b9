//! The socket of an application, on the side of other commands.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use model::ids::AppName;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout};

use super::socket;
use super::wire::{Ask, Done, Failed, Refused, State, Told};
use crate::environment::Environment;
use crate::error::CliError;
use crate::limits::LOCAL_TIME_MAX;
use crate::output::{Outcome, Output};
use crate::signal::Termination;

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
    pub(super) async fn ask(mut self, ask: &Ask, patience: Duration, output: &Output) -> Result<Outcome, CliError> {
        self.say(ask).await?;
        let mut showing = Showing::new(ask, output);
        loop {
            let told = timeout(patience, self.told.next_line()).await;
            let told = told.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
            if let Some(outcome) = showing.show(&self, told)? {
                return Ok(outcome);
            }
        }
    }

    /// Asks for what goes on, and shows it. A signal says that it is enough; what there is is told then.
    pub(super) async fn follow(
        mut self,
        ask: &Ask,
        mut termination: Termination,
        output: &Output,
    ) -> Result<Outcome, CliError> {
        self.say(ask).await?;
        let mut showing = Showing::new(ask, output);
        let mut enough: Option<Instant> = None;
        loop {
            let told = tokio::select! {
                told = self.told.next_line() => told,
                signal = termination.next() => {
                    if showing.is_status || enough.is_some() {
                        return if showing.is_status { Ok(Outcome::Success) } else { Err(CliError::CutOff { signal }) };
                    }
                    self.asking.shutdown().await.map_err(|source| self.gone(source))?;
                    enough = Some(Instant::now() + LOCAL_TIME_MAX);
                    continue;
                }
                () = over(enough) => Err(ErrorKind::TimedOut.into()),
            };
            if let Some(outcome) = showing.show(&self, told)? {
                return Ok(outcome);
            }
        }
    }

    async fn say(&mut self, ask: &Ask) -> Result<(), CliError> {
        let mut line = serde_json::to_vec(ask).map_err(|error| self.gone(error.into()))?;
        line.push(b'\n');
        self.asking.write_all(&line).await.map_err(|source| self.gone(source))
    }

    fn gone(&self, source: io::Error) -> CliError {
        CliError::Local { application: self.application.clone(), source }
    }
}

async fn over(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What is told, as it is shown.
struct Showing<'a> {
    output: &'a Output,
    is_status: bool,
    /// The last line of progress.
    progress: String,
}

impl<'a> Showing<'a> {
    fn new(ask: &Ask, output: &'a Output) -> Self {
        Self { output, is_status: matches!(ask, Ask::Status { .. }), progress: String::new() }
    }

    /// Shows a line; gives the outcome once that is told.
    fn show(&mut self, local: &Local, line: io::Result<Option<String>>) -> Result<Option<Outcome>, CliError> {
        let line = line.map_err(|source| local.gone(source))?;
        match line.map(|line| serde_json::from_str(&line)).transpose() {
            Ok(None) if self.is_status => Ok(Some(Outcome::Success)),
            Ok(None) => Err(local.gone(ErrorKind::UnexpectedEof.into())),
            Ok(Some(Told::Status(state))) if self.is_status => self.output.print(&state).map(|()| None),
            Ok(Some(Told::Status(state))) => {
                let line = state.summary();
                if line != self.progress {
                    self.output.progress(&line);
                    self.progress = line;
                }
                Ok(None)
            }
            Ok(Some(Told::Recording)) => {
                self.output.progress(&"recording; Ctrl-C ends it");
                Ok(None)
            }
            Ok(Some(Told::Recorded(recorded))) => self.output.print(&recorded).map(|()| Some(Outcome::Success)),
            Ok(Some(Told::Done(done))) => {
                self.output.print(&done)?;
                let is_done = matches!(done.waited.as_deref(), None | Some("done" | "superseded"));
                Ok(Some(if is_done { Outcome::Success } else { Outcome::Failure }))
            }
            Ok(Some(Told::Failed(Failed { message, help }))) => Err(CliError::Refused { message, help }),
            Err(error) => Err(local.gone(error.into())),
        }
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
