//! Joining a lattice.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use engine::EngineSettings;
use lattice::calls::Caller;
use lattice::document::{Document as _, HostRecord, Incarnation};
use lattice::pulse::Pulse;
use lattice::secrets::{Keeper, Vault};
use lattice::store::{Buckets, StoreError};
use model::ids::{AppName, HostName, ProviderName};
use provider::contracts;
use tokio::sync::{mpsc, watch};

use super::{Input, Run};
use crate::authority::Knowledge;
use crate::control::{Share, State};
use crate::executor::{Disk, Executor, ExecutorSettings, News, Sources, Tenancy};
use crate::health::Health;
use crate::host::HostError;
use crate::ingress::Gate;
use crate::inventory::inventory;
use crate::limits::{COMPONENTS_BYTES_MAX, LOADS_MAX, NODE_EVENTS_MAX, NODE_START_TIME_MAX, WATCH_PAUSE};
use crate::node::beats::{self, Telling};
use crate::node::documents::Documents;
use crate::node::leave::Doors;
use crate::node::outsiders::Outsiders;
use crate::node::standing::{NodeNews, NodeStatus};
use crate::node::store::Store;
use crate::node::{Connection, NodeError, NodeSettings, TellNode, passing, watch as watches};
use crate::outside::gateway::Gateway;
use crate::outside::processes::Processes;
use crate::router::{Outside, Switchboard};
use crate::secrets::{Secrets, own_key};
use crate::server::{Reception, Server, Trust};
use crate::tap::Taps;

/// The folder in that for data, with a folder for each application.
pub(super) const APPS: &str = "apps";

impl Run {
    /// Starts everything but the loop.
    pub(in crate::node) async fn new(
        settings: NodeSettings,
        connection: Connection,
        tell: TellNode,
    ) -> Result<Self, NodeError> {
        let begun = Instant::now();
        let inventory = inventory()?;
        let (input, inputs) = mpsc::channel(NODE_EVENTS_MAX);
        let keeper = keeper(&settings).await?;
        let incarnation = incarnation(&connection.buckets, &settings.name).await?;
        let (bus, subjects) = (&connection.bus, &connection.subjects);
        let me = settings.name.clone();
        let health = Health::of(me.clone());
        let caller = Caller::start(Arc::clone(bus), subjects.clone(), me.clone(), incarnation).await?;
        let telling = Telling::new(me.clone(), incarnation, settings.instances);
        let ticking = beats::tick(telling.clone(), Arc::clone(bus), subjects.clone(), health.clone());
        // Nothing can have been sent to this life of the host before it began.
        let pulse = Pulse::start(true, ticking).map_err(NodeError::Pulse)?;
        telling.attend(pulse.stamp());
        let outside = Outside::new(me.clone(), health.clone(), caller).guarded(pulse.stamp());
        let processes = outside.processes.clone();
        let switchboard = Switchboard::observed(Some(outside), settings.telemetry.clone());
        let (knowledge, known) = watch::channel(Arc::new(Knowledge::default()));
        let trust =
            Trust::Agreement { knowledge: known, health: health.clone(), requests: contracts::handler()?.name.clone() };
        let stamp = Some(pulse.stamp());
        let reception = Reception { host: me.clone(), switchboard: switchboard.clone(), trust, stamp };
        let doors = open_doors(&connection, &settings, reception, processes, pulse.awake()).await?;
        let listen = doors.gate.as_ref().map(Gate::address);
        let listening = beats::listen(bus, subjects, &health).await?;
        let taps = Taps::new(Arc::clone(bus), subjects.clone(), me.clone());
        let listening = [listening, taps.attend().await?];
        let sources = sources(&settings, &connection, &keeper, taps);
        let executor = start_executor(&settings, &connection, sources, &switchboard, &input, &tell)?;
        let disk = Disk::open(&settings.cache.join("components"), COMPONENTS_BYTES_MAX);
        let disk = disk.inspect_err(|reason| tracing::warn!(%reason, "components are not kept on disk")).ok();
        let states = states(&settings.data.join(APPS));
        let sealing = keeper.key.public();
        let facts = settings.record(incarnation, listen, connection.storage.clone(), states, sealing);
        let epoch = watch::Sender::new(0);
        watches::spawn(&connection.buckets, &me, settings.planner, listen.is_some(), &input, &epoch.subscribe());
        if settings.planner {
            passing::spawn(&connection.buckets, keeper, input.clone(), epoch.subscribe());
        }
        Ok(Self {
            control: State::new(facts.clone(), listen.is_some()),
            store: Store::new(connection.buckets.clone(), me, input.clone()),
            documents: Documents::new(Arc::clone(&connection.objects), inventory, input.clone()),
            doors,
            disk: disk.map(Arc::new),
            settings,
            connection,
            tell,
            begun,
            looked: begun,
            inputs,
            input,
            epoch,
            executor: Arc::new(executor),
            switchboard,
            knowledge,
            gap: *pulse.gaps().borrow(),
            pulse,
            telling,
            health,
            listening,
            share: Share::default(),
            wished: BTreeMap::new(),
            assigned: BTreeMap::new(),
            held: BTreeMap::new(),
            next: None,
            again: None,
            deleting: Vec::new(),
            placed: BTreeMap::new(),
            adopted: None,
            ready: BTreeMap::new(),
            failing: Vec::new(),
            unwell: Vec::new(),
            gone_back: BTreeMap::new(),
            facts,
            told: watch::Sender::new(NodeStatus::default()),
            ended: None,
        })
    }
}

