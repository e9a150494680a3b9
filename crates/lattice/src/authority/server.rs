//! The configuration of NATS servers, as text.

mod endpoint;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

pub use endpoint::{Endpoint, EndpointError};

use super::keys::{Key, Kind, Seed};
use super::{Accounts, AuthorityError, Scope};
use crate::limits::{
    ROUTE_PING_INTERVAL, SERVER_CONNECTIONS_MAX, SERVER_CONTROL_LINE_BYTES_MAX, SERVER_PAYLOAD_BYTES_MAX,
    SERVER_PENDING_BYTES_MAX, SERVER_PING_INTERVAL, SERVER_PINGS_MAX,
};

/// The file beside a server's, in which [`accounts_text`] is to be kept. It changes when somebody is revoked.
pub const ACCOUNTS_FILE: &str = "accounts.conf";

/// The servers of a lattice: one, or three as a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// The servers.
    pub servers: Vec<Server>,
    /// The folder, from the root, in which each server has its store and process id, under its name.
    pub folder: PathBuf,
    /// Certificates; required where an address is not the loopback.
    pub tls: Option<Tls>,
    /// What the servers of a cluster show to each other.
    pub route_secret: RouteSecret,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, unique in the lattice: also that of its folder.
    pub name: String,
    /// Where it listens for clients.
    pub listen: Endpoint,
    /// Where others reach it: `listen` itself, unless that is "every address".
    pub advertise: Endpoint,
    /// The port on which it listens for the other servers.
    pub route_port: u16,
}

/// The files of the certificates of the servers, from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The servers' certificate, valid for the names and addresses of each.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificate of the authority that signed it.
    pub ca: PathBuf,
}

/// What the servers of a cluster show to each other: random, and kept secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSecret(Seed);

impl RouteSecret {
    /// A fresh secret, from the system's random source.
    pub fn generate() -> Result<Self, AuthorityError> {
        // The seed of a key is 256 random bits in letters and digits; the key itself is never used.
        Ok(Self(Key::generate(Kind::User).seed()?))
    }

    /// A secret that was kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Seed::new(text))
    }

    /// The secret text.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// Why a configuration is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Others than this machine could read what goes over the wire.
    #[error(
        "server {server} is to listen on {address}, which is not the loopback, and that takes TLS; name a certificate, \
         its key and the authority that signed it: --tls-cert, --tls-key and --tls-ca"
    )]
    PlainText {
        /// The server.
        server: String,
        /// The address.
        address: Endpoint,
    },
    /// A file's path does not fit into the configuration.
    #[error("the path {} cannot be written into the configuration of a NATS server; use one in UTF-8, without quotes, backslashes and control characters", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A number of servers with which nothing is gained, or agreement is lost.
    #[error("{count} servers cannot be set up; use one, or three of which one may fail")]
    Count {
        /// How many were asked for.
        count: usize,
    },
}

/// The configuration of the server at `index` of `servers`. It includes [`ACCOUNTS_FILE`] from its own folder.
///
/// # Errors
///
/// The servers are not one or three, an address is not the loopback and there is no TLS, or a path cannot be written.
pub fn server_text(scope: &Scope, servers: &Servers, server: &Server) -> Result<String, ServerError> {
    servers.check()?;
    let mut text = format!(
        "# Server {name} of lattice {lattice}, written by `lath lattice init`.\n\
         server_name: \"{name}\"\n\
         listen: \"{listen}\"\n\
         pid_file: {pid}\n\
         include \"{ACCOUNTS_FILE}\"\n\
         \n\
         max_payload: {SERVER_PAYLOAD_BYTES_MAX}\n\
         max_pending: {SERVER_PENDING_BYTES_MAX}\n\
         max_connections: {SERVER_CONNECTIONS_MAX}\n\
         # The token with a user's permissions is part of a line.\n\
         max_control_line: {SERVER_CONTROL_LINE_BYTES_MAX}\n\
         # A connection whose other end stands still or has gone without a word is closed after three of these, so that\n\
         # whoever shares calls with it gets them again soon. Who sends anything meanwhile is not asked.\n\
         ping_interval: \"{interval}s\"\n\
         ping_max: {SERVER_PINGS_MAX}\n\
         \n\
         jetstream {{\n\
         \x20 store_dir: {store}\n\
         \x20 # Nothing is acknowledged before it is on the disk.\n\
         \x20 sync_interval: always\n",
        name = server.name,
        lattice = scope.lattice,
        listen = server.listen,
        interval = SERVER_PING_INTERVAL.as_secs(),
        pid = quoted(&servers.pid_file(server))?,
        store = quoted(&servers.folder.join(&server.name))?,
    );
    if let Some(domain) = &scope.domain {
        append(&mut text, format_args!("  domain: \"{domain}\"\n"));
    }
    text.push_str("}\n");
    if server.advertise != server.listen {
        append(&mut text, format_args!("client_advertise: \"{}\"\n", server.advertise));
    }
    if let Some(tls) = &servers.tls {
        append(&mut text, format_args!("\n{}", tls_block("", tls, false)?));
    }
    if servers.servers.len() > 1 {
        text.push('\n');
        text.push_str(&cluster(scope, servers, server)?);
    }
    Ok(text)
}

