//! The tax of examples/shop as a process of its own. It joins a lattice, serves until a signal ends it, and leaves.

mod tax;

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

use tax::{Assessment, Item, TaxError};

/// The contract, as examples/shop has it.
const RATES: &str = include_str!("../../shop/wit/deps/acme-tax/tax.wit");
/// How long calls that run may take to finish once it is to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves acme:tax/rates to a lattice.
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
    #[arg(long, default_value = "shop")]
    application: AppName,
    /// The provider, as the application's manifest calls it.
    #[arg(long, default_value = "tax")]
    provider: ProviderName,
    /// The name of this process among those of the provider.
    #[arg(long)]
    instance: Option<Token>,
}

/// Nothing is shared between calls, and nothing is to be let go of.
struct Tables;
impl Backend for Tables {}

#[expect(clippy::print_stdout, reason = "a program tells its user")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let instance = match arguments.instance {
        Some(instance) => instance,
        None => format!("process-{}", std::process::id()).parse()?,
    };
    let name = format!("provider {}/{}", arguments.application, arguments.provider);
    let settings = ConnectSettings {
        credentials: arguments.creds,
        name,
        ..ConnectSettings::new(vec![arguments.server], arguments.lattice)
    };
    let subjects = settings.subjects()?;
    let connection = Connection::open(settings).await?;
    // Only a host has an echo; a provider asks for none.
    let nobody: HostName = "none".parse()?;
    let bus = Arc::new(connection.bus(subjects.echo(&nobody)));
    let process = ProcessSettings { application: arguments.application, provider: arguments.provider, instance };
    let process = Process::start(service()?, &process, bus, subjects).await?;
    println!("serving");
    ended().await?;
    let cut_off = process.drain(Instant::now() + PATIENCE).await;
    println!("left; {cut_off} calls were cut off");
    Ok(())
}

fn service() -> Result<Service<Tables>, Box<dyn Error>> {
    let contract = contracts::from_wit(RATES, "rates", &[])?;
    let service = Service::build(contract, Arc::new(Tables))
        .function("assess", async |_: Arc<Tables>, (country, items): (String, Vec<Item>), _| {
            Ok::<Result<Assessment, TaxError>, _>(tax::assess(&country, items))
        })
        .function("countries", async |_: Arc<Tables>, (): (), _| Ok(Ok::<_, TaxError>(tax::countries())))
        .finish()?;
    Ok(service)
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
