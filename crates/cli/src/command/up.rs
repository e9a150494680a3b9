//! `lath up`: an application becomes the newest version of itself on a lattice.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use host::application::Application;
use host::operate::Progress;

use super::deployment::{Report, Rollout, Wait, serving};
use crate::application::{Overlay, open};
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::{Joined, on_lattice};
use crate::output::{Outcome, Output};

/// Deploy an application to a lattice
///
/// Builds what is stale, plans it, sends the components that the lattice does not have, and writes a new version; hosts
/// fetch it from there, so this machine is not needed any more. Waits until the version serves wherever it is asked for.
/// Where the same stands already, no version is made. What was patched since is not undone without `--revert`. Where actors
/// change, they get a share of the calls first; a version that does worse than the one before is gone back from.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// A folder with a `lath.toml`, a manifest, or a component
    #[arg(default_value = ".")]
    app: PathBuf,
    #[command(flatten)]
    overlay: Overlay,
    /// Set actors that were patched back to what is deployed now
    #[arg(long)]
    revert: bool,
    #[command(flatten)]
    rollout: Rollout,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    choice: Choice,
}

impl Up {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        let application = open(&self.app, &self.overlay, output)?;
        on_lattice(&chosen, environment, async |joined| self.deploy(&application, &joined, output).await)
    }

    async fn deploy(&self, application: &Application, joined: &Joined, output: &Output) -> Result<Outcome, CliError> {
        let mut tell = |progress| output.progress(&Told(&progress));
        let operator = self.rollout.operator(joined);
        let operator = if self.revert { operator.reverting() } else { operator };
        let deployed = operator.up(application, &mut tell).await;
        let deployed = deployed.map_err(|error| CliError::operate_on(application, error))?;
        output.progress(&Report::of(&deployed, None).first_line());
        let waited = serving(joined, &deployed, self.wait.patience(), output).await?;
        Report::of(&deployed, waited.as_ref()).print(output)
    }
}

/// Progress as a line.
pub(super) struct Told<'a>(pub(super) &'a Progress);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress::Uploading { what, bytes } = self.0;
        write!(f, "sending {what}, {}", super::deployment::Size(*bytes))
    }
}
