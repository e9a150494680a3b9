//! What happens to a host, as far as the lattice is concerned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lattice::document::{Failing, HostRecord, Incarnation, IntentHead, Pointer, PointerKey, Root, Shard};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::{Ready, Refusal};
use plan::placement::Demand;

use super::planner::Reckoned;

/// When something happened: the time since the host began, by a clock that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub Duration);

impl Moment {
    /// How much later this is than `earlier`; nothing where it is not later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `wait` later.
    pub fn after(self, wait: Duration) -> Moment {
        Moment(self.0.saturating_add(wait))
    }
}

/// A request of this host to the store, by which its answer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op(pub u64);

/// What a host watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// The whole bucket `intent`; planners only.
    Intents,
    /// The bucket `hosts`: planners the whole, others their own key.
    Hosts,
    /// The whole bucket `leases`; planners only.
    Leases,
    /// The key `root` of the bucket `blueprint`; planners only.
    Root,
    /// The pointers in the bucket `blueprint`: planners `at.>`, others `at.host.<me>`, with an ingress also `at.app.*`.
    Pointers,
}

/// A key of what is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The intent of an application.
    Intent(AppName),
    /// The record of a host.
    Record(HostName),
    /// The lease of a host.
    Lease(HostName),
    /// The root of the blueprint.
    Root,
    /// Where a host or an application finds its shard.
    Pointer(PointerKey),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Time has passed; sent each [`crate::limits::CONTROL_TICK`].
    Tick,
    /// The lattice can be reached. All watches begin anew.
    Connected,
    /// The lattice cannot be reached. What was asked of it has no answer.
    Disconnected,
    /// A watch begins, for the first time or again after it broke: what stands under it follows.
    Began(Topic),
    /// All that stood when the watch began has been told.
    Current(Topic),
    /// The intent of an application as it stands; none where the key was deleted.
    Intent {
        /// The application.
        app: AppName,
        /// Its newest version.
        head: Option<IntentHead>,
    },
    /// A document that was asked for with [`super::Effect::Derive`] has been derived, or not.
    Derived {
        /// The document.
        document: Digest,
        /// What it demands; its `version` may be any.
        result: Result<Arc<Demand>, Underivable>,
    },
    /// What a host tells of itself, as it stands; none where its key was deleted.
    Record {
        /// The host.
        host: HostName,
        /// The change.
        revision: Revision,
        /// Its record.
        record: Option<Arc<HostRecord>>,
    },
    /// A host's lease was seen renewed; none where it was deleted. A lease that the store let lapse may be told as
    /// deleted or not at all.
    Lease {
        /// The host.
        host: HostName,
        /// The change; one that has been told before is no renewal.
        revision: Revision,
        /// The process that renewed it.
        incarnation: Option<Incarnation>,
    },
    /// The root of the blueprint as it stands; none where it was deleted.
    Root {
        /// The change.
        revision: Revision,
        /// The root.
        root: Option<Arc<Root>>,
    },
    /// Where a host or an application finds its shard, as it stands; none where the key was deleted.
    Pointer {
        /// Whose.
        key: PointerKey,
        /// The change.
        revision: Revision,
        /// The pointer.
        pointer: Option<Pointer>,
    },
    /// Something stands at a key that cannot be read: it is damaged, or a later lath wrote it. It is not gone: what is known
    /// of it stays, and what hangs on it waits.
    Unreadable {
        /// Where.
        key: Key,
        /// The change.
        revision: Revision,
        /// True where a later lath wrote it: it is in order, and not for this one to change.
        newer: bool,
    },
    /// A shard that was asked for with [`super::Effect::FetchShard`], verified against its digest; none where it is not
    /// there or could not be read. It is asked for again while it is needed.
    Shard {
        /// Its digest.
        digest: Digest,
        /// The shard.
        shard: Option<Arc<Shard>>,
    },
    /// The answer to a write.
    Written {
        /// Which.
        op: Op,
        /// The answer.
        outcome: Outcome,
    },
    /// The answer to [`super::Effect::Reread`], read directly and not from a watch; none where there was none.
    Reread {
        /// Which.
        op: Op,
        /// What stands.
        found: Option<Found>,
    },
    /// The answer to [`super::Effect::Reckon`].
    Reckoned {
        /// Which.
        op: Op,
        /// What it came to; none where it failed by a fault of lath.
        reckoned: Option<Box<Reckoned>>,
    },
    /// What of an application is ready on this host, as it stands; none where nothing of it is here any more.
    Readiness {
        /// The application.
        app: AppName,
        /// What is ready.
        ready: Option<Ready>,
    },
    /// What does not come up on this host, as it stands.
    Failing(Vec<Failing>),
    /// These parts serve here though what they need fails them.
    Unwell(Vec<Failing>),
    /// The versions that failed on this host beside the ones before, which serve again; as it stands.
    GoneBack(BTreeMap<AppName, Refusal>),
    /// What this host is has changed, such as the state in its data folder. Its name, `incarnation`, `draining`,
    /// `planner`, `ready`, `refused`, `failing` and `unwell` are kept by control, whatever is said here.
    Facts(Box<HostRecord>),
    /// An operator or a signal wants this host to stop.
    DrainAsked {
        /// True where it is to stop even though something cannot be moved away.
        force: bool,
    },
    /// The calls that [`super::Effect::FinishCalls`] waited for have finished, or were cut off.
    Finished,
    /// The host stood still: its own ticks were further apart than they may be.
    Gap {
        /// For how long.
        frozen: Duration,
    },
    /// The echo that [`super::Effect::AskEcho`] asked for came back.
    Echo(Op),
}

/// Why a document has no demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Underivable {
    /// It could not be fetched; it may be there later.
    Unavailable,
    /// It is damaged, or what it asks for cannot be planned; it stays so.
    Refused(String),
}

/// How a write went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands, as this change.
    Done(Revision),
    /// Somebody else wrote first; nothing was written.
    Conflict,
    /// No answer: it may or may not have been written, or may yet be.
    Unknown,
}

/// What stands, read directly.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The root; none where there is none that can be read.
    pub root: Option<(Revision, Arc<Root>)>,
    /// This host's own pointer; none where there is none.
    pub pointer: Option<(Revision, Pointer)>,
}
