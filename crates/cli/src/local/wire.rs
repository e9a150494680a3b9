//! What goes over the socket: one line of JSON that asks, then lines that tell, the last of which is the outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use host::executor::state::Stage;
use host::local::{Became, Changed, LocalStatus};
use host::record;
use model::ids::ActorName;
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Give an actor the component in this file.
    Patch { actor: String, component: PathBuf, share: Option<String>, wait_ms: u64 },
    /// Go back to a version.
    Rollback { version: Option<u64>, wait_ms: u64 },
    /// Record an actor into this file, until the asker says no more.
    Record { actor: String, file: PathBuf, masks: Vec<String>, time_ms: u64, bytes: u64 },
    /// Tell how the application is; with `watch`, also each change.
    Status { watch: bool },
}

/// What is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Told {
    /// How it is: not the last line.
    Status(State),
    /// What became of a change.
    Done(Done),
    /// A recording has begun: not the last line.
    Recording,
    /// A recording was written.
    Recorded(Recorded),
    /// It was not done.
    Failed(Failed),
}

/// How an application is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) application: String,
    pub(crate) version: Option<u64>,
    /// `ready`, `starting`, `failing`, `tried`, `watched` or `rolled-back`.
    pub(crate) state: String,
    /// The version that is to serve.
    pub(crate) wanted: Option<u64>,
    pub(crate) actors: BTreeSet<String>,
    pub(crate) patched: BTreeSet<String>,
    pub(crate) starting: BTreeSet<String>,
    pub(crate) failing: BTreeMap<String, String>,
    /// The version that was gone back from last.
    pub(crate) refused: Option<Refused>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) version: u64,
    pub(crate) reason: String,
}

/// What became of a change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {
    pub(crate) application: String,
    pub(crate) version: u64,
    /// False where the same stood already.
    pub(crate) is_new: bool,
    /// `done`, `rolled-back`, `failing`, `superseded` or `overdue`; null where nothing was waited for.
    pub(crate) waited: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) status: State,
}

/// What a recording came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    pub(crate) actor: String,
    pub(crate) file: String,
    pub(crate) calls: u64,
    pub(crate) instances: u64,
    pub(crate) bytes: u64,
    pub(crate) why: String,
}

impl Recorded {
    pub(crate) fn of(actor: &ActorName, file: &Path, recorded: record::Recorded) -> Self {
        let record::Recorded { calls, instances, bytes, why } = recorded;
        let (actor, file) = (actor.to_string(), file.display().to_string());
        Self { actor, file, calls, instances, bytes, why: why.to_string() }
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, file, calls, bytes, why, .. } = self;
        writeln!(f, "recorded {calls} calls of {actor} in {file}, {bytes} bytes; {why}")
    }
}

/// Why it was not done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl State {
    pub(crate) fn of(application: &str, status: &LocalStatus) -> Self {
        let state = match (status.stage, &status.refused) {
            _ if !status.failing.is_empty() => "failing",
            (Some(Stage::Trial), _) => "tried",
            (Some(Stage::Watch), _) => "watched",
            _ if !status.starting.is_empty() || status.version != status.wanted => "starting",
            (None, Some(_)) => "rolled-back",
            (None, None) => "ready",
        };
        Self {
            application: application.to_owned(),
            version: status.version,
            state: state.to_owned(),
            wanted: status.wanted,
            actors: status.actors.iter().map(ToString::to_string).collect(),
            patched: status.patched.iter().map(ToString::to_string).collect(),
            starting: status.starting.clone(),
            failing: status.failing.clone(),
            refused: status
                .refused
                .as_ref()
                .map(|refused| Refused { version: refused.version, reason: refused.reason.clone() }),
        }
    }
}

impl Done {
    pub(crate) fn of(changed: Changed, became: Option<Became>, status: State) -> Self {
        let (waited, reason) = match became {
            None => (None, None),
            Some(Became::Serves) => (Some("done"), None),
            Some(Became::Refused(reason)) => (Some("rolled-back"), Some(reason)),
            Some(Became::Failing(reason)) => (Some("failing"), Some(reason)),
            Some(Became::Superseded) => (Some("superseded"), None),
            Some(Became::Overdue) => (Some("overdue"), None),
        };
        Self {
            application: status.application.clone(),
            version: changed.version,
            is_new: changed.is_new,
            waited: waited.map(str::to_owned),
            reason,
            status,
        }
    }
}
