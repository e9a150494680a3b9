//! A NATS server with the accounts of a lattice, and a folder for everybody's files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ::lattice::authority::{
    Authority, Endpoint, Identity, RouteSecret, Scope, Server, Servers, UnixSeconds, accounts_text, server_text,
};
use anyhow::{Context as _, Result, bail};
use rig::nats::{self, Config, Options};
use tempfile::TempDir;

use crate::caller::word;

/// The lattice of the tests.
pub const LATTICE: &str = "demo";

const DAY: u64 = 24 * 60 * 60;

/// Where a lattice lives.
pub(super) struct Place {
    pub(super) servers: Running,
    authority: Authority,
    scope: Scope,
    folder: TempDir,
}

/// The servers of a lattice.
pub(super) enum Running {
    One(nats::Server),
    Three(nats::Cluster),
}

impl Place {
    /// One server.
    pub(super) async fn one() -> Result<Self> {
        let (authority, scope) = (Authority::generate(), Scope::new(word(LATTICE)));
        let text = text(&authority, &scope, 1)?;
        let server = nats::Server::start(Options { config: Some(Config::Text(text)), ..Options::default() }).await?;
        Ok(Self { servers: Running::One(server), authority, scope, folder: tempfile::tempdir()? })
    }

    /// Three servers as one.
    pub(super) async fn three() -> Result<Self> {
        let (authority, scope) = (Authority::generate(), Scope::new(word(LATTICE)));
        let text = text(&authority, &scope, 3)?;
        // Ports and routes are the rig's.
        let text = text.replace("listen: \"127.0.0.1:6222\"", "listen: \"127.0.0.1:{route}\"");
        let routes: String = (1..=3).map(|at| format!("\"nats-route://route@127.0.0.1:{{route{at}}}\"\n")).collect();
        let (before, rest) = text.split_once("routes: [").context("no routes")?;
        let (known, after) = rest.split_once(']').context("no end of the routes")?;
        let secret = known.split("nats-route://").nth(1).and_then(|url| url.split('@').next()).context("no secret")?;
        let routes = routes.replace("//route@", &format!("//{secret}@"));
        let text = format!("{before}routes: [\n{routes}]{after}");
        let cluster = nats::Cluster::start(Options { config: Some(Config::Text(text)), ..Options::default() }).await?;
        Ok(Self { servers: Running::Three(cluster), authority, scope, folder: tempfile::tempdir()? })
    }

    /// How many servers keep each bucket.
    pub(super) fn replicas(&self) -> usize {
        match self.servers {
            Running::One(_) => 1,
            Running::Three(_) => 3,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Credentials for a day: their file.
    pub(super) fn credentials(&self, identity: &Identity) -> Result<PathBuf> {
        // Clocks of one machine agree, but not to the second.
        let from = UnixSeconds(now().0 - 60);
        let credentials = self.authority.grant(&self.scope, identity, from, UnixSeconds(now().0 + DAY))?;
        let path = self.folder().join(format!("{}.creds", credentials.user()));
        fs::write(&path, credentials.reveal())?;
        Ok(path)
    }

    pub(super) fn host_credentials(&self, name: &str) -> Result<PathBuf> {
        self.credentials(&Identity::Host(word(name)))
    }
}

impl Running {
    /// Where clients connect.
    pub(super) fn urls(&self) -> Vec<String> {
        match self {
            Self::One(server) => vec![server.url()],
            Self::Three(cluster) => cluster.servers().iter().map(nats::Server::url).collect(),
        }
    }

    pub(super) fn get(&mut self, at: usize) -> Result<&mut nats::Server> {
        match self {
            Self::One(server) if at == 0 => Ok(server),
            Self::One(_) => bail!("there is one server only"),
            Self::Three(cluster) => cluster.server(at),
        }
    }

    pub(super) fn log_tails(&self) -> String {
        match self {
            Self::One(server) => server.log_tail(),
            Self::Three(cluster) => cluster.servers().iter().map(nats::Server::log_tail).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// What `lath lattice init` writes for the first of `count` servers, with its accounts, for a folder of the rig.
fn text(authority: &Authority, scope: &Scope, count: u16) -> Result<String> {
    let server = |at: u16| {
        let listen: Endpoint = word(&format!("127.0.0.1:{}", 4222 + at));
        Server { name: format!("nats-{}", at + 1), advertise: listen.clone(), listen, route_port: 6222 + at }
    };
    let servers = Servers {
        servers: (0..count).map(server).collect(),
        folder: PathBuf::from("/{folder}"),
        tls: None,
        route_secret: RouteSecret::generate()?,
    };
    let text = server_text(scope, &servers, &server(0))?.replace("/{folder}", "{folder}");
    let accounts = accounts_text(&authority.accounts(scope, now(), &BTreeMap::new())?);
    Ok(text.replace("include \"accounts.conf\"\n", &accounts))
}

fn now() -> UnixSeconds {
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
