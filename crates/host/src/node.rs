//! A host of a lattice: the event loop around [`control::step`](crate::control::step).
//!
//! [`Node::start`] joins; from then on the loop (`run`) tells control what happens and carries out what follows. What it
//! supervises never holds it up: the lattice's buckets are watched (`watch`) and written (`store`) by tasks of their
//! own, applications are started and drained by the [`Executor`](crate::executor::Executor), and beats come from the
//! thread of the pulse (`beats`), whatever else stands still. `documents` derives what applications run, `share` takes
//! up what is placed here.
//!
//! With the lattice out of reach calls go on over the last good placement; once it is back everything is watched anew.

mod beats;
mod documents;
mod leave;
mod outsiders;
mod passing;
mod run;
mod share;
mod standing;
mod store;
mod told;
pub(crate) mod view;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use lattice::bus::{Bus, BusError};
use lattice::document::{HostRecord, Incarnation, Storage};
use lattice::objects::Objects;
use lattice::secrets::SealingKey;
use lattice::store::{Buckets, StoreError};
use lattice::subject::{Subjects, TokenError};
use model::ids::{AppName, HostName, Labels, ProviderName};
use tokio::sync::{mpsc, watch as watching};

pub use self::standing::{NodeNews, NodeStatus};

use crate::control::Exit;
use crate::executor::Sources;
use crate::health::Health;
use crate::host::HostError;
use crate::ingress::TlsFiles;
use crate::secrets::OwnKeyError;
use crate::telemetry::Telemetry;

/// Who a host is, and how it runs.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Its name, unique in the lattice.
    pub name: HostName,
    /// By what manifests say where actors run.
    pub labels: Labels,
    /// True where it may plan.
    pub planner: bool,
    /// Where HTTP is served; nowhere where absent.
    pub listen: Option<SocketAddr>,
    /// Where HTTP has its certificate from; without, it is not encrypted.
    pub tls: Option<TlsFiles>,
    /// The folder for the data of providers: `apps/APPLICATION` in it for each application.
    pub data: PathBuf,
    /// The folder for components and compiled code.
    pub cache: PathBuf,
    /// Composites alive at once, of all actors together.
    pub instances: u32,
    /// The version of lath that it is.
    pub version: String,
    /// What it tells of itself.
    pub telemetry: Telemetry,
    /// Where settings and secrets come from, besides the lattice's store.
    pub sources: Sources,
}

/// A host's way to its lattice.
#[derive(Clone)]
pub struct Connection {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The lattice's subjects.
    pub subjects: Subjects,
    /// The lattice's buckets.
    pub buckets: Buckets,
    /// The lattice's store of bytes.
    pub objects: Arc<dyn Objects>,
    /// Whether what the lattice stores outlives a power cut.
    pub storage: Storage,
}

/// Why a host does not join.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine, the ingress, or the pulse.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A thread cannot be started.
    #[error("the thread of the pulse cannot be started; raise the limit of threads or stop other programs")]
    Pulse(#[source] std::io::Error),
    /// The bus does not take the host's subscriptions.
    #[error("the host cannot subscribe to its calls; check its credentials")]
    Bus(#[from] BusError),
    /// What the lattice remembers of the host cannot be read.
    #[error("the host cannot find out what the lattice remembers of it")]
    Store(#[from] StoreError),
    /// A built-in contract cannot be read.
    #[error(transparent)]
    BuiltIn(#[from] provider::ProviderError),
    /// The key that secrets are sealed to.
    #[error(transparent)]
    Key(#[from] OwnKeyError),
    /// A folder cannot be made.
    #[error("cannot use the folder {}; check that it may be written to", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The name of the hosts' group on the bus.
    #[error(transparent)]
    Group(#[from] TokenError),
    /// The loop ended early.
    #[error("a task of the host ended before its work was done; this is a fault of Lath, please report it")]
    Gone,
}

/// What an owner of a node asks for.
enum Wish {
    Drain { force: bool },
}

/// Takes news, in their order, on the node's tasks: it must not block for long.
pub type TellNode = Arc<dyn Fn(NodeNews) + Send + Sync>;

/// A host of a lattice. Dropped, it ends as one that crashed: it tells nobody.
pub struct Node {
    wishes: mpsc::Sender<Wish>,
    status: watching::Receiver<NodeStatus>,
    listen: Option<SocketAddr>,
    health: Health,
}

impl Node {
    /// Joins the lattice; returns once calls and beats of others are heard. What is placed here starts from then on.
    ///
    /// # Errors
    ///
    /// Where the engine or the ingress does not start, or the lattice does not answer.
    pub async fn start(settings: NodeSettings, connection: Connection, tell: TellNode) -> Result<Self, NodeError> {
        let (wishes, asked) = mpsc::channel(crate::limits::EVENTS_MAX);
        let run = run::Run::new(settings, connection, tell).await?;
        let (status, listen, health) = (run.status(), run.listen(), run.health());
        tokio::spawn(run.run(asked));
        Ok(Self { wishes, status, listen, health })
    }

    /// How it is, now and with each change.
    pub fn status(&self) -> watching::Receiver<NodeStatus> {
        self.status.clone()
    }

    /// Where HTTP is served.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// Which hosts answer, as far as this one knows. Whoever hears that a host's connection is gone tells it here.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Lets others take over what runs here, finishes calls and leaves. What cannot move keeps the host from leaving,
    /// unless it is forced. Asked again with force it waits for nothing that stays.
    pub async fn drain(&self, force: bool) {
        // A node that has ended has drained.
        let _ = self.wishes.send(Wish::Drain { force }).await;
    }

    /// Waits until it has ended, and says why.
    ///
    /// # Errors
    ///
    /// Where it ended without saying why.
    pub async fn ended(&self) -> Result<Exit, NodeError> {
        let mut status = self.status.clone();
        let ended = status.wait_for(|status| status.ended.is_some()).await.map_err(|_| NodeError::Gone)?;
        ended.ended.ok_or(NodeError::Gone)
    }
}

impl NodeSettings {
    /// The record that the host writes.
    fn record(
        &self,
        incarnation: Incarnation,
        listen: Option<SocketAddr>,
        storage: Storage,
        states: BTreeSet<(AppName, ProviderName)>,
        sealing: SealingKey,
    ) -> HostRecord {
        HostRecord {
            name: self.name.clone(),
            incarnation,
            version: self.version.clone(),
            labels: self.labels.clone(),
            sealing: Some(sealing),
            settings: self.sources.settings.told(),
            draining: false,
            planner: self.planner,
            listen,
            secure: self.tls.is_some(),
            kinds: provider::catalogue().iter().map(|kind| kind.name().to_owned()).collect(),
            states,
            storage,
            ready: BTreeMap::new(),
            refused: BTreeMap::new(),
            failing: Vec::new(),
            unwell: Vec::new(),
        }
    }
}
