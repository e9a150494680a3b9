//! `lath run`: an application on this machine, until a signal ends it.

pub(super) mod command;
pub(super) mod event;
mod grant;
pub(super) mod record;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use host::application::{Application, Step};
use host::config;
use host::ingress::TlsFiles;
use host::telemetry::Telemetry;
use host::{Host, HostSettings};
use lattice::memory::MemoryBus;
use model::host_file::ObserveTable;
use plan::Plan;

use crate::application::{Told, planned, threads};
use crate::arguments::address;
use crate::environment::Environment;
use crate::error::CliError;
use crate::local::Door;
use crate::observing::{Observe, Observed};
use crate::output::{Events, Outcome, Output};
use crate::signal::Termination;
use event::{Drained, Draining, Progress, Ready};
use record::{RecordOptions, Recording};

/// Run an application, or a command, on this machine
///
/// APP is an application, or a component. A component that exports `wasi:cli/run` and nothing else to call is a
/// command: it runs once, as a program would, and `lath` ends with its exit code. Nothing is granted to it but what
/// the options say. Any other component is an application of one actor.
///
/// Builds what is stale, composes, compiles (cached by content), starts the host and prints its URL and routes. Serves
/// until Ctrl-C or SIGTERM, then lets running calls finish; a second signal ends it at once. No server is needed: the
/// lattice is in memory, the stores are files in the data folder.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A folder with a `lath.toml`, a manifest, or a component
    #[arg(default_value = ".")]
    app: PathBuf,
    #[command(flatten)]
    command: command::Options,
    /// A TOML file of settings: of an application a table for each actor, of a command its keys and texts
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// A folder with a file for each secret, which its owner alone may read
    #[arg(long, value_name = "FOLDER")]
    secrets: Option<PathBuf>,
    /// Where to serve HTTP; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Serve HTTP over TLS with the chain of certificates in this PEM file; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The PEM file with the key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The folder for the data of providers [default: `.lath` beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    observe: Observe,
    #[command(flatten)]
    record: RecordOptions,
}

/// Where HTTP is served unless it is said.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Run {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        if let Some(name) = command::wanted(&self.app, &self.command)? {
            self.refuse_service()?;
            return self.command.run(name, self.config_file.as_deref(), output, environment);
        }
        let events = Events::start(*output)?;
        let outcome = self.serve(environment, &events);
        events.finish();
        outcome
    }

    fn serve(&self, environment: &Environment, events: &Events) -> Result<Outcome, CliError> {
        let begun = Instant::now();
        let env = self.command.overlay();
        let application = Application::open_in(env.as_ref(), &self.app, &mut |step| tell(events, &step))?;
        let plan = planned(&application)?;
        let mut settings = self.settings(&application, &plan, environment)?;
        let recording = self.record.begin(&plan.blueprint)?;
        settings.sources.recorder = recording.as_ref().map(|recording| recording.recorder.clone());
        let threads = threads()?;
        let outcome = threads.block_on(async {
            let observed = Observed::start(&self.observe, ObserveTable::default(), environment, events)?;
            let settings = HostSettings { telemetry: observed.telemetry.clone(), ..settings };
            let outcome = serve(application, plan, settings, recording, (events, environment), begun).await;
            observed.finish().await;
            outcome
        });
        // What still runs now was told to end, and did not.
        threads.shutdown_background();
        outcome
    }

    /// A command serves nothing and keeps no data.
    fn refuse_service(&self) -> Result<(), CliError> {
        let given = [
            ("--listen", self.listen.is_some()),
            ("--tls-cert", self.tls_cert.is_some()),
            ("--data", self.data.is_some()),
            ("--secrets", self.secrets.is_some()),
            ("--observe", self.observe.observe.is_some()),
            ("--record", self.record.is_given()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(CliError::Usage {
                message: format!("`{option}` is for applications, and {} runs as a command", self.app.display()),
                help: Some(format!("leave out `{option}`, or the options of a command")),
            }),
            None => Ok(()),
        }
    }

    fn settings(
        &self,
        application: &Application,
        plan: &Plan,
        environment: &Environment,
    ) -> Result<HostSettings, CliError> {
        let file = self.config_file.as_deref().map(config::read_settings).transpose()?.unwrap_or_default();
        let file = [(application.manifest().application.clone(), file)].into();
        Ok(HostSettings {
            name: "local".to_owned(),
            lattice: "local".to_owned(),
            listen: (!plan.blueprint.routes.is_empty()).then_some(self.listen.unwrap_or(LISTEN)),
            tls: self.tls_cert.clone().zip(self.tls_key.clone()).map(|(cert, key)| TlsFiles { cert, key }),
            data: self.data.clone().unwrap_or_else(|| application.folder().join(super::DATA)),
            cache: environment.cache.clone(),
            telemetry: Telemetry::default(),
            sources: environment.sources(config::given(file), self.secrets.clone()),
        })
    }
}

/// Waits for the end of a recording, if there is one that has not ended.
async fn watch(recording: &mut Option<Recording>, events: &Events) -> Result<(), CliError> {
    match recording {
        Some(recording) => recording.watch(events).await,
        None => std::future::pending().await,
    }
}

fn tell(events: &Events, step: &Step) {
    events.progress(&Told(step));
    events.event(&Progress::of(step));
}

async fn serve(
    application: Application,
    plan: Plan,
    settings: HostSettings,
    mut recording: Option<Recording>,
    (events, environment): (&Events, &Environment),
    begun: Instant,
) -> Result<Outcome, CliError> {
    let refused = |source| CliError::Start { what: "signals cannot be received", source };
    let mut termination = Termination::listen().map_err(refused)?;
    let ready = Ready::of(&plan);
    let bus = Arc::new(MemoryBus::new());
    let told = events.clone();
    let progress = Box::new(move |step: Step| tell(&told, &step));
    let start = Host::start(Arc::new(application), plan.blueprint, settings, bus, progress);
    let host = tokio::select! {
        host = start => host?,
        signal = termination.next() => {
            events.event(&Drained::after(signal));
            return Ok(Outcome::Success);
        }
    };
    let door = Door::open(environment, host.control());
    if let Err(reason) = &door {
        events.progress(&format_args!("no other command can patch this application: {reason}"));
    }
    events.print(&ready.serving(host.ready(), begun.elapsed()));
    let signal = loop {
        tokio::select! {
            signal = termination.next() => break signal,
            written = watch(&mut recording, events) => written?,
        }
    };
    drop(door);
    events.progress(&"draining; a second signal stops at once");
    events.event(&Draining::after(signal));
    let drained = tokio::select! {
        drained = host.drain() => drained.map_err(CliError::from),
        signal = termination.next() => Err(CliError::CutOff { signal }),
    };
    if let Some(recording) = &mut recording {
        recording.write(events)?;
    }
    drained?;
    events.print(&Drained::after(signal));
    Ok(Outcome::Success)
}
