//! The keys of the manifest: the types that the reader fills and the JSON schema is made from.
//!
//! A key that is required is still an `Option` here: where it is missing, that is already an error, and reading
//! goes on to find more.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::ConfigValue;
use super::actor::ComponentRef;
use super::client::MayCall;
use super::duration::WrittenDuration;
use super::leaf::{At, CommandLine, FileVersion, FunctionName, Pattern, ProviderKind, Target, Variable};
use super::link::{LinkKey, OnFailure, Reach};
use super::overlay;
use super::ready::ReadyCall;
use super::route::{DomainName, Method};
use super::route_path::RoutePath;
use crate::contract::ContractName;
use crate::destination::{Destination, Origin};
use crate::folder::Folder;
use crate::ids::{ActorName, AppName, ByteSize, ClientName, LabelKey, LabelValue, ProviderName, StoreName};
use crate::limits;
use crate::secret::Setting;

/// A Lath application: actors, providers, links and routes.
#[derive(Debug, JsonSchema)]
#[schemars(title = "lath.toml", deny_unknown_fields, transform = overlaid)]
pub(super) struct ManifestFile {
    /// The version of the manifest: 1.
    #[schemars(required)]
    pub(super) manifest: Option<At<FileVersion>>,
    /// The application.
    #[schemars(required)]
    pub(super) application: Option<ApplicationFile>,
    /// The actors, by name.
    pub(super) actors: Option<BTreeMap<At<ActorName>, ActorFile>>,
    /// The providers, by name.
    pub(super) providers: Option<BTreeMap<At<ProviderName>, ProviderFile>>,
    /// HTTP routes.
    pub(super) routes: Option<Vec<RouteFile>>,
    /// Adapters written by hand, by the contract that they serve.
    pub(super) adapters: Option<BTreeMap<At<ContractName>, AdapterFile>>,
    /// Programs outside the lattice that may call actors, by name.
    pub(super) clients: Option<BTreeMap<At<ClientName>, ClientFile>>,
}

/// The application.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "application", deny_unknown_fields)]
pub(super) struct ApplicationFile {
    /// Its name, unique in a lattice.
    #[schemars(required)]
    pub(super) name: Option<At<AppName>>,
    /// The longest time that a call may take where its link does not say; 5 seconds by default.
    pub(super) deadline: Option<At<WrittenDuration>>,
}

/// A component to run.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "actor", deny_unknown_fields, transform = later(Self::LATER))]
pub(super) struct ActorFile {
    /// The component's file, relative to the manifest's folder.
    #[schemars(required)]
    pub(super) component: Option<At<ComponentRef>>,
    /// How the component is built.
    pub(super) build: Option<BuildFile>,
    /// Which hosts of a lattice run the actor, and how many; one, whichever, by default.
    pub(super) place: Option<PlaceFile>,
    /// What says that the actor can take calls; as soon as it has started by default.
    pub(super) ready: Option<ReadyFile>,
    /// What the actor may use, per host.
    pub(super) limits: Option<LimitsFile>,
    /// What the actor may reach apart from its links.
    pub(super) grants: Option<GrantsFile>,
    /// The actor's configuration, as `wasi:config` shows it; a value may be a secret. Hosts may have other values for the
    /// keys that are named here.
    pub(super) config: Option<BTreeMap<At<String>, At<Setting>>>,
    /// Who answers each import: by label, interface or whole package.
    pub(super) links: Option<BTreeMap<At<LinkKey>, LinkFile>>,
}

impl ActorFile {
    pub(super) const LATER: &[&str] = &["share"];
}

/// How a component is built.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "build", deny_unknown_fields)]
pub(super) struct BuildFile {
    /// The command line, for the shell.
    #[schemars(required)]
    pub(super) run: Option<At<CommandLine>>,
    /// The folder that it runs in, relative to the manifest's; the manifest's by default.
    pub(super) dir: Option<At<PathBuf>>,
    /// Patterns of the files that it reads, relative to `dir`.
    pub(super) watch: Option<Vec<At<Pattern>>>,
}

