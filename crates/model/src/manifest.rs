//! The manifest, `lath.toml`: what a user asks for, parsed strictly.
//!
//! [`parse`] turns text into a [`Manifest`] in which only good values are left, or into every error that one pass
//! finds, each with its place. Start at `file.rs` (the keys), then `read.rs` (text to keys, unknown ones refused) and
//! `resolve.rs` (keys to a manifest, references checked).

mod actor;
mod client;
mod duration;
mod error;
mod file;
pub mod host_file;
mod leaf;
mod link;
mod overlay;
mod place;
mod read;
mod ready;
mod resolve;
mod route;
mod route_path;
mod schema;
mod size;
mod tree;

pub use actor::{Actor, Build, ComponentRef, Grants, Limits};
pub use client::{MayCall, MayCallError};
pub use error::{ManifestError, ManifestErrors};
pub use link::{Link, LinkKey, LinkKeyError, LinkTarget, OnFailure, Reach};
pub use ready::{Ready, ReadyCall, ReadyCallError};
pub use route::{DomainName, DomainNameError, Method, MethodError, Route};
pub use route_path::{RoutePath, RoutePathError, Segment};
pub use schema::schema;
pub use size::parse as byte_size;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::contract::ContractName;
use crate::ids::{ActorName, AppName, ClientName, EnvName, ProviderName, SecretName};
use place::Spans;

/// The kind of a provider that is a process of its own.
pub const EXTERNAL: &str = "external";

/// The versions of the manifest that [`parse`] reads.
pub const VERSIONS: [u32; 1] = [1];

/// Parses the text of a manifest.
///
/// # Errors
///
/// Everything that is wrong with the text, in its order; at most [`crate::limits::MANIFEST_ERRORS_MAX`] errors.
pub fn parse(text: &str) -> Result<Manifest, ManifestErrors> {
    read::read(text, None)
}

/// The same with the overlay of an environment, the table `env.NAME`.
///
/// # Errors
///
/// As of [`parse`]; there is no such environment.
pub fn parse_in(text: &str, env: Option<&EnvName>) -> Result<Manifest, ManifestErrors> {
    read::read(text, env)
}

/// The text of a manifest without overlays that says what `text` says in an environment. Where there are overlays, comments
/// are lost.
pub fn merged<'a>(text: &'a str, env: Option<&EnvName>) -> Cow<'a, str> {
    overlay::merged(text, env)
}

/// An application as its user wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The application's name.
    pub application: AppName,
    /// The longest time that a call may take where its link does not say.
    pub deadline: Duration,
    /// The actors.
    pub actors: BTreeMap<ActorName, Actor>,
    /// The providers.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// HTTP routes, in the order of the text.
    pub routes: Vec<Route>,
    /// Adapters written by hand.
    pub adapters: BTreeMap<ContractName, CustomAdapter>,
    /// What clients, programs outside the lattice, may call.
    pub clients: BTreeMap<ClientName, BTreeSet<MayCall>>,
    spans: Spans,
}

impl Manifest {
    /// The longest time that a call over `link` may take: the link's own deadline, else the application's.
    pub fn deadline_of(&self, link: &Link) -> Duration {
        link.deadline.unwrap_or(self.deadline)
    }

    /// The actors that routes lead to, and those that clients may call.
    pub fn called_from_outside(&self) -> impl Iterator<Item = &ActorName> {
        let clients = self.clients.values().flatten().map(|may| &may.actor);
        self.routes.iter().map(|route| &route.to).chain(clients)
    }

    /// The byte span of the value at `key` in the text, for an error that points at it. The key is written as in
    /// [`ManifestError::key`], such as `actors.cart.links."acme:tax/rates"` or `routes[0]`.
    pub fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.spans.get(key)
    }
}

/// Whoever implements a contract natively.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Which built-in provider, such as `keyvalue/embedded`, or [`EXTERNAL`].
    pub kind: String,
    /// Its configuration; the provider itself knows the keys.
    pub config: BTreeMap<String, ConfigValue>,
    /// The contract on which an external provider answers; the others know theirs.
    pub contract: Option<ContractName>,
}

/// A value in a provider's configuration. Of a manifest or a blueprint `S` is the name of a secret; once it was resolved it
/// is the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigValue<S = SecretName> {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// A secret.
    Secret(S),
}

/// Adapters written by hand for one contract; paths are relative to the manifest's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomAdapter {
    /// The component that turns typed calls into messages.
    pub sender: PathBuf,
    /// The component that turns messages into typed calls.
    pub receiver: PathBuf,
}
