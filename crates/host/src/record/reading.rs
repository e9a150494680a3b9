//! A recording, read from its file.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Randomness;
use model::digest::Digest;

use super::line::{End, Event, Head, Line, Message, Outcome, VERSION, Why};
use super::mask::{Mask, Masks};
use crate::application::read_bounded;
use crate::limits::RECORDING_FILE_BYTES_MAX;

/// Why a file is no recording that could be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error(transparent)]
    Read(Box<crate::application::ApplicationError>),
    /// It is no recording.
    #[error("{} is no recording: {reason}; make one with `lath run --record`", path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is of another version.
    #[error("{} is a recording of version {version}, and this Lath reads version {VERSION}; record again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// Not all of it is there.
    #[error("{} is not whole: its last line does not end it; copy it again, or record again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// It was changed.
    #[error("{} is not what was recorded: {reason}; copy it again, or record again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// All that passed between an actor and the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub(crate) head: Head,
    pub(crate) masks: Masks,
    /// Why it is over.
    pub why: Why,
    /// By their numbers.
    pub(crate) instances: BTreeMap<u64, Life>,
}

/// What one instance saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// Before its first call.
    pub(crate) birth: Told,
    pub(crate) calls: Vec<Served>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Among all calls of the recording, from 1.
    pub(crate) number: u64,
    pub(crate) message: Message,
    pub(crate) told: Told,
    /// The messages that it sent; the last may have no answer.
    pub(crate) sent: Vec<(Message, Option<Outcome>)>,
    pub(crate) answer: Option<Outcome>,
}

/// What clocks and random numbers were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) wall: VecDeque<Duration>,
    pub(crate) monotonic: VecDeque<u64>,
    pub(crate) random: BTreeMap<Randomness, VecDeque<u8>>,
}

impl Recording {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no recording or of another version, or is not whole.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let bytes =
            read_bounded(path, RECORDING_FILE_BYTES_MAX).map_err(|error| RecordingError::Read(Box::new(error)))?;
        Self::parse(path, &bytes)
    }

    /// Reads the content of the file at `path`.
    ///
    /// # Errors
    ///
    /// As of [`Self::read`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, RecordingError> {
        let not_one = |reason: String| RecordingError::NotOne { path: path.to_owned(), reason };
        let damaged = |reason: String| RecordingError::Damaged { path: path.to_owned(), reason };
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let head = head(path, lines.next().unwrap_or_default())?;
        let masks = head.masks.iter().map(|mask| mask.parse::<Mask>()).collect::<Result<_, _>>();
        let masks = Masks(masks.map_err(|error| not_one(error.to_string()))?);
        let mut lines: Vec<&[u8]> = lines.collect();
        let truncated = || RecordingError::Truncated { path: path.to_owned() };
        let last = lines.pop().filter(|line| line.ends_with(b"\n")).ok_or_else(truncated)?;
        let end: End = serde_json::from_slice(last).map_err(|_| truncated())?;
        let body = bytes.get(..bytes.len().saturating_sub(last.len())).unwrap_or_default();
        if end.lines != lines.len() as u64 + 1 || end.digest != Digest::of(body).to_string() {
            return Err(damaged("its lines are not those that its last line counts and sums up".to_owned()));
        }
        let mut lives = Lives::default();
        for (number, line) in lines.iter().enumerate() {
            let wrong = |reason: String| damaged(format!("line {}: {reason}", number + 2));
            let line: Line = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
            lives.take(line).map_err(|reason| wrong(reason.to_owned()))?;
        }
        let instances = lives.all.into_iter().map(|(number, (life, _))| (number, life)).collect();
        Ok(Self { head, masks, why: end.end, instances })
    }

    /// Whose it is: the application and the actor.
    pub fn of(&self) -> (&str, &str) {
        (&self.head.application, &self.head.actor)
    }
}

/// The first line: its version says whether the others can be read.
fn head(path: &Path, line: &[u8]) -> Result<Head, RecordingError> {
    let not_one = |reason: String| RecordingError::NotOne { path: path.to_owned(), reason };
    let any: serde_json::Value = serde_json::from_slice(line).map_err(|error| not_one(error.to_string()))?;
    let version = any.get("lath-recording").and_then(serde_json::Value::as_u64);
    match version.ok_or_else(|| not_one("its first line does not say `lath-recording`".to_owned()))? {
        version if version == u64::from(VERSION) => {
            serde_json::from_value(any).map_err(|error| not_one(error.to_string()))
        }
        version => Err(RecordingError::Version { path: path.to_owned(), version }),
    }
}

/// The instances as far as they were read, each with the lines that it has.
#[derive(Default)]
struct Lives {
    all: BTreeMap<u64, (Life, u64)>,
    calls: u64,
}

impl Lives {
    fn take(&mut self, Line { instance, seq, event }: Line) -> Result<(), &'static str> {
        let (life, lines) = self.all.entry(instance).or_default();
        *lines += 1;
        if seq != *lines {
            return Err("a line of its instance is missing before it");
        }
        if matches!(event, Event::Call(_)) {
            self.calls += 1;
        }
        life.take(event, self.calls)
    }
}

impl Life {
    fn take(&mut self, event: Event, number: u64) -> Result<(), &'static str> {
        let running = self.calls.last_mut().filter(|call| call.answer.is_none());
        match event {
            Event::Call(_) if running.is_some() => return Err("a call begins in another"),
            Event::Call(message) => {
                let told = Told::default();
                self.calls.push(Served { number, message, told, sent: Vec::new(), answer: None });
            }
            Event::Answer(outcome) => running.ok_or("an answer without a call")?.answer = Some(outcome),
            Event::Send(message) => running.ok_or(OUTSIDE)?.sent.push((message, None)),
            Event::Reply(outcome) => {
                let sent = running.and_then(|call| call.sent.last_mut()).filter(|(_, reply)| reply.is_none());
                sent.ok_or("a reply without a message")?.1 = Some(outcome);
            }
            Event::Wall { seconds, nanoseconds } => {
                let now = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanoseconds.into()));
                self.told().wall.push_back(now.ok_or("a time beyond all times")?);
            }
            Event::Monotonic { nanoseconds } => self.told().monotonic.push_back(nanoseconds),
            Event::Random { of, bytes } => {
                let bytes = STANDARD.decode(bytes).map_err(|_| "random numbers that are not in base64")?;
                self.told().random.entry(of.into()).or_default().extend(bytes);
            }
        }
        Ok(())
    }

    fn told(&mut self) -> &mut Told {
        self.calls.last_mut().map_or(&mut self.birth, |call| &mut call.told)
    }
}

/// A message while the instance was made, before its first call.
const OUTSIDE: &str = "a message that is sent in no call";
