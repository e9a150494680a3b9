//! What an actor may reach through interfaces that the host meets, and where fused actors would share it.
//!
//! Composition merges equal imports of the host, so fused actors see one instance of such an interface.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use model::contract::ContractName;
use model::manifest::Grants;
use model::secret::Setting;

/// What of an actor's grants an interface shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Granted {
    /// Its environment.
    Env,
    /// Where it may send requests of HTTP.
    Http,
    /// Where it may connect to with sockets.
    Network,
    /// Folders that it may use.
    Folders,
    /// Its configuration.
    Config,
}

impl Granted {
    /// Every part.
    pub(crate) const ALL: [Self; 5] = [Self::Env, Self::Http, Self::Network, Self::Folders, Self::Config];
}

impl Display for Granted {
    /// As the manifest calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env => "env",
            Self::Http => "http",
            Self::Network => "network",
            Self::Folders => "folders",
            Self::Config => "config",
        })
    }
}

/// Interfaces whose answers depend on the actor's grants.
const GUARDED: [(&str, Granted); 12] = [
    ("wasi:cli/environment", Granted::Env),
    ("wasi:http/outgoing-handler", Granted::Http),
    ("wasi:http/client", Granted::Http),
    ("wasi:sockets/instance-network", Granted::Network),
    ("wasi:sockets/ip-name-lookup", Granted::Network),
    ("wasi:sockets/tcp", Granted::Network),
    ("wasi:sockets/tcp-create-socket", Granted::Network),
    ("wasi:sockets/types", Granted::Network),
    ("wasi:sockets/udp", Granted::Network),
    ("wasi:sockets/udp-create-socket", Granted::Network),
    ("wasi:filesystem/preopens", Granted::Folders),
    ("wasi:config/store", Granted::Config),
];

/// What of an actor's grants it sees through `interface`, if anything.
pub fn granted_through(interface: &ContractName) -> Option<Granted> {
    let name = interface.unversioned();
    GUARDED.iter().find(|(guarded, _)| *guarded == name).map(|(_, granted)| *granted)
}

/// The part of `grants` that an actor sees through an interface, as the manifest writes it.
pub(crate) fn written(grants: &Grants, granted: Granted) -> String {
    match granted {
        Granted::Env => pairs_written("env", &grants.env),
        Granted::Config => pairs_written("config", &grants.config),
        Granted::Http => list_written("http", &grants.http),
        Granted::Network => list_written("network", &grants.network),
        Granted::Folders => list_written("folders", &grants.folders),
    }
}

fn list_written<T: Display>(key: &str, list: &[T]) -> String {
    if list.is_empty() {
        return format!("no `{key}`");
    }
    let entries: Vec<_> = list.iter().map(|entry| format!("\"{entry}\"")).collect();
    format!("`{key} = [{}]`", entries.join(", "))
}

fn pairs_written(key: &str, pairs: &BTreeMap<String, Setting>) -> String {
    if pairs.is_empty() {
        return format!("no `{key}`");
    }
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("`{key} = {{ {} }}`", pairs.join(", "))
}
