//! A host's own file, `host.toml`: who the machine is, and which lattice it joins.
//!
//! [`parse`] is as strict as that of a manifest: every error of one pass, each with its place. Paths are as written; they
//! start from the file's folder.
//!
//! ```toml
//! [host]
//! name = "a1"
//! data = "data"                        # the folder for the data of providers
//! cache = "cache"                      # components and compiled code; `cache` in `data` where left out
//! listen = "0.0.0.0:8080"              # HTTP; none where left out
//! tls = { cert = "www.pem", key = "www.key" }   # for HTTP; not encrypted where left out
//! labels = { zone = "a" }
//! instances = 1000                     # composites alive at once, of all actors together
//! planner = true
//! [secrets]
//! dir = "secrets"                      # a file for each secret
//! [config.shop.cart]                   # in the place of what the manifest of `shop` says
//! currency = "CHF"
//! [lattice]
//! name = "prod"
//! servers = ["tls://nats-1:4222", "tls://nats-2:4222"]
//! credentials = "a1.nk"
//! prefix = "lath"
//! domain = "leaf"
//! storage-replicas = 3
//! [lattice.tls]
//! ca = "ca.pem"
//! cert = "a1.pem"
//! key = "a1.key"
//! [observe]
//! listen = "127.0.0.1:9464"            # metrics and health over HTTP; none where left out
//! endpoint = "http://127.0.0.1:4318"   # where traces and logs go, by OTLP
//! service = "shop"
//! sampler = "parentbased_traceidratio"
//! sampler-argument = "0.1"
//! ```

mod settings;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use toml::de::DeTable;

use super::ManifestErrors;
use super::error::placed;
use super::leaf::At;
use super::read::{syntax_fault, too_long};
use super::tree::{Node, Notes, Table};
use crate::ids::{AppName, HostName, LabelKey, LabelValue, Labels, LatticeName};
use crate::limits::{HOST_INSTANCES_DEFAULT, HOST_INSTANCES_MAX, MANIFEST_BYTES_MAX};

pub use settings::{ActorSettings, parse_settings};
pub use words::{ServerUrl, Tokens};

use words::StorageReplicas;

/// What a host's file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFile {
    /// The machine.
    pub host: HostTable,
    /// The folder with a file for each secret, where there is one.
    pub secrets: Option<PathBuf>,
    /// Settings of actors, in the place of what their manifests say.
    pub config: BTreeMap<AppName, ActorSettings>,
    /// The lattice that it joins.
    pub lattice: LatticeTable,
    /// What is observed of it, and where.
    pub observe: ObserveTable,
}

/// What is observed of a host, and where. What the texts mean is for whoever observes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveTable {
    /// Where metrics and health are served; nowhere where absent.
    pub listen: Option<SocketAddr>,
    /// The collector of traces and logs.
    pub endpoint: Option<String>,
    /// What the host is called there.
    pub service: Option<String>,
    /// Which traces are recorded.
    pub sampler: Option<String>,
    /// How many, where the sampler asks that.
    pub sampler_argument: Option<String>,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTable {
    /// Its name, unique in the lattice.
    pub name: HostName,
    /// The folder for the data of providers.
    pub data: PathBuf,
    /// The folder for components and compiled code; `cache` in `data` where absent.
    pub cache: Option<PathBuf>,
    /// Where HTTP is served; nowhere where absent.
    pub listen: Option<SocketAddr>,
    /// The chain of certificates that HTTP is served with and its key; not encrypted where absent.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// By what manifests say where actors run.
    pub labels: Labels,
    /// Composites alive at once, of all actors together.
    pub instances: u32,
    /// True where it may plan.
    pub planner: bool,
}

/// The lattice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatticeTable {
    /// Its name.
    pub name: LatticeName,
    /// The NATS servers; one that answers is enough.
    pub servers: Vec<ServerUrl>,
    /// The file with the host's credentials.
    pub credentials: Option<PathBuf>,
    /// What every subject begins with; `lath` where absent.
    pub prefix: Option<Tokens>,
    /// The domain of JetStream.
    pub domain: Option<Tokens>,
    /// How many servers keep each bucket where this host is the first to make it.
    pub storage_replicas: u32,
    /// Files for TLS.
    pub tls: Tls,
}

