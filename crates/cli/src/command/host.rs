//! `lath host`: a host of a lattice, until a signal or an operator ends it.

mod event;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use host::Sources;
use host::config;
use host::control::Exit;
use host::ingress;
use host::node::{self, Node, NodeNews, NodeSettings};
use host::telemetry::Telemetry;
use lattice::connect::{ConnectError, ConnectSettings, Connection, Departures, TlsFiles};
use lattice::subject::{Subject, Subjects, Token};
use model::host_file::{HostFile, LatticeTable};
use model::ids::HostName;
use tokio::runtime::{Builder, Runtime};

use super::run::event::Draining;
use crate::environment::Environment;
use crate::error::CliError;
use crate::observing::{Observe, Observed};
use crate::output::{Events, Outcome, Output};
use crate::signal::Termination;
use event::{Drained, Event, Ready};

/// Threads of a host beside those of its ingress: one that is idle costs memory, and calls rarely wait for one.
const THREADS_MIN: usize = 2;
const THREADS_MAX: usize = 4;

/// The pause before servers that do not answer are tried again.
const CONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Run a host of a lattice
///
/// Joins the lattice that its file names and runs what is placed on it, until Ctrl-C, SIGTERM or `lath drain`: then
/// others take over what can move, running calls finish, and it leaves. A second signal ends it at once. Servers that
/// do not answer are waited for.
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// The host's file
    #[arg(long, value_name = "FILE", default_value = "host.toml")]
    config: PathBuf,
    #[command(flatten)]
    observe: Observe,
}

/// What a host starts with.
struct Start {
    file: HostFile,
    sources: Sources,
    telemetry: Telemetry,
    settings: ConnectSettings,
}

impl Host {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let file = config::read(&self.config)?;
        let sources = environment.sources(config::given(file.config.clone()), file.secrets.clone());
        let settings = connect_settings(&file)?;
        if let Some(tls) = tls_files(&file) {
            let unusable =
                |error| CliError::Start { what: "HTTP cannot be served over TLS", source: io::Error::other(error) };
            tls.check().map_err(unusable)?;
        }
        let threads = threads()?;
        let events = Events::start(*output)?;
        let outcome = threads.block_on(async {
            let observed = Observed::start(&self.observe, file.observe.clone(), environment, &events)?;
            let start = Start { file, sources, telemetry: observed.telemetry.clone(), settings };
            let outcome = serve(start, &events).await;
            observed.finish().await;
            outcome
        });
        events.finish();
        // What still runs now was told to end, and did not.
        threads.shutdown_background();
        outcome
    }
}

fn threads() -> Result<Runtime, CliError> {
    let cores = std::thread::available_parallelism().map_or(THREADS_MIN, usize::from);
    let threads =
        Builder::new_multi_thread().worker_threads(cores.clamp(THREADS_MIN, THREADS_MAX)).enable_all().build();
    threads.map_err(|source| CliError::Start { what: "the system gives no threads", source })
}

fn connect_settings(file: &HostFile) -> Result<ConnectSettings, CliError> {
    let LatticeTable { name, servers, credentials, prefix, domain, storage_replicas, tls } = &file.lattice;
    let servers = servers.iter().map(|server| server.as_str().parse().map_err(|error| wrong(&error)));
    let usual = ConnectSettings::new(servers.collect::<Result<_, _>>()?, name.clone());
    let prefix = prefix.as_ref().map(|prefix| prefix.as_str().parse::<Subject>()).transpose();
    let domain = domain.as_ref().map(|domain| domain.as_str().parse::<Token>()).transpose();
    Ok(ConnectSettings {
        credentials: credentials.clone(),
        tls: TlsFiles { ca: tls.ca.clone(), own: tls.identity.clone() },
        name: format!("host {}", file.host.name),
        prefix: prefix.map_err(|error| wrong(&error))?,
        domain: domain.map_err(|error| wrong(&error))?,
        replicas: usize::try_from(*storage_replicas).unwrap_or(1),
        ..usual
    })
}

fn tls_files(file: &HostFile) -> Option<ingress::TlsFiles> {
    let (cert, key) = file.host.tls.clone()?;
    Some(ingress::TlsFiles { cert, key })
}

fn wrong(error: &dyn std::fmt::Display) -> CliError {
    CliError::Usage { message: error.to_string(), help: None }
}

