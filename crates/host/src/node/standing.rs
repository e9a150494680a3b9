//! How a node is, for whoever owns it.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{ActorName, AppName};
use model::placement::Refusal;

use crate::control::{Exit, Report};
use crate::executor::{AppStatus, Loaded};

/// How a node is.
#[derive(Clone, Debug, Default)]
pub struct NodeStatus {
    /// The lattice can be reached.
    pub connected: bool,
    /// Its lease has been written: others know that it lives.
    pub joined: bool,
    /// It answers no calls until it has rejoined.
    pub quarantined: bool,
    /// It is leaving.
    pub draining: bool,
    /// The generation that it has caught up with.
    pub generation: u64,
    /// The applications that are placed on it, each with its version.
    pub placed: BTreeMap<AppName, u64>,
    /// The applications whose routes it serves.
    pub routed: BTreeSet<AppName>,
    /// What runs, starts or drains.
    pub apps: BTreeMap<AppName, AppStatus>,
    /// It has ended.
    pub ended: Option<Exit>,
}

/// News of a node.
#[derive(Clone, Debug)]
pub enum NodeNews {
    /// Its lease stands: it is a host of the lattice.
    Joined,
    /// It has taken up what is placed on it.
    Adopted {
        /// The generation.
        generation: u64,
        /// The applications of which it runs something.
        apps: Vec<AppName>,
    },
    /// An actor is being compiled.
    Compiling {
        /// The application.
        app: AppName,
        /// The actor.
        actor: ActorName,
    },
    /// An actor was loaded.
    Loaded(Loaded),
    /// Calls of an application go to these parts of this version, as `actor` or `provider` names.
    Serving {
        /// The application.
        app: AppName,
        /// The version.
        version: u64,
        /// What serves.
        parts: Vec<String>,
    },
    /// Nothing of an application serves here any more.
    Withdrawn {
        /// The application.
        app: AppName,
    },
    /// Something could not be started; it is tried again.
    Failed {
        /// The application.
        app: AppName,
        /// Why.
        reason: String,
    },
    /// A new version has a share of the calls.
    Trying {
        /// The application.
        app: AppName,
        /// The version.
        version: u64,
        /// The version that has the rest.
        before: u64,
    },
    /// A new version was worse here than the one before it, which serves again.
    GoneBack {
        /// The application.
        app: AppName,
        /// The version, and why.
        refusal: Refusal,
    },
    /// It was asked to leave.
    Draining,
    /// Whatever else an operator should know.
    Report(Report),
    /// It has ended.
    Ended(Exit),
}
