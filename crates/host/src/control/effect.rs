//! What a host does about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lattice::document::{HostRecord, Incarnation, Pointer, PointerKey, Root, Shard};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::AppPlacement;

use super::event::Op;
use super::planner::Reckoning;

/// What is to be done. Every write with an [`Op`] is answered by [`super::Event::Written`] within the store's own
/// deadline; those without are not answered, and are tried once.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Renew this host's lease.
    PutLease {
        /// For the answer.
        op: Op,
        /// This process.
        incarnation: Incarnation,
    },
    /// Delete this host's lease: it leaves of its own accord.
    DeleteLease,
    /// Delete this host's record: it leaves nothing behind that anybody has to know of.
    DeleteRecord,
    /// Write this host's record, by compare-and-set.
    PutRecord {
        /// For the answer.
        op: Op,
        /// The change that it replaces; none where there must be none.
        expected: Option<Revision>,
        /// The record.
        record: Arc<HostRecord>,
    },
    /// Fetch the document of an intent and derive its blueprint and demand; [`super::Event::Derived`] answers.
    Derive(Digest),
    /// Reckon where everything is to run; [`super::Event::Reckoned`] answers.
    Reckon {
        /// For the answer.
        op: Op,
        /// What it follows from.
        reckoning: Box<Reckoning>,
    },
    /// Fetch a shard; [`super::Event::Shard`] answers.
    FetchShard(Digest),
    /// Store a shard under its digest. It may be there already.
    PutShard {
        /// For the answer.
        op: Op,
        /// Its digest.
        digest: Digest,
        /// The shard.
        shard: Arc<Shard>,
    },
    /// Write the root, by compare-and-set.
    ReplaceRoot {
        /// For the answer.
        op: Op,
        /// The change that it replaces; none where there must be none.
        expected: Option<Revision>,
        /// The root.
        root: Arc<Root>,
    },
    /// Write a pointer, by compare-and-set.
    ReplacePointer {
        /// For the answer.
        op: Op,
        /// Whose.
        key: PointerKey,
        /// The change that it replaces; none where there must be none.
        expected: Option<Revision>,
        /// The pointer.
        pointer: Pointer,
    },
    /// Delete shards that nobody needs any more.
    DeleteShards(Vec<Digest>),
    /// Read the root and this host's own pointer directly; [`super::Event::Reread`] answers.
    Reread(Op),
    /// Run what the share says, and nothing else.
    Adopt(Share),
    /// Answer every call *not started* from now on, or no longer.
    Quarantine(bool),
    /// Send a message to oneself through NATS; [`super::Event::Echo`] tells of its return.
    AskEcho(Op),
    /// Tell the operator.
    Report(Report),
    /// Take no new calls and finish those that run; [`super::Event::Finished`] answers.
    FinishCalls,
    /// The process ends. Nothing follows.
    Exit(Exit),
}

/// What a host runs, and what it knows of where others run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The generation up to which this host has caught up.
    pub generation: u64,
    /// The applications of which this host runs something, each with all its hosts.
    pub apps: BTreeMap<AppName, Arc<AppPlacement>>,
    /// Where the host has an ingress: every application with routes or clients, each with all its hosts.
    pub routed: BTreeMap<AppName, Arc<AppPlacement>>,
}

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It has drained.
    Drained,
    /// A later process has its name.
    Superseded,
}

/// What an operator should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// This host stood still and rejoins.
    Frozen {
        /// For how long.
        frozen: Duration,
    },
    /// This host has rejoined.
    Rejoined,
    /// A host's lease has lapsed.
    Died(HostName),
    /// A host that had been declared dead is back, the same process: it was frozen or cut off, or wrongly ejected.
    Returned {
        /// The host.
        host: HostName,
        /// How long nothing was seen of it.
        silent: Duration,
    },
    /// More than half of the hosts fell silent at once; one more period is waited before they count as dead.
    MassLapse {
        /// Hosts that are silent.
        silent: usize,
        /// Hosts that counted as alive.
        of: usize,
    },
    /// An intent cannot be derived; its previous version stays.
    Underivable {
        /// The application.
        app: AppName,
        /// The document.
        document: Digest,
        /// Why.
        reason: String,
    },
    /// What this host was given of an application was refused by the independent check. The last good one stays.
    ShareRefused {
        /// The application.
        app: AppName,
        /// The generation of its placement.
        generation: u64,
        /// What is wrong with it.
        violations: Vec<String>,
    },
    /// A placement of this host's own planner was refused by the independent check and not written: a fault of lath.
    PlanRefused {
        /// The generation that it would have had.
        generation: u64,
        /// What is wrong with it.
        violations: Vec<String>,
    },
    /// A pointer to an older generation than the adopted one was refused.
    Stale {
        /// The pointer's generation.
        generation: u64,
        /// The generation that this host has adopted.
        adopted: u64,
    },
    /// Shards of the agreed placement cannot be read, so nothing can be planned until they can.
    Incomplete {
        /// The generation of the placement.
        generation: u64,
        /// How many shards are missing, at least.
        missing: usize,
    },
    /// The root of the blueprint cannot be read, so this host does not plan over it.
    RootUnreadable {
        /// True where a later lath wrote it: one of its version plans.
        newer: bool,
    },
    /// A placement was written.
    Planned {
        /// Its generation.
        generation: u64,
        /// Applications whose placement changed.
        changed: usize,
    },
    /// A later process has this host's name; this one stops.
    Superseded {
        /// The later process.
        by: Incarnation,
    },
    /// Draining was given up, since these cannot move away; asked with force the host stops all the same.
    DrainRefused {
        /// Actors and providers, as `app/name`.
        staying: Vec<String>,
        /// True where state of this host alone keeps them.
        local_state: bool,
    },
    /// This host stops although these could not move away; their callers are answered *not started*.
    LeftBehind {
        /// Actors and providers, as `app/name`.
        staying: Vec<String>,
    },
    /// A record or lease could not be written for so long that others may count this host as dead.
    LeaseOverdue {
        /// Since the last renewal that is known to stand.
        overdue: Duration,
    },
}
