//! Recordings: all that passes between one actor and the world, in a file by which another component can be
//! [replayed](crate::replay).
//!
//! A [`Recorder`] is told of everything by the engine, through the tapes of the actor's instances. It holds the lines in
//! memory, within bounds, and masks values before they come there. `line` has the format, `mask` the rules, `reading` the way
//! back.

mod barrier;
pub(crate) mod line;
mod mask;
pub(crate) mod reading;
mod ribbon;
mod spoken;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::{Tape, Tapes};
use model::blueprint::{Blueprint, CompositePlan, WireTo};
use model::contract::Contract;
use model::digest::Digest;
use model::ids::{ActorName, AppName};
use model::secret::{SecretValue, Setting};
use tokio::sync::Notify;

pub use self::barrier::Barrier;
pub use self::line::Why;
pub use self::mask::{Mask, MaskError, Masks};
pub use self::reading::{Recording, RecordingError};

use self::line::{End, Event, Head, Line, VERSION};
use self::ribbon::Ribbon;
use self::spoken::Spoken;
use crate::limits::{RECORDING_BYTES_MAX, RECORDING_TIME_MAX};

/// Why an actor cannot be recorded, or its recording not be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no such actor.
    #[error("application {application} has no actor `{actor}` that runs by itself; there is {}", actors.join(", "))]
    NoActor {
        /// The application.
        application: AppName,
        /// What was asked for.
        actor: ActorName,
        /// Those that there are.
        actors: Vec<String>,
    },
    /// It uses what a recording cannot hold.
    #[error("actor {actor} cannot be recorded: it {}", barriers.iter().map(ToString::to_string).collect::<Vec<_>>().join("; it "))]
    Barred {
        /// The actor.
        actor: ActorName,
        /// What it uses.
        barriers: Vec<Barrier>,
    },
    /// Rules that mean nothing.
    #[error(
        "nothing that actor {actor} is called with or sends is {}; correct the rule, or what it means would be recorded",
        masks.iter().map(|mask| format!("`{mask}`")).collect::<Vec<_>>().join(", ")
    )]
    UnknownMasks {
        /// The actor.
        actor: ActorName,
        /// The rules.
        masks: Vec<String>,
    },
    /// The file.
    #[error("the recording cannot be written to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// How much a recording may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In bytes, [`RECORDING_BYTES_MAX`] at most.
    pub bytes: u64,
    /// From the beginning on, [`RECORDING_TIME_MAX`] at most.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: RECORDING_BYTES_MAX, time: RECORDING_TIME_MAX }
    }
}

/// What a finished recording came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Calls that came in.
    pub calls: u64,
    /// Instances that served them.
    pub instances: u64,
    /// The file's size.
    pub bytes: u64,
    /// Why it was over.
    pub why: Why,
}

/// Records one actor of one application. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    application: AppName,
    actor: ActorName,
    masks: Masks,
    receivers: Vec<Spoken>,
    senders: Vec<(String, Spoken)>,
    bounds: Bounds,
    begun: Instant,
    over: Notify,
    pages: Mutex<Pages>,
}

/// The lines so far.
struct Pages {
    head: Head,
    bytes: Vec<u8>,
    lines: u64,
    instances: u64,
    calls: u64,
    over: Option<Why>,
}

impl PartialEq for Recorder {
    /// True where both are one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Recorder {
    /// True where it records this actor.
    pub(crate) fn is_of(&self, actor: &ActorName) -> bool {
        self.0.actor == *actor
    }

    /// Records `actor` from when it starts; what `masks` mean never gets into the recording.
    ///
    /// # Errors
    ///
    /// There is no such actor, it uses what cannot be recorded, or a rule means nothing.
    pub fn new(blueprint: &Blueprint, actor: &ActorName, masks: Masks, bounds: Bounds) -> Result<Self, RecordError> {
        let application = blueprint.application.clone();
        let Some(plan) = blueprint.composites.get(actor) else {
            let actors = blueprint.composites.keys().map(ToString::to_string).collect();
            return Err(RecordError::NoActor { application, actor: actor.clone(), actors });
        };
        let barriers = barrier::of(plan);
        if !barriers.is_empty() {
            return Err(RecordError::Barred { actor: actor.clone(), barriers });
        }
        let receivers: Vec<Spoken> =
            plan.receivers.iter().filter_map(|one| Spoken::of(&one.contract, &one.adapter)).collect();
        let senders: Vec<(String, Spoken)> = senders(plan);
        let contracts: Vec<&Arc<Contract>> =
            receivers.iter().chain(senders.iter().map(|(_, spoken)| spoken)).map(|spoken| &spoken.0).collect();
        let unknown = masks.unknown(&contracts);
        if !unknown.is_empty() {
            return Err(RecordError::UnknownMasks { actor: actor.clone(), masks: unknown });
        }
        let bounds = Bounds { bytes: bounds.bytes.min(RECORDING_BYTES_MAX), time: bounds.time.min(RECORDING_TIME_MAX) };
        let head = Head {
            lath_recording: VERSION,
            application: application.to_string(),
            actor: actor.to_string(),
            component: component(plan),
            masks: masks.0.iter().map(ToString::to_string).collect(),
            config: BTreeMap::new(),
            env: BTreeMap::new(),
            memory: plan.limits.memory.0,
            message: plan.limits.message.0,
        };
        let pages = Pages { head, bytes: Vec::new(), lines: 0, instances: 0, calls: 0, over: None };
        Ok(Self(Arc::new(Inner {
            application,
            actor: actor.clone(),
            masks,
            receivers,
            senders,
            bounds,
            begun: Instant::now(),
            over: Notify::new(),
            pages: Mutex::new(pages),
        })))
    }

