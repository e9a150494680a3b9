//! Answers the contract as a process of its own: it joins a lattice, serves until a signal ends it, and leaves.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use lattice::connect::{ConnectSettings, Connection, ServerUrl};
use lattice::subject::Token;
use model::ids::{AppName, HostName, LatticeName, ProviderName};
use provider::contracts;
use provider::process::{Process, ProcessSettings};
use provider::service::{Backend, Service};

/// The contract.
const CONTRACT: &str = include_str!("../../wit/contract.wit");
/// How long calls that run may take to finish once the process is to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves example:my-actor/greeter to a lattice.
#[derive(Parser)]
struct Arguments {
    /// The NATS server.
    #[arg(long, default_value = "nats://127.0.0.1:4222")]
    server: ServerUrl,
    /// The lattice.
    #[arg(long, default_value = "main")]
    lattice: LatticeName,
    /// The provider's credentials, where the server asks for some.
    #[arg(long)]
    creds: Option<PathBuf>,
    /// The application.
    #[arg(long, default_value = "my-actor")]
    application: AppName,
    /// The provider, as the application's manifest calls it.
    #[arg(long, default_value = "my-actor")]
    provider: ProviderName,
}

provider::variant! {
    /// Why there is no greeting.
    #[derive(Clone, Debug, PartialEq)]
    enum GreetingError { Nobody, Transport(String) }
}

/// What calls share: connections to whatever the provider stands for. Here it is nothing.
struct Shared;
impl Backend for Shared {}

#[expect(clippy::print_stdout, reason = "a program tells its user")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { server, lattice, creds, application, provider } = Arguments::parse();
    let settings = ConnectSettings {
        credentials: creds,
        name: format!("provider {application}/{provider}"),
        ..ConnectSettings::new(vec![server], lattice)
    };
    let subjects = settings.subjects()?;
    let connection = Connection::open(settings).await?;
    // Only a host has an echo; a provider asks for none.
    let nobody: HostName = "none".parse()?;
    let bus = Arc::new(connection.bus(subjects.echo(&nobody)));
    // Its name among the processes of the provider: several may run, and hosts choose among them.
    let instance: Token = format!("process-{}", std::process::id()).parse()?;
    let process = ProcessSettings { application, provider, instance };
    let process = Process::start(service()?, &process, bus, subjects).await?;
    println!("serving");
    ended().await?;
    let cut_off = process.drain(Instant::now() + PATIENCE).await;
    println!("left; {cut_off} calls were cut off");
    Ok(())
}

fn service() -> Result<Service<Shared>, Box<dyn Error>> {
    let contract = contracts::from_wit(CONTRACT, "greeter", &[])?;
    let service = Service::build(contract, Arc::new(Shared));
    Ok(service.function("greet", async |_: Arc<Shared>, (name,): (String,), _| Ok(greet(&name))).finish()?)
}

fn greet(name: &str) -> Result<String, GreetingError> {
    match name.trim() {
        "" => Err(GreetingError::Nobody),
        name => Ok(format!("Hello, {name}!")),
    }
}

/// Waits for SIGTERM or SIGINT.
async fn ended() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
