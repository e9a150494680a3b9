//! An application from its path to its calls: opened, planned, run.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use host::application::{Application, Step};
use model::ids::{AppName, EnvName};
use plan::Plan;
use tokio::runtime::{self, Runtime};

use crate::error::CliError;
use crate::output::Output;

/// In which environment an application is read.
#[derive(Debug, Args)]
pub(crate) struct Overlay {
    /// The environment whose overlay of the manifest is merged into it: the table `env.NAME`
    #[arg(long, value_name = "NAME")]
    env: Option<EnvName>,
}

impl Overlay {
    /// The environment, where one is named.
    pub(crate) fn env(&self) -> Option<&EnvName> {
        self.env.as_ref()
    }
}

/// Reads the application at `path`, building what is stale; each step is told as it begins and ends.
pub(crate) fn open(path: &Path, overlay: &Overlay, output: &Output) -> Result<Application, CliError> {
    Ok(Application::open_in(overlay.env.as_ref(), path, &mut |step| output.progress(&Told(&step)))?)
}

/// The plan of an application that does not run yet.
pub(crate) fn planned(application: &Application) -> Result<Plan, CliError> {
    application.plan(None).map_err(|problems| CliError::plan(application, &problems))
}

/// The threads that a host runs on.
pub(crate) fn threads() -> Result<Runtime, CliError> {
    let threads = runtime::Builder::new_multi_thread().enable_all().build();
    threads.map_err(|source| CliError::Start { what: "the system gives no threads", source })
}

/// An application of a lattice: its name, or a path to its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Named(String);

impl FromStr for Named {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Named {
    /// Its name. What could be a name is one, whatever folders there are.
    pub(crate) fn name(&self) -> Result<AppName, CliError> {
        match self.0.parse() {
            Ok(name) => Ok(name),
            Err(_) => Ok(host::operate::application_name(Path::new(&self.0))?),
        }
    }
}

/// A step as a line of progress.
pub(crate) struct Told<'a>(pub(crate) &'a Step);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Step::Building { actor, command } => write!(f, "building {actor}: {command}"),
            Step::Built { actor, elapsed } => write!(f, "built {actor} in {}", Lasting(*elapsed)),
            Step::Compiling { actor } => write!(f, "compiling {actor}"),
            Step::Compiled { actor, cached: true, elapsed } => {
                write!(f, "loaded {actor} from the cache in {}", Lasting(*elapsed))
            }
            Step::Compiled { actor, cached: false, elapsed } => {
                write!(f, "compiled {actor} in {}", Lasting(*elapsed))
            }
        }
    }
}

/// A length of time to three digits or so: `12.3 ms`, `4.56 s`.
pub(crate) struct Lasting(pub(crate) Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            write!(f, "{:.1} ms", self.0.as_secs_f64() * 1_000.0)
        } else {
            write!(f, "{:.2} s", self.0.as_secs_f64())
        }
    }
}
