//! `lath patch`: an actor that runs gets another component, or every actor other platform code.

mod platform;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use host::application::Piece;
use host::record::Recording;
use model::ids::{ActorName, AppName};

use self::platform::PlatformArgs;
use super::deployment::{Report, Rollout, Wait, serving};
use super::replay::{Differs, verdict};
use super::up::Told;
use crate::application::threads;
use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::{Joined, on_lattice};
use crate::local::{Ask, Here};
use crate::output::{Outcome, Output};

/// Give an actor another component while calls are in flight
///
/// Plans the application with it first: what is missing of a contract is refused. Then each host that runs the actor
/// starts the new component beside the one that runs and gives it a share of the calls. Where it does as well it takes
/// over, and the one before finishes what it does; where it does worse (it fails, hangs or is slow) the one before goes on,
/// everywhere. The patch is a version of the application: `lath status` tells of it, and `lath rollback` undoes it.
///
/// Operators patch platform code with --contract, --generator or --wire instead: in all applications that are up, each by a
/// version of its own, and in those to come.
#[derive(Debug, Args)]
pub(crate) struct Patch {
    /// The actor, as `application/actor`
    #[arg(required_unless_present = "platform", conflicts_with = "platform", requires = "component")]
    actor: Option<Patched>,
    /// The component that it is to be
    component: Option<PathBuf>,
    /// A recording of the actor, by which the component has to do the same first (`lath run --record`, `lath replay`)
    #[arg(long, value_name = "RECORDING", requires = "actor")]
    verify: Option<PathBuf>,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    rollout: Rollout,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    here: Here,
}

/// An actor of an application.
#[derive(Clone, Debug)]
pub(super) struct Patched {
    pub(super) application: AppName,
    pub(super) actor: ActorName,
}

impl FromStr for Patched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (application, actor) =
            text.split_once('/').ok_or("name the application as well, such as `shop/cart`".to_owned())?;
        let application = application.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { application, actor: actor.parse().map_err(|error| format!("{error}"))? })
    }
}

impl Patch {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        if let (Some(actor), Some(path)) = (&self.actor, &self.component)
            && self.here.is_meant(&self.choice, environment)?
        {
            return self.patch_here(actor, path, output, environment);
        }
        let chosen = self.choice.required(environment)?;
        if let (Some(actor), Some(path)) = (&self.actor, &self.component) {
            let component = Piece::read(&actor.actor, path)?;
            if let Some(recording) = &self.verify {
                verify(recording, (actor, path), environment)?;
            }
            return on_lattice(&chosen, environment, async |joined| {
                self.patch(actor, (&component, path), &joined, output).await
            });
        }
        let patch = threads()?.block_on(self.platform.patch(environment))?;
        let (rollout, patience) = (&self.rollout, self.wait.patience());
        on_lattice(&chosen, environment, async |joined| {
            platform::roll(&patch, &rollout.operator(&joined), &joined, patience, output).await
        })
    }

    /// Patches an actor of an application that a `lath run` serves.
    fn patch_here(
        &self,
        patched: &Patched,
        path: &Path,
        output: &Output,
        environment: &Environment,
    ) -> Result<Outcome, CliError> {
        if let Some(recording) = &self.verify {
            verify(recording, (patched, path), environment)?;
        }
        let failed = |source| CliError::File { verb: "find", path: path.to_owned(), source };
        let (patience, share) = (self.wait.patience(), self.rollout.share());
        let ask = Ask::Patch {
            actor: patched.actor.to_string(),
            component: std::path::absolute(path).map_err(failed)?,
            share: share.map(|share| share.to_string()),
            wait_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        };
        self.here.ask(&patched.application, &ask, Some(patience), output, environment)
    }

    async fn patch(
        &self,
        Patched { application, actor }: &Patched,
        (component, path): (&Piece, &Path),
        joined: &Joined,
        output: &Output,
    ) -> Result<Outcome, CliError> {
        let mut tell = |progress| output.progress(&Told(&progress));
        let deployed = self.rollout.operator(joined).patch(application, actor, component, &mut tell).await;
        let deployed = deployed.map_err(|error| CliError::patch(path, error))?;
        output.progress(&Report::of(&deployed, None).first_line());
        let waited = serving(joined, &deployed, self.wait.patience(), output).await?;
        Report::of(&deployed, waited.as_ref()).print(output)
    }
}

/// Refuses a component of an actor where it does something else than was recorded.
fn verify(path: &Path, (patched, component): (&Patched, &Path), environment: &Environment) -> Result<(), CliError> {
    let recording = Recording::read(path)?;
    let (application, actor) = recording.of();
    if (application, actor) != (patched.application.as_str(), patched.actor.as_str()) {
        let message = format!("{} is a recording of {application}/{actor}", path.display());
        return Err(CliError::Usage { message, help: Some("name one of the actor that is patched".to_owned()) });
    }
    match verdict(&recording, component, environment)?.difference {
        None => Ok(()),
        Some(difference) => Err(CliError::Differs {
            component: component.to_owned(),
            recording: path.to_owned(),
            difference: Differs::of(difference).to_string(),
        }),
    }
}
