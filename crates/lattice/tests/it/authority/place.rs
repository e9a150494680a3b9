//! A lattice with its own keys on a server of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use lattice::authority::{
    Authority, Credentials, Identity, PublicKey, RouteSecret, Scope, Server, Servers, Tls, UnixSeconds, accounts_text,
    server_text,
};
use rig::nats::{self, Config, Options};

use super::raw::Raw;

pub(crate) const YEAR: u64 = 365 * 24 * 60 * 60;

/// A server, and the lattice `demo` on it.
pub(crate) struct Place {
    pub(crate) server: nats::Server,
    pub(crate) authority: Authority,
    pub(crate) scope: Scope,
    text: String,
    made: UnixSeconds,
    beside: String,
}

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub(crate) fn scope() -> Scope {
    Scope::new("demo".parse().unwrap())
}

/// One server, as `lath lattice init` sets it up.
pub(crate) fn servers(folder: &Path, tls: Option<Tls>) -> Servers {
    let listen: lattice::authority::Endpoint = "127.0.0.1:4222".parse().unwrap();
    Servers {
        servers: vec![Server { name: "nats-1".to_owned(), advertise: listen.clone(), listen, route_port: 6222 }],
        folder: folder.to_owned(),
        tls,
        route_secret: RouteSecret::generate().unwrap(),
    }
}

impl Place {
    pub(crate) async fn start() -> Result<Self> {
        Self::with(scope(), None, |text| text).await
    }

    /// Starts a server with a text that `change` has changed.
    pub(crate) async fn with(scope: Scope, tls: Option<Tls>, change: impl Fn(String) -> String) -> Result<Self> {
        let authority = Authority::generate();
        let made = now();
        let servers = servers(Path::new("/{folder}"), tls);
        // The rig puts its own folder there.
        let text = server_text(&scope, &servers, &servers.servers[0])?.replace("/{folder}", "{folder}");
        let text = change(text);
        let accounts = accounts_text(&authority.accounts(&scope, made, &BTreeMap::new())?);
        let whole = text.replace("include \"accounts.conf\"\n", &accounts);
        let server = nats::Server::start(Options { config: Some(Config::Text(whole)), ..Options::default() }).await?;
        Ok(Self { server, authority, scope, text, made, beside: String::new() })
    }

    /// Credentials for a year.
    pub(crate) fn grant(&self, identity: &Identity) -> Credentials {
        self.grant_until(identity, UnixSeconds(now().0 + YEAR))
    }

    pub(crate) fn grant_until(&self, identity: &Identity, expires: UnixSeconds) -> Credentials {
        self.authority.grant(&self.scope, identity, UnixSeconds(now().0 - 60), expires).unwrap()
    }

    /// A connection of `identity`.
    pub(crate) async fn join(&self, identity: &Identity) -> Result<Raw> {
        Raw::connect(self.server.port(), &self.grant(identity)).await
    }

    /// Has the server read its accounts again, with these keys revoked.
    pub(crate) async fn revoke(&mut self, keys: &[&PublicKey]) -> Result<()> {
        let revocations = keys.iter().map(|key| ((*key).clone(), now())).collect();
        self.reload(&revocations).await
    }

    /// Has the server take one more account: a line of its `resolver_preload`.
    pub(crate) async fn add_account(&mut self, line: &str) -> Result<()> {
        self.beside = format!("{line}\n");
        self.reload(&BTreeMap::new()).await
    }

    async fn reload(&mut self, revocations: &BTreeMap<PublicKey, UnixSeconds>) -> Result<()> {
        const PRELOAD: &str = "resolver_preload: {\n";
        let accounts = accounts_text(&self.authority.accounts(&self.scope, self.made, revocations)?);
        let accounts = accounts.replace(PRELOAD, &format!("{PRELOAD}{}", self.beside));
        self.server.write_config(self.text.replace("include \"accounts.conf\"\n", &accounts))?;
        self.server.reload().await
    }
}

pub(crate) fn operator(name: &str) -> Identity {
    Identity::Operator(name.parse().unwrap())
}

pub(crate) fn deployer(name: &str, applications: &[&str]) -> Identity {
    Identity::Deployer {
        name: name.parse().unwrap(),
        applications: applications.iter().map(|name| name.parse().unwrap()).collect(),
    }
}

pub(crate) fn viewer(name: &str) -> Identity {
    Identity::Viewer(name.parse().unwrap())
}

pub(crate) fn host(name: &str) -> Identity {
    Identity::Host(name.parse().unwrap())
}

pub(crate) fn provider(application: &str, name: &str) -> Identity {
    Identity::Provider { application: application.parse().unwrap(), provider: name.parse().unwrap() }
}

pub(crate) fn client(application: &str, name: &str) -> Identity {
    Identity::Client { application: application.parse().unwrap(), client: name.parse().unwrap() }
}
