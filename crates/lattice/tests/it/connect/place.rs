//! A lattice with its own keys on a server of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use lattice::authority::{
    Authority, Endpoint, Identity, RouteSecret, Scope, Server, Servers, Tls, UnixSeconds, accounts_text, server_text,
};
use lattice::connect::{ConnectSettings, Connection};
use rig::nats::{self, Config, Options};
use tempfile::TempDir;

pub(super) struct Place {
    pub(super) server: nats::Server,
    pub(super) authority: Authority,
    pub(super) scope: Scope,
    folder: TempDir,
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn host(name: &str) -> Identity {
    Identity::Host(name.parse().unwrap())
}

pub(super) fn operator(name: &str) -> Identity {
    Identity::Operator(name.parse().unwrap())
}

impl Place {
    /// A server as `lath lattice init` sets it up, its text changed by `change`.
    pub(super) async fn start(tls: Option<Tls>, change: impl Fn(String) -> String) -> Result<Self> {
        let (authority, scope) = (Authority::generate(), Scope::new("demo".parse()?));
        let listen: Endpoint = "127.0.0.1:4222".parse()?;
        let servers = Servers {
            servers: vec![Server { name: "nats-1".to_owned(), advertise: listen.clone(), listen, route_port: 6222 }],
            folder: PathBuf::from("/{folder}"),
            tls,
            route_secret: RouteSecret::generate()?,
        };
        let text = server_text(&scope, &servers, &servers.servers[0])?.replace("/{folder}", "{folder}");
        let accounts = accounts_text(&authority.accounts(&scope, UnixSeconds(now()), &BTreeMap::new())?);
        let text = change(text.replace("include \"accounts.conf\"\n", &accounts));
        let server = nats::Server::start(Options { config: Some(Config::Text(text)), ..Options::default() }).await?;
        Ok(Self { server, authority, scope, folder: tempfile::tempdir()? })
    }

    /// Settings with credentials that are good until `expires`.
    pub(super) fn settings(&self, identity: &Identity, expires: u64) -> Result<ConnectSettings> {
        let from = UnixSeconds(now() - 60);
        let credentials = self.authority.grant(&self.scope, identity, from, UnixSeconds(expires))?;
        let path = self.folder.path().join(format!("{}.creds", credentials.user()));
        std::fs::write(&path, credentials.reveal())?;
        let mut settings = ConnectSettings::new(vec![self.server.url().parse()?], "demo".parse()?);
        settings.credentials = Some(path);
        Ok(settings)
    }

    pub(super) async fn join(&self, identity: &Identity) -> Result<Connection> {
        Ok(Connection::open(self.settings(identity, now() + 3600)?).await?)
    }
}