/// What all servers are told of accounts: the text of [`ACCOUNTS_FILE`].
pub fn accounts_text(accounts: &Accounts) -> String {
    let Accounts { operator, system, system_token, account, account_token } = accounts;
    format!(
        "# Written by `lath lattice`; the same for every server. After a change: nats-server --signal reload\n\
         operator: \"{operator}\"\n\
         system_account: \"{system}\"\n\
         resolver: MEMORY\n\
         resolver_preload: {{\n\
         \x20 {system}: \"{system_token}\"\n\
         \x20 {account}: \"{account_token}\"\n\
         }}\n"
    )
}

impl Servers {
    /// Where `server` writes its process id: `nats-server --signal reload=FILE` reads it.
    pub fn pid_file(&self, server: &Server) -> PathBuf {
        self.folder.join(format!("{}.pid", server.name))
    }

    fn check(&self) -> Result<(), ServerError> {
        let count = self.servers.len();
        if count != 1 && count != 3 {
            return Err(ServerError::Count { count });
        }
        let addresses = self
            .servers
            .iter()
            .flat_map(|server| [&server.listen, &server.advertise].map(move |address| (server, address)));
        for (server, address) in addresses {
            if self.tls.is_none() && !address.is_loopback() {
                return Err(ServerError::PlainText { server: server.name.clone(), address: address.clone() });
            }
        }
        Ok(())
    }
}

fn cluster(scope: &Scope, servers: &Servers, server: &Server) -> Result<String, ServerError> {
    let secret = servers.route_secret.reveal();
    let mut text = format!(
        "cluster {{\n\
         \x20 name: \"lath-{}\"\n\
         \x20 listen: \"{}\"\n\
         \x20 # Between servers more is borne: a route that comes and goes costs a new leader of everything stored.\n\
         \x20 ping_interval: \"{}s\"\n\
         \x20 authorization {{ user: \"route\", password: \"{secret}\", timeout: 5 }}\n\
         \x20 routes: [\n",
        scope.lattice,
        server.listen.with_port(server.route_port),
        ROUTE_PING_INTERVAL.as_secs(),
    );
    for other in servers.servers.iter().filter(|other| other.name != server.name) {
        let address = other.advertise.with_port(other.route_port);
        append(&mut text, format_args!("    \"nats-route://route:{secret}@{address}\"\n"));
    }
    text.push_str("  ]\n");
    if let Some(tls) = &servers.tls {
        text.push_str(&tls_block("  ", tls, true)?);
    }
    text.push_str("}\n");
    Ok(text)
}

/// Certificates; those of the other end are asked for where `is_mutual`.
fn tls_block(indent: &str, tls: &Tls, is_mutual: bool) -> Result<String, ServerError> {
    let (cert, key, ca) = (quoted(&tls.cert)?, quoted(&tls.key)?, quoted(&tls.ca)?);
    let verify = if is_mutual { format!("{indent}  verify: true\n") } else { String::new() };
    Ok(format!(
        "{indent}tls {{\n\
         {indent}  cert_file: {cert}\n\
         {indent}  key_file: {key}\n\
         {indent}  ca_file: {ca}\n\
         {indent}  min_version: \"1.3\"\n\
         {indent}  timeout: 5\n\
         {verify}{indent}}}\n"
    ))
}

fn quoted(path: &Path) -> Result<String, ServerError> {
    let refused = || ServerError::Path { path: path.to_owned() };
    let text = path.to_str().ok_or_else(refused)?;
    if text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
        return Err(refused());
    }
    Ok(format!("\"{text}\""))
}

fn append(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(more);
}
