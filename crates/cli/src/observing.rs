//! What the process tells of itself while it runs a host: metrics and health over HTTP, traces and logs to a collector.

use std::net::SocketAddr;

use clap::Args;
use host::observe::{Observatory, ObserveError};
use host::telemetry::{Settings, Telemetry};
use model::host_file::ObserveTable;
use serde::Serialize;

use crate::arguments::address;
use crate::environment::Environment;
use crate::error::CliError;
use crate::logging;
use crate::output::Events;

/// What can be said of it on the command line.
#[derive(Debug, Args)]
pub(crate) struct Observe {
    /// Where to serve metrics and health, `/metrics`, `/healthz` and `/readyz`: nowhere unless it is said
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) observe: Option<SocketAddr>,
}

/// What is observed, until it is [finished](Self::finish).
pub(crate) struct Observed {
    /// What the host tells of itself.
    pub(crate) telemetry: Telemetry,
    observatory: Option<Observatory>,
}

/// The process is observed there.
#[derive(Serialize)]
#[serde(tag = "event", rename = "observed", rename_all = "kebab-case")]
struct Observing {
    address: SocketAddr,
}

impl Observed {
    /// Begins, as the host's file, the command line and the environment say; from inside a tokio runtime.
    pub(crate) fn start(
        options: &Observe,
        file: ObserveTable,
        environment: &Environment,
        events: &Events,
    ) -> Result<Self, CliError> {
        let file = ObserveTable { listen: options.observe.or(file.listen), ..file };
        let settings = Settings::read(&file, &|name| environment.telemetry.get(name).cloned());
        let settings = settings.map_err(|error| usage(&error))?;
        let telemetry = Telemetry::start(&settings).map_err(|error| usage(&error))?;
        telemetry.hear(logging::actor_lines());
        let observatory = file.listen.map(|address| Observatory::open(address, telemetry.clone()));
        let observatory = observatory.transpose().map_err(refused)?;
        if let Some(observatory) = &observatory {
            let address = observatory.address();
            events.progress(&format!("observed at http://{address}/metrics"));
            events.event(&Observing { address });
        }
        Ok(Self { telemetry, observatory })
    }

    /// Exports what is left, within a few seconds, and ends.
    pub(crate) async fn finish(self) {
        self.telemetry.finish().await;
        if let Some(observatory) = self.observatory {
            observatory.close().await;
        }
    }
}

fn refused(error: ObserveError) -> CliError {
    CliError::Observe(Box::new(error))
}

/// What cannot be done as it is asked for, with its reasons.
fn usage(error: &dyn std::error::Error) -> CliError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        message = format!("{message}: {reason}");
        source = reason.source();
    }
    CliError::Usage {
        message,
        help: Some("docs/OBSERVABILITY.md lists the variables and the keys of the file".to_owned()),
    }
}