fn node_settings(file: HostFile, sources: Sources, telemetry: Telemetry) -> NodeSettings {
    let (cache, tls) = (config::cache(&file), tls_files(&file));
    let host = file.host;
    NodeSettings {
        name: host.name,
        labels: host.labels,
        planner: host.planner,
        listen: host.listen,
        tls,
        data: host.data,
        cache,
        instances: host.instances,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        telemetry,
        sources,
    }
}

async fn serve(start: Start, events: &Events) -> Result<Outcome, CliError> {
    let refused = |source| CliError::Start { what: "signals cannot be received", source };
    let mut termination = Termination::listen().map_err(refused)?;
    let ready = Ready::of(&start.file);
    let name = start.file.host.name.clone();
    let join = join(start, events);
    let (node, departures) = tokio::select! {
        joined = join => joined?,
        signal = termination.next() => {
            events.event(&Drained::after(Some(signal)));
            return Ok(Outcome::Success);
        }
    };
    events.print(&ready.serving(node.listen()));
    if let Some(departures) = departures {
        tokio::spawn(hear(departures, node.health().clone()));
    }
    let signal = tokio::select! {
        exit = node.ended() => return ended(exit?, &name, None, events),
        signal = termination.next() => signal,
    };
    events.progress(&"draining; a second signal stops at once");
    events.event(&Draining::after(signal));
    // What cannot move stays behind: whoever stops a machine does not ask whether it may.
    node.drain(true).await;
    tokio::select! {
        exit = node.ended() => ended(exit?, &name, Some(signal), events),
        signal = termination.next() => Err(CliError::CutOff { signal }),
    }
}

fn ended(exit: Exit, name: &HostName, signal: Option<&'static str>, events: &Events) -> Result<Outcome, CliError> {
    match exit {
        Exit::Drained => {
            events.print(&Drained::after(signal));
            Ok(Outcome::Success)
        }
        Exit::Superseded => Err(CliError::Superseded { host: name.to_string() }),
    }
}

/// Connects, and joins once the servers answer.
async fn join(start: Start, events: &Events) -> Result<(Node, Option<Departures>), CliError> {
    let Start { file, sources, telemetry, settings } = start;
    let name = file.host.name.clone();
    let subjects = settings.subjects().map_err(|error| wrong(&error))?;
    let mut told = false;
    let (connection, departures) = loop {
        match open(settings.clone(), subjects.clone(), &name).await {
            Ok(connection) => break connection,
            Err(error) if error.is_passing() => {
                if !told {
                    told = true;
                    events.progress(&format!("waiting for the lattice: {error}"));
                    events.event(&Event::Waiting { reason: error.to_string() });
                }
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            Err(error) => {
                let (host, lattice) = (name.to_string(), file.lattice.name.to_string());
                return Err(CliError::Join { host, lattice, source: Box::new(error) });
            }
        }
    };
    let events = events.clone();
    let tell = Arc::new(move |news: NodeNews| tell(&events, &news));
    let node = Node::start(node_settings(file, sources, telemetry), connection, tell).await?;
    Ok((node, departures))
}

async fn open(
    settings: ConnectSettings,
    subjects: Subjects,
    name: &HostName,
) -> Result<(node::Connection, Option<Departures>), ConnectError> {
    let connection = Connection::open(settings).await?;
    let (buckets, objects) = (connection.buckets(true).await?, connection.objects(true).await?);
    let bus = Arc::new(connection.bus(subjects.echo(name)));
    let storage = connection.storage().await;
    let departures = connection.departures().await;
    Ok((node::Connection { bus, subjects, buckets, objects, storage }, departures))
}

/// Passes on whose connection has ended, as far as the servers tell.
async fn hear(mut departures: Departures, health: host::health::Health) {
    while let Some(departure) = departures.next().await {
        let host = departure.user.strip_prefix("host.").and_then(|host| host.parse().ok());
        if let Some(host) = host {
            health.disconnected(&host);
        }
    }
}

fn tell(events: &Events, news: &NodeNews) {
    // The end has a line of its own.
    if !matches!(news, NodeNews::Ended(_)) {
        events.progress(news);
    }
    if let Some(event) = Event::of(news) {
        events.event(&event);
    }
}