/// Which hosts of a lattice run an actor, and how many. Actors that are linked with reach `host` are placed together.
#[derive(Debug, Default, JsonSchema)]
#[schemars(rename = "place", deny_unknown_fields)]
pub(super) struct PlaceFile {
    /// How many hosts run it; by default one, or as many as an actor that it is placed together with.
    #[schemars(range(min = 1, max = limits::REPLICAS_MAX))]
    pub(super) replicas: Option<At<u32>>,
    /// The label over whose values the hosts are spread, such as `zone`.
    pub(super) spread: Option<At<LabelKey>>,
    /// The labels that a host must have.
    #[schemars(extend("maxProperties" = limits::LABELS_MAX))]
    pub(super) on: Option<BTreeMap<At<LabelKey>, At<LabelValue>>>,
    /// True to run it on every host that has the labels.
    pub(super) everywhere: Option<At<bool>>,
}

/// What says that an actor can take calls. A new version of it takes none before.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "ready", deny_unknown_fields)]
pub(super) struct ReadyFile {
    /// A function that the actor exports, such as `acme:shop/health#ready`. It takes nothing, and says that the actor is
    /// ready by an answer that is neither `false` nor an error; until then it is asked again.
    #[schemars(required)]
    pub(super) call: Option<At<ReadyCall>>,
    /// How long the actor may take to become ready once it is asked; 10 seconds by default.
    pub(super) within: Option<At<WrittenDuration>>,
}

/// What an actor may use, per host.
#[derive(Debug, Default, JsonSchema)]
#[schemars(rename = "limits", deny_unknown_fields)]
pub(super) struct LimitsFile {
    /// Linear memory of one instance.
    pub(super) memory: Option<At<ByteSize>>,
    /// Instances at once.
    #[schemars(range(min = 1, max = limits::INSTANCES_MAX))]
    pub(super) instances: Option<At<u32>>,
    /// Running time of one call, with all that it waits for; 2 seconds by default.
    pub(super) execution: Option<At<WrittenDuration>>,
    /// Calls that wait for an instance.
    #[schemars(range(min = 0, max = limits::QUEUE_MAX))]
    pub(super) queue: Option<At<u32>>,
    /// Payload of one message.
    pub(super) message: Option<At<ByteSize>>,
    /// Calls below one another in a chain.
    #[schemars(range(min = 1, max = limits::DEPTH_MAX))]
    pub(super) depth: Option<At<u32>>,
    /// Output to the actor's log, per second.
    pub(super) log: Option<At<ByteSize>>,
    /// Calls that one instance serves; 1 is a fresh instance for each call.
    #[schemars(range(min = 1, max = limits::REUSE_MAX))]
    pub(super) reuse: Option<At<u32>>,
}

/// What an actor may reach apart from its links.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "grants", deny_unknown_fields)]
pub(super) struct GrantsFile {
    /// Environment variables, with their values, which may be secrets.
    pub(super) env: Option<BTreeMap<At<Variable>, At<Setting>>>,
    /// Where it may send requests of HTTP.
    pub(super) http: Option<Vec<At<Origin>>>,
    /// Where it may connect to with sockets: transport, host (a name, `*.` before one, an address or a range) and port.
    pub(super) network: Option<Vec<At<Destination>>>,
    /// Folders of its machine that it may read, with absolute paths; those with `:rw` it may also change.
    pub(super) folders: Option<Vec<At<Folder>>>,
}