/// Files for TLS, as PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authority that signed the servers' certificates; those of the system where absent.
    pub ca: Option<PathBuf>,
    /// The host's own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Parses the text of a host's file.
///
/// # Errors
///
/// Everything that is wrong with the text, in its order; at most [`crate::limits::MANIFEST_ERRORS_MAX`] errors.
pub fn parse(text: &str) -> Result<HostFile, ManifestErrors> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(placed(text, vec![too_long("the file", text.len(), "leave something out")]));
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(placed(text, errors.iter().map(|error| syntax_fault(error, text)).collect()));
    }
    let mut notes = Notes::default();
    let mut table = Table::root(root.get_ref());
    let host = table.need("host", r#"{ name = "a1" }"#, &mut notes).and_then(|node| host(node, &mut notes));
    let secrets = table.take("secrets", &mut notes).and_then(|node| settings::secrets(node, &mut notes));
    let config = table.take("config", &mut notes);
    let config = config.and_then(|node| node.table("[config.shop.cart]", &mut notes));
    let config = config.map(|config| config.entries(&mut notes, settings::application));
    let example = r#"{ name = "prod", servers = ["nats://127.0.0.1:4222"] }"#;
    let lattice = table.need("lattice", example, &mut notes).and_then(|node| lattice(node, &mut notes));
    let observe = table.take("observe", &mut notes).and_then(|node| observe(node, &mut notes));
    table.close(&mut notes);
    match (host, lattice) {
        (Some(host), Some(lattice)) if notes.faults.is_empty() => {
            let config = settings::named(config.unwrap_or_default());
            Ok(HostFile { host, secrets: value(secrets), config, lattice, observe: observe.unwrap_or_default() })
        }
        _ => Err(placed(text, notes.faults)),
    }
}