/// Opens what calls come in by.
async fn open_doors(
    connection: &Connection,
    settings: &NodeSettings,
    reception: Reception,
    processes: Processes,
    awake: watch::Receiver<bool>,
) -> Result<Doors, NodeError> {
    let (bus, subjects) = (&connection.bus, &connection.subjects);
    let (switchboard, stamp) = (reception.switchboard.clone(), reception.stamp.clone());
    let server = Server::start(Arc::clone(bus), subjects.clone(), reception).await?;
    let gateway = Gateway::new(Arc::clone(bus), subjects.clone(), switchboard.clone(), stamp.clone())?;
    let outsiders = Outsiders::start(bus, subjects, processes, gateway, awake).await?;
    let open = |address| Gate::open(address, settings.tls.clone(), switchboard, stamp);
    let gate = settings.listen.map(open).transpose()?;
    Ok(Doors { server: Some(server), gate, outsiders: Some(outsiders) })
}

/// A life later than any that the lattice remembers of this host.
async fn incarnation(buckets: &Buckets, me: &HostName) -> Result<Incarnation, StoreError> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let clock = u64::try_from(clock.as_millis()).unwrap_or(u64::MAX);
    let give_up = tokio::time::Instant::now() + NODE_START_TIME_MAX;
    let entry = loop {
        match buckets.hosts.get(me.as_str()).await {
            Ok(entry) => break entry,
            Err(error @ StoreError::Refused { .. }) => return Err(error),
            Err(error) if tokio::time::Instant::now() >= give_up => return Err(error),
            Err(reason) => tracing::info!(%reason, "the lattice does not answer yet"),
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    };
    let before = entry.and_then(|entry| entry.value).and_then(|value| HostRecord::decode(&value).ok());
    let drawn = RandomState::new().hash_one(std::process::id());
    Ok(Incarnation::begun(clock, before.map(|before| before.incarnation), drawn))
}

/// This host, with the key that it has in its data folder.
async fn keeper(settings: &NodeSettings) -> Result<Keeper, NodeError> {
    let (host, data) = (settings.name.clone(), settings.data.clone());
    let key = tokio::task::spawn_blocking(move || own_key(&data)).await.map_err(|_| NodeError::Gone)??;
    Ok(Keeper { host, key })
}

/// The host's sources, and the lattice's store of secrets.
fn sources(settings: &NodeSettings, connection: &Connection, keeper: &Keeper, taps: Taps) -> Sources {
    let given = settings.sources.clone();
    let vault = Vault::new(Arc::clone(&connection.buckets.secrets));
    let secrets = Secrets { lattice: Some(Arc::new((vault, keeper.clone()))), ..given.secrets };
    Sources { secrets, taps: Some(taps), ..given }
}

fn start_executor(
    settings: &NodeSettings,
    connection: &Connection,
    sources: Sources,
    switchboard: &Switchboard,
    input: &mpsc::Sender<Input>,
    tell: &TellNode,
) -> Result<Executor, HostError> {
    let executor = ExecutorSettings {
        tenancy: Tenancy::Many { data: settings.data.join(APPS) },
        engine: EngineSettings {
            cache_dir: Some(settings.cache.join("compiled")),
            instances_max: settings.instances,
            ..EngineSettings::default()
        },
        loads: LOADS_MAX,
        state: Some(Arc::clone(&connection.buckets.state)),
        telemetry: settings.telemetry.clone(),
        sources,
    };
    let (switchboard, input, tell) = (switchboard.clone(), input.clone(), Arc::clone(tell));
    let mut last = BTreeMap::new();
    let hear = Box::new(move |news| match news {
        News::Compiling { app, actor } => tell(NodeNews::Compiling { app, actor }),
        News::Loaded(loaded) => tell(NodeNews::Loaded(loaded)),
        News::GoneBack { app, refusal } => tell(NodeNews::GoneBack { app, refusal }),
        News::Failed { app, error } => tell(NodeNews::Failed { app, reason: error.whole() }),
        News::Linked(app, running) => switchboard.link(&app, &running),
        News::Switched(app, running) => {
            let version = running.as_ref().map(|running| running.version);
            let tried = running.as_ref().and_then(|running| running.tried.as_ref()).map(|tried| tried.version);
            let parts: Option<Vec<String>> = running.as_ref().map(|running| {
                let targets = &running.targets;
                let actors = targets.actors.keys().map(ToString::to_string);
                actors.chain(targets.providers.keys().map(ToString::to_string)).collect()
            });
            switchboard.switch(&app, running);
            // A full channel means that the loop looks at everything soon anyway.
            let sending = input.clone();
            tokio::spawn(async move { sending.send(Input::Switched).await });
            let told = (version, parts.clone(), tried);
            let before = match version {
                Some(_) => last.insert(app.clone(), told.clone()),
                // Nothing is remembered of what is gone.
                None => last.remove(&app),
            };
            if before == Some(told) {
                return;
            }
            tell(match (version, parts, tried) {
                (Some(before), _, Some(version)) => NodeNews::Trying { app, version, before },
                (Some(version), Some(parts), None) => NodeNews::Serving { app, version, parts },
                _ => NodeNews::Withdrawn { app },
            });
        }
    });
    Executor::start(executor, hear).map_err(HostError::Engine)
}

/// The providers that have state in a folder: files `APPLICATION/PROVIDER.redb`.
pub(super) fn states(data: &Path) -> BTreeSet<(AppName, ProviderName)> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut states = BTreeSet::new();
    for folder in entries(data) {
        let path = folder.path();
        let Ok(app) = names(folder).parse::<AppName>() else { continue };
        let files = entries(&path).map(names);
        let providers = files.filter_map(|file| file.strip_suffix(".redb")?.parse::<ProviderName>().ok());
        states.extend(providers.map(|provider| (app.clone(), provider)));
    }
    states
}