/// Who answers the calls through one import, and how.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "link", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LinkFile {
    /// An actor or a provider of the application.
    #[schemars(required)]
    pub(super) to: Option<At<Target>>,
    /// How far calls may travel; `host` by default.
    pub(super) reach: Option<At<Reach>>,
    /// The longest time that a call may take; the application's deadline by default.
    pub(super) deadline: Option<At<WrittenDuration>>,
    /// The contract of an import whose name does not state it.
    pub(super) contract: Option<At<ContractName>>,
    /// What to do about functions that leave no room for a failure.
    pub(super) on_failure: Option<At<OnFailure>>,
    /// Functions whose calls may be tried again, on another host, after a failure that leaves open whether they ran.
    #[schemars(extend("uniqueItems" = true))]
    pub(super) idempotent: Option<Vec<At<FunctionName>>>,
    /// Of contracts of stores (`wasi:keyvalue`): those that may be opened besides `default`, each with its provider.
    pub(super) open: Option<BTreeMap<At<StoreName>, At<Target>>>,
    /// The middleware that calls pass on their way, in that order: actors that import and export the contract. A copy of each
    /// is fused into the caller.
    #[schemars(extend("uniqueItems" = true, "maxItems" = limits::CHAIN_MAX))]
    pub(super) via: Option<Vec<At<Target>>>,
}

/// Whoever implements a contract natively.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "provider", deny_unknown_fields)]
pub(super) struct ProviderFile {
    /// Which provider.
    #[schemars(required, rename = "use")]
    pub(super) kind: Option<At<ProviderKind>>,
    /// Its configuration, in which values may be secrets; an external one has its own.
    pub(super) config: Option<BTreeMap<At<String>, At<ConfigValue>>>,
    /// The contract on which an external provider answers; needed there, and there only.
    pub(super) contract: Option<At<ContractName>>,
}

/// Requests that go to an actor.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "route", deny_unknown_fields)]
pub(super) struct RouteFile {
    /// The host that is asked for; any by default.
    pub(super) host: Option<At<DomainName>>,
    /// Exact (`/cart`), with parameters (`/cart/{id}`) or with everything below (`/files/*`).
    #[schemars(required)]
    pub(super) path: Option<At<RoutePath>>,
    /// The methods; every one by default.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub(super) methods: Option<Vec<At<Method>>>,
    /// The actor.
    #[schemars(required)]
    pub(super) to: Option<At<Target>>,
    /// The middleware that requests pass on their way, in that order: actors that import and export the contract. A copy of
    /// each is fused into the actor.
    #[schemars(extend("uniqueItems" = true, "maxItems" = limits::CHAIN_MAX))]
    pub(super) via: Option<Vec<At<Target>>>,
}

/// Adapters written by hand for one contract.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "adapter", deny_unknown_fields)]
pub(super) struct AdapterFile {
    /// The component that turns typed calls into messages.
    #[schemars(required)]
    pub(super) sender: Option<At<PathBuf>>,
    /// The component that turns messages into typed calls.
    #[schemars(required)]
    pub(super) receiver: Option<At<PathBuf>>,
}

/// A program outside the lattice.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "client", deny_unknown_fields)]
pub(super) struct ClientFile {
    /// The contracts of actors that it may call.
    #[schemars(required, extend("uniqueItems" = true))]
    pub(super) may: Option<Vec<At<MayCall>>>,
}

/// Adds the overlays: the reader merges them before any key is read.
fn overlaid(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    let keys = overlay::KEYS.map(|key| (key.to_owned(), json!({})));
    let described =
        "Environments, by name: what is otherwise in one, merged key by key where `--env NAME` asks for it.";
    let one = json!({ "type": "object", "additionalProperties": false, "properties": Map::from_iter(keys) });
    let overlays = json!({ "description": described, "type": "object", "additionalProperties": one });
    properties.insert("env".to_owned(), overlays);
}

/// Adds keys that are known and not built yet: an editor shows why it refuses them.
fn later(keys: &'static [&'static str]) -> impl FnMut(&mut Schema) {
    move |schema| {
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        for key in keys {
            properties.insert((*key).to_owned(), json!({ "description": "Not supported yet.", "not": {} }));
        }
    }
}