    /// The tapes of an actor that starts with these settings, if it is the one that is recorded. Where it has another
    /// component by now, the recording is over.
    pub(crate) fn tapes(
        &self,
        application: &AppName,
        actor: &ActorName,
        plan: &CompositePlan,
        env: &BTreeMap<String, Setting<SecretValue>>,
        config: &BTreeMap<String, Setting<SecretValue>>,
    ) -> Result<Option<Arc<dyn Tapes>>, RecordError> {
        if (application, actor) != (&self.0.application, &self.0.actor) {
            return Ok(None);
        }
        if self.0.pages().head.component != component(plan) {
            self.0.pages().end(Why::Replaced);
            self.0.over.notify_one();
            return Ok(None);
        }
        let secrets: Vec<Barrier> = [env, config].into_iter().flat_map(barrier::secrets).collect();
        if !secrets.is_empty() {
            return Err(RecordError::Barred { actor: actor.clone(), barriers: secrets });
        }
        let texts = |settings: &BTreeMap<String, Setting<SecretValue>>| {
            settings.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
        };
        let mut pages = self.0.pages();
        pages.head.env = texts(env);
        pages.head.config = texts(config);
        drop(pages);
        Ok(Some(Arc::new(self.clone())))
    }

    /// Waits until the recording has come to one of its bounds.
    pub async fn over(&self) {
        let time_left = self.0.bounds.time.saturating_sub(self.0.begun.elapsed());
        // Whichever it is, nothing is added from then on.
        let _ = tokio::time::timeout(time_left, self.0.over.notified()).await;
        self.0.pages().end(Why::Time);
    }

    /// Ends the recording, and writes it to `path`, where there is all of it or nothing new.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<Recorded, RecordError> {
        let (bytes, recorded) = self.finish();
        let failed = |source| RecordError::Write { path: path.to_owned(), source };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let new = path.with_file_name(name);
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&new, path)).map_err(|error| {
            let _ = fs::remove_file(&new);
            failed(error)
        })?;
        Ok(recorded)
    }

    /// Ends the recording: its whole text.
    pub fn finish(&self) -> (Vec<u8>, Recorded) {
        let mut pages = self.0.pages();
        pages.end(Why::Stopped);
        let mut bytes = json(&pages.head);
        bytes.append(&mut pages.bytes.clone());
        let why = pages.over.unwrap_or(Why::Stopped);
        let end = End { end: why, lines: pages.lines.saturating_add(1), digest: Digest::of(&bytes).to_string() };
        bytes.append(&mut json(&end));
        let recorded = Recorded { calls: pages.calls, instances: pages.instances, bytes: bytes.len() as u64, why };
        (bytes, recorded)
    }
}

impl Tapes for Recorder {
    fn instance(&self) -> Arc<dyn Tape> {
        let mut pages = self.0.pages();
        pages.instances = pages.instances.saturating_add(1);
        let number = pages.instances;
        Arc::new(Ribbon::new(Arc::clone(&self.0), number))
    }
}

impl Inner {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, unless the recording is over.
    fn add(&self, line: &Line) {
        let text = json(line);
        let mut pages = self.pages();
        if self.begun.elapsed() >= self.bounds.time {
            pages.end(Why::Time);
        } else if (pages.bytes.len() as u64).saturating_add(text.len() as u64) > self.bounds.bytes {
            pages.end(Why::Bytes);
        }
        if pages.over.is_some() {
            drop(pages);
            return self.over.notify_one();
        }
        pages.calls += u64::from(matches!(line.event, Event::Call(_)));
        pages.lines += 1;
        pages.bytes.extend_from_slice(&text);
    }
}

impl Pages {
    fn end(&mut self, why: Why) {
        self.over.get_or_insert(why);
    }
}

/// The digest of the actor's component.
fn component(plan: &CompositePlan) -> String {
    plan.members.first().map(|member| member.component.to_string()).unwrap_or_default()
}

/// A line of the file. Lines have keys of text and no other reason to fail.
fn json(line: &impl serde::Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text
}

/// In the order of the engine's senders.
fn senders(plan: &CompositePlan) -> Vec<(String, Spoken)> {
    let wires = plan.members.iter().flat_map(|member| &member.wires);
    let sender = |wire: &model::blueprint::Wire| match &wire.to {
        WireTo::Sender(sender) => Some((wire.import.clone(), Spoken::of(&sender.contract, &sender.adapter)?)),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    };
    wires.filter_map(sender).collect()
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorder of {}/{}", self.application, self.actor)
    }
}
