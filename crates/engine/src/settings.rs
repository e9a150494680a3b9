//! What an engine and an actor are given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::destination::Destination;
use model::folder::Folder;
use model::secret::{SecretValue, Setting};

use crate::ear::Ear;
use crate::http::{HttpVersion, Requests};
use crate::keyvalue::StoreImport;
use crate::limits;
use crate::tape::Tapes;

/// Settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Where compiled code is kept; nothing is kept without it. Created if missing, for this user alone.
    pub cache_dir: Option<PathBuf>,
    /// The size the cache may have, in bytes.
    pub cache_bytes_max: u64,
    /// Composites alive at once, of all actors together.
    pub instances_max: u32,
    /// Linear memories of a composite on average: 1 for each actor in it, 1 for each sender and receiver. Counts as
    /// [`MEMORIES_PER_INSTANCE_MIN`](limits::MEMORIES_PER_INSTANCE_MIN) where it is less.
    pub memories_per_instance: u32,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_bytes_max: limits::CACHE_BYTES_MAX,
            instances_max: limits::INSTANCES_DEFAULT,
            memories_per_instance: limits::MEMORIES_PER_INSTANCE_MIN,
        }
    }
}

/// Settings of an [`Actor`](crate::Actor).
#[derive(Clone, Debug)]
pub struct ActorSettings {
    /// The actor's name, in logs and errors.
    pub name: String,
    /// All linear memories and tables of one instance together, in bytes.
    pub memory_bytes: u64,
    /// Instances at once.
    pub instances: usize,
    /// Calls that may wait for an instance; they are served in order of arrival.
    pub queue: usize,
    /// How long one call may run, whatever its deadline.
    pub execution: Duration,
    /// Calls below one another in a chain that reaches the actor.
    pub depth: u32,
    /// What the actor may log, in bytes a second.
    pub log_bytes_per_s: u64,
    /// Calls that one instance may serve, one after the other; 1 is a fresh instance for each call.
    pub reuse: u32,
    /// The environment the actor sees: what was granted, nothing else.
    pub env: BTreeMap<String, Setting<SecretValue>>,
    /// Its configuration, as `wasi:config` shows it.
    pub config: BTreeMap<String, Setting<SecretValue>>,
    /// Folders it may use.
    pub folders: Vec<Folder>,
    /// Where it may connect to with sockets.
    pub network: Vec<Destination>,
    /// The largest message (method and payload) into, out of or back from the actor, in bytes.
    pub message_bytes_max: usize,
    /// Labels of the composite's receivers, in the order that [`Actor::call`](crate::Actor::call) counts them.
    pub receivers: Vec<String>,
    /// Labels of the composite's senders, in the order that [`Outbound::send`](crate::Outbound::send) is told.
    pub senders: Vec<String>,
    /// What the composite's imports of `wasi:keyvalue` are connected to.
    pub stores: Vec<StoreImport>,
    /// The exports by which the composite serves requests of HTTP, in the order that
    /// [`Actor::entering`](crate::Actor::entering) counts them: their labels, and which `wasi:http` each is.
    pub http: Vec<(String, HttpVersion)>,
    /// Takes the composite's own requests of HTTP into the world; without it all are denied.
    pub requests: Option<Arc<dyn Requests>>,
    /// How long the body of an answer may take after its head.
    pub streaming: Duration,
    /// The body of an answer, in bytes.
    pub body_bytes_max: u64,
    /// Sees what its instances do. Instances with concurrency have none.
    pub tapes: Option<Arc<dyn Tapes>>,
    /// Hears its messages.
    pub ear: Option<Arc<dyn Ear>>,
}

impl ActorSettings {
    /// An actor with the default limits, no grants and no labels.
    pub fn new(name: impl Into<String>) -> Self {
        use model::limits;
        Self {
            name: name.into(),
            memory_bytes: limits::MEMORY_DEFAULT.0,
            instances: limits::INSTANCES_DEFAULT as usize,
            queue: limits::QUEUE_DEFAULT as usize,
            execution: limits::EXECUTION_DEFAULT,
            depth: limits::DEPTH_DEFAULT,
            log_bytes_per_s: limits::LOG_DEFAULT.0,
            reuse: limits::REUSE_DEFAULT,
            env: BTreeMap::new(),
            config: BTreeMap::new(),
            folders: Vec::new(),
            network: Vec::new(),
            message_bytes_max: usize::try_from(limits::MESSAGE_DEFAULT.0).unwrap_or(usize::MAX),
            receivers: Vec::new(),
            senders: Vec::new(),
            stores: Vec::new(),
            http: Vec::new(),
            requests: None,
            streaming: crate::limits::HTTP_STREAMING_DEFAULT,
            body_bytes_max: crate::limits::HTTP_BODY_BYTES_MAX,
            tapes: None,
            ear: None,
        }
    }
}