fn host(node: Node<'_>, notes: &mut Notes) -> Option<HostTable> {
    let mut table = node.table(r#"{ name = "a1" }"#, notes)?;
    let name = table.need_leaf("name", notes);
    let data = table.leaf("data", notes);
    let cache = table.leaf("cache", notes);
    let listen = table.leaf("listen", notes);
    let tls = table.take("tls", notes).and_then(|node| ingress_tls(node, listen.is_some(), notes));
    let labels = table.take("labels", notes).and_then(|node| node.table(r#"{ zone = "a" }"#, notes));
    let labels: Option<BTreeMap<At<LabelKey>, At<LabelValue>>> = labels.map(|labels| labels.entries(notes, Node::leaf));
    let instances = table.leaf::<u32>("instances", notes);
    if let Some(instances) = &instances
        && !(1..=HOST_INSTANCES_MAX).contains(&instances.value)
    {
        let help = format!("write a whole number from 1 to {HOST_INSTANCES_MAX}");
        notes.fault_at(instances, format!("{} is out of range", instances.value), help);
    }
    let planner = table.leaf("planner", notes);
    table.close(notes);
    Some(HostTable {
        name: value(name)?,
        data: value(data).unwrap_or_else(|| PathBuf::from("data")),
        cache: value(cache),
        listen: value(listen),
        tls,
        labels: labels.unwrap_or_default().into_iter().map(|(key, label)| (key.value, label.value)).collect(),
        instances: value(instances).unwrap_or(HOST_INSTANCES_DEFAULT),
        planner: value(planner).unwrap_or(true),
    })
}

fn lattice(node: Node<'_>, notes: &mut Notes) -> Option<LatticeTable> {
    let mut table = node.table(r#"{ name = "prod", servers = ["nats://127.0.0.1:4222"] }"#, notes)?;
    let name = table.need_leaf("name", notes);
    let servers = table.need("servers", r#"["nats://127.0.0.1:4222"]"#, notes).and_then(|node| servers(node, notes));
    let credentials = table.leaf("credentials", notes);
    let prefix = table.leaf("prefix", notes);
    let domain = table.leaf::<Tokens>("domain", notes);
    if let Some(domain) = domain.as_ref().filter(|domain| domain.value.as_str().contains('.')) {
        notes.fault_at(domain, "a domain is a single word".to_owned(), "write it without dots".to_owned());
    }
    let replicas: Option<At<StorageReplicas>> = table.leaf("storage-replicas", notes);
    let tls = table.take("tls", notes).and_then(|node| tls(node, notes));
    table.close(notes);
    Some(LatticeTable {
        name: value(name)?,
        servers: servers?,
        credentials: value(credentials),
        prefix: value(prefix),
        domain: value(domain),
        storage_replicas: value(replicas).map_or(1, |replicas| replicas.0),
        tls: tls.unwrap_or_default(),
    })
}

fn servers(node: Node<'_>, notes: &mut Notes) -> Option<Vec<ServerUrl>> {
    if node.is_empty_array() {
        node.fault(notes, "there is no server", r#"name one, such as ["nats://127.0.0.1:4222"]"#);
        return None;
    }
    let servers: Vec<At<ServerUrl>> = node.list(notes)?;
    let mut seen = BTreeSet::new();
    for server in &servers {
        if !seen.insert(&server.value) {
            notes.fault_at(server, format!("`{}` is named twice", server.value), "leave one out".to_owned());
        }
    }
    Some(servers.into_iter().map(|server| server.value).collect())
}

fn tls(node: Node<'_>, notes: &mut Notes) -> Option<Tls> {
    let mut table = node.table(r#"{ ca = "ca.pem" }"#, notes)?;
    let ca = table.leaf("ca", notes);
    let identity = identity(&mut table, notes);
    table.close(notes);
    Some(Tls { ca: value(ca), identity })
}

fn ingress_tls(node: Node<'_>, listens: bool, notes: &mut Notes) -> Option<(PathBuf, PathBuf)> {
    if !listens {
        node.fault(notes, "there is no HTTP for it", r#"add `listen = "0.0.0.0:8443"`, or leave `tls` out"#);
        return None;
    }
    let mut table = node.table(r#"{ cert = "www.pem", key = "www.key" }"#, notes)?;
    let cert = table.need("cert", r#""www.pem""#, notes).and_then(|node| node.leaf(notes));
    let key = table.need("key", r#""www.key""#, notes).and_then(|node| node.leaf(notes));
    table.close(notes);
    Some((value(cert)?, value(key)?))
}

/// A certificate and its key, or neither.
fn identity(table: &mut Table<'_>, notes: &mut Notes) -> Option<(PathBuf, PathBuf)> {
    match (table.leaf("cert", notes), table.leaf("key", notes)) {
        (Some(cert), Some(key)) => Some((At::<PathBuf>::into_value(cert), At::<PathBuf>::into_value(key))),
        (None, None) => None,
        (Some(lone), None) => {
            notes.fault_at(&lone, "a certificate needs its key".to_owned(), r#"add `key = "a1.key"`"#.to_owned());
            None
        }
        (None, Some(lone)) => {
            notes.fault_at(&lone, "a key needs its certificate".to_owned(), r#"add `cert = "a1.pem"`"#.to_owned());
            None
        }
    }
}

fn observe(node: Node<'_>, notes: &mut Notes) -> Option<ObserveTable> {
    let mut table = node.table(r#"{ listen = "127.0.0.1:9464" }"#, notes)?;
    let listen = table.leaf("listen", notes);
    let [endpoint, service, sampler, sampler_argument] =
        ["endpoint", "service", "sampler", "sampler-argument"].map(|key| value(table.leaf::<String>(key, notes)));
    table.close(notes);
    Some(ObserveTable { listen: value(listen), endpoint, service, sampler, sampler_argument })
}

fn value<T>(at: Option<At<T>>) -> Option<T> {
    at.map(At::into_value)
}
