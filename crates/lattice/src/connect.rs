//! The connection to NATS: how a program of a lattice reaches its servers, and what it finds there.
//!
//! A connection never gives up: once it was made it comes back by itself. It is encrypted wherever it leaves the
//! machine. Start reading at [`Connection::open`].

mod buckets;
mod departures;
mod diagnosis;
mod error;
mod options;
mod server;
mod storage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use async_nats::Client;
use model::ids::LatticeName;
use tokio::time::timeout;

pub use departures::{Departure, Departures};
pub use error::ConnectError;
pub use server::{ServerUrl, ServerUrlError};

use crate::authority::{Credentials, UnixSeconds};
use crate::document::Storage;
use crate::limits::CONNECT_DEADLINE;
use crate::nats::{Dropped, NatsBus};
use crate::objects::Objects;
use crate::store::Buckets;
use crate::store::nats::{Ears, JetStream};
use crate::subject::{Subject, SubjectError, Subjects, Token};

/// The oldest NATS server that a lattice runs on: earlier ones have faults that lose or leak what it keeps.
pub const SERVER_MIN: (u64, u64) = (2, 14);

/// How a lattice is reached.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// The servers; any of them will do.
    pub servers: Vec<ServerUrl>,
    /// The lattice.
    pub lattice: LatticeName,
    /// The file of this user's credentials; it is read again for each new connection. None where the servers ask for
    /// none.
    pub credentials: Option<PathBuf>,
    /// How the connection is encrypted.
    pub tls: TlsFiles,
    /// What the servers call this connection in their logs, such as `host h1`.
    pub name: String,
    /// What the subjects of the lattice begin with, where it is not `lath`.
    pub prefix: Option<Subject>,
    /// The JetStream domain, where the servers have one.
    pub domain: Option<Token>,
    /// How many servers keep each stored value, where this connection makes the buckets: 1, 3 or 5.
    pub replicas: usize,
}

/// The files of a connection's encryption, all PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Certificates of those who may sign servers' certificates; none for those of the system.
    pub ca: Option<PathBuf>,
    /// This side's own certificate and its key, where the servers ask for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl ConnectSettings {
    /// A lattice on these servers, with nothing out of the ordinary.
    pub fn new(servers: Vec<ServerUrl>, lattice: LatticeName) -> Self {
        let (tls, name) = (TlsFiles::default(), "lath".to_owned());
        Self { servers, lattice, credentials: None, tls, name, prefix: None, domain: None, replicas: 1 }
    }

    /// The subjects of the lattice.
    ///
    /// # Errors
    ///
    /// The prefix is a pattern or too long.
    pub fn subjects(&self) -> Result<Subjects, SubjectError> {
        match &self.prefix {
            Some(prefix) => Subjects::with_prefix(prefix, &self.lattice),
            None => Ok(Subjects::new(&self.lattice)),
        }
    }

    /// True where the connection must be encrypted: some server is not on this machine, or it is asked for.
    fn needs_tls(&self) -> bool {
        let asked = self.tls.ca.is_some() || self.tls.own.is_some();
        asked || self.servers.iter().any(|server| server.asks_for_tls() || !server.is_loopback())
    }
}

/// A connection to the servers of a lattice. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    dropped: Dropped,
    jetstream: JetStream,
    settings: Arc<ConnectSettings>,
    user: Option<String>,
}

impl Connection {
    /// Connects, within [`CONNECT_DEADLINE`].
    ///
    /// # Errors
    ///
    /// What failed, at which server, and what to do about it. Whoever wants to wait for the servers tries again.
    pub async fn open(settings: ConnectSettings) -> Result<Self, ConnectError> {
        if settings.servers.is_empty() {
            return Err(ConnectError::NoServers);
        }
        let credentials = match &settings.credentials {
            Some(path) => Some(options::read_credentials(path).await?),
            None => None,
        };
        let ears = Ears::new();
        let (options, dropped) = options::options(&settings, credentials.as_ref(), &ears);
        let addresses: Vec<_> = settings.servers.iter().map(ServerUrl::address).collect();
        let client = match timeout(CONNECT_DEADLINE, options.connect(addresses)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(diagnosis::of(&settings, credentials.as_ref(), Some(&error)).await),
            Err(_) => return Err(diagnosis::of(&settings, credentials.as_ref(), None).await),
        };
        let version = client.server_info().version;
        if !is_new_enough(&version) {
            return Err(ConnectError::Version { server: settings.listed(), found: version });
        }
        let jetstream = JetStream::new(client.clone(), settings.domain.as_ref().map(Token::as_str), ears);
        let user = credentials.map(|credentials| credentials.user().to_owned());
        Ok(Self { client, dropped, jetstream, settings: Arc::new(settings), user })
    }

    /// The client itself.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The bus over this connection; `echo` is a subject that this user alone uses ([`Subjects::echo`]).
    ///
    /// Must be called inside a tokio runtime.
    pub fn bus(&self, echo: Subject) -> NatsBus {
        NatsBus::new(self.client.clone(), self.dropped.clone(), echo)
    }

    /// What was asked for.
    pub fn settings(&self) -> &ConnectSettings {
        &self.settings
    }

    /// The user that the servers know this side as, such as `host.h1`; none where they ask for no credentials.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The version of the server that this side is connected to now.
    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    /// The buckets of the lattice. Those that are missing are made where `create` says so; leases are in memory, gone
    /// once the servers were, and made again whenever that is found.
    ///
    /// # Errors
    ///
    /// One is missing, is kept otherwise than it must be, or cannot be asked for.
    pub async fn buckets(&self, create: bool) -> Result<Buckets, ConnectError> {
        buckets::open(&self.jetstream, &self.settings, create).await
    }

    /// The store of bytes of the lattice, made where it is missing and `create` says so.
    ///
    /// # Errors
    ///
    /// It is missing, is kept otherwise than it must be, or cannot be asked for.
    pub async fn objects(&self, create: bool) -> Result<Arc<dyn Objects>, ConnectError> {
        buckets::open_objects(&self.jetstream, &self.settings, create).await
    }

    /// Whether what the lattice stores outlives a power cut, as far as this user can find out. It asks every server, and
    /// takes about two seconds at most.
    pub async fn storage(&self) -> Storage {
        storage::find_out(&self.jetstream, &self.settings).await
    }

    /// Users whose connection ended, as the servers tell: a hint, and nothing at all where they do not.
    pub async fn departures(&self) -> Option<Departures> {
        Departures::open(&self.client).await
    }
}

/// True for a version that a lattice runs on.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
    matches!((numbers.next(), numbers.next()), (Some(major), Some(minor)) if (major, minor) >= SERVER_MIN)
}

/// True where the servers refuse these credentials because their time is over.
fn has_expired(credentials: &Credentials) -> bool {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    credentials.expires().is_some_and(|expires| expires <= UnixSeconds(since.as_secs()))
}
