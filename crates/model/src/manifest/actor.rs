//! Actors as the manifest asks for them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::link::{Link, LinkKey};
use super::ready::Ready;
use crate::destination::{Destination, Origin};
use crate::folder::Folder;
use crate::ids::ByteSize;
use crate::limits;
use crate::placement::Place;
use crate::secret::Setting;

/// A component to run, with its limits, grants and links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Where its component is.
    pub component: ComponentRef,
    /// How the component is built, where the manifest says.
    pub build: Option<Build>,
    /// Which hosts run it, and how many.
    pub place: Place,
    /// What it is asked before it takes calls, where anything is.
    pub ready: Option<Ready>,
    /// What it may use.
    pub limits: Limits,
    /// What it may reach apart from its links.
    pub grants: Grants,
    /// Its links, by the import that each serves.
    pub links: BTreeMap<LinkKey, Link>,
}

/// Where a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentRef {
    /// A file, relative to the manifest's folder.
    Path(PathBuf),
}

/// How a component is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The command line, for the shell.
    pub run: String,
    /// The folder that it runs in, relative to the manifest's.
    pub dir: PathBuf,
    /// Patterns of the files that it reads, relative to `dir`: a newer one makes the component stale. Empty when
    /// the manifest does not say.
    pub watch: Vec<String>,
}

/// What one actor may use, per host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, summed over its composite.
    pub memory: ByteSize,
    /// Instances at once.
    pub instances: u32,
    /// Running time of one call.
    pub execution: Duration,
    /// Calls that wait for an instance; further ones are refused.
    pub queue: u32,
    /// Payload of one message, in each direction.
    pub message: ByteSize,
    /// Calls below one another in a chain that reaches this actor.
    pub depth: u32,
    /// Output to the actor's log, in bytes per second; more is dropped and counted.
    pub log: ByteSize,
    /// Calls that one instance serves before it is replaced; 1 is a fresh instance for each call.
    pub reuse: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: limits::MEMORY_DEFAULT,
            instances: limits::INSTANCES_DEFAULT,
            execution: limits::EXECUTION_DEFAULT,
            queue: limits::QUEUE_DEFAULT,
            message: limits::MESSAGE_DEFAULT,
            depth: limits::DEPTH_DEFAULT,
            log: limits::LOG_DEFAULT,
            reuse: limits::REUSE_DEFAULT,
        }
    }
}

/// What an actor is given apart from its links. Empty is the default: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Environment variables, with their values or the secrets that they have.
    pub env: BTreeMap<String, Setting>,
    /// Where it may send requests of HTTP.
    pub http: Vec<Origin>,
    /// Where it may connect to with sockets.
    pub network: Vec<Destination>,
    /// Folders of its machine that it may use.
    pub folders: Vec<Folder>,
    /// Its configuration, as `wasi:config` shows it.
    pub config: BTreeMap<String, Setting>,
}
