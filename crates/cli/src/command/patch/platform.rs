//! `lath patch` of platform code: adapters, generators and the wire, in every application of a lattice.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use host::operate::platform::{NewAdapter, NewGenerator, Patched, PlatformPatch, Rolled};
use model::contract::ContractName;
use model::ids::AppName;
use model::wire::{Side, WireVersion};
use serde::Serialize;

use super::super::status::App;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::Joined;
use crate::output::{Outcome, Output};

/// Platform code, instead of an actor.
#[derive(Debug, Args)]
#[command(next_help_heading = "Platform code, in the place of an actor")]
pub(crate) struct PlatformArgs {
    /// Patch the adapters of this contract in every application: with `--sender`, `--receiver` or both, or `--reset`
    #[arg(long, value_name = "NAME", group = "platform", requires = "adapter")]
    contract: Option<ContractName>,
    /// The sender that takes the place of generated ones
    #[arg(long, value_name = "FILE", requires = "contract", group = "adapter")]
    sender: Option<PathBuf>,
    /// The receiver that takes the place of generated ones
    #[arg(long, value_name = "FILE", requires = "contract", group = "adapter")]
    receiver: Option<PathBuf>,
    /// Let adapters of the contract be generated again
    #[arg(long, requires = "contract", group = "adapter", conflicts_with_all = ["sender", "receiver"])]
    reset: bool,
    /// Let this component make the adapters of every application; `built-in` is the generator inside lath
    #[arg(long, value_name = "FILE", group = "platform")]
    generator: Option<PathBuf>,
    /// Let every application speak this version of the wire: it is accepted everywhere before it is sent anywhere
    #[arg(long, value_name = "VERSION", group = "platform")]
    wire: Option<u32>,
}

/// An error with its causes, in one line.
fn causes(error: &dyn Error) -> String {
    let next = std::iter::successors(Some(error), |error: &&dyn Error| (*error).source());
    next.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The name of the generator inside lath.
const BUILT_IN: &str = "built-in";

impl PlatformArgs {
    /// The change that is asked for.
    ///
    /// # Errors
    ///
    /// A file is not what it is to be; nothing is asked for.
    pub(super) async fn patch(&self, environment: &Environment) -> Result<PlatformPatch, CliError> {
        if let Some(contract) = &self.contract {
            if self.reset {
                return Ok(PlatformPatch::Reset(contract.clone()));
            }
            let halves = [(Side::Sender, &self.sender), (Side::Receiver, &self.receiver)];
            let given = halves.into_iter().filter_map(|(side, path)| Some((side, path.as_ref()?)));
            let new = given.map(|(side, path)| Ok(NewAdapter::read(contract, side, path)?));
            return Ok(PlatformPatch::Adapters(new.collect::<Result<_, CliError>>()?));
        }
        match (&self.generator, self.wire) {
            (Some(name), _) if name == Path::new(BUILT_IN) => Ok(PlatformPatch::BuiltIn),
            (Some(path), _) => {
                let unreadable = |source| CliError::File { verb: "read", path: path.clone(), source };
                let generator = NewGenerator::of(fs::read(path).map_err(unreadable)?, environment.cache.clone()).await;
                let unfit = |source| CliError::Generator { path: path.clone(), source: Box::new(source) };
                Ok(PlatformPatch::Generator(generator.map_err(unfit)?))
            }
            (None, Some(number)) => {
                let known = WireVersion::ALL.map(|version| version.number().to_string()).join(" and ");
                let unknown = || CliError::Usage {
                    message: format!("there is no version {number} of the wire"),
                    help: Some(format!("there are {known}")),
                };
                WireVersion::of_number(number).map(PlatformPatch::Wire).ok_or_else(unknown)
            }
            (None, None) => Err(CliError::Usage {
                message: "nothing is named that is to be patched".to_owned(),
                help: Some("name an actor and its component, or platform code".to_owned()),
            }),
        }
    }
}

/// Changes platform code, and tells what became of each application.
pub(super) async fn roll(
    patch: &PlatformPatch,
    operator: &host::operate::Operator,
    joined: &Joined,
    patience: Duration,
    output: &Output,
) -> Result<Outcome, CliError> {
    joined.check_operates()?;
    if patience.is_zero() {
        return Err(CliError::Usage {
            message: "platform code changes in steps, each once the one before is trusted".to_owned(),
            help: Some("give it time: `--wait 5m`".to_owned()),
        });
    }
    let mut tell = |application: &AppName, rolled: &Rolled| {
        output.progress(&Line { application, told: &Told::of(rolled) }.to_string());
    };
    let patched = operator.patch_platform(patch, Instant::now() + patience, &mut tell).await?;
    let report = Report::of(&patched);
    output.print(&report)?;
    Ok(if report.kept { Outcome::Success } else { Outcome::Failure })
}

#[derive(Serialize)]
struct Report {
    /// False where an application went back or was late: new ones get what was before.
    kept: bool,
    applications: BTreeMap<String, Told>,
}

/// What became of one application.
#[derive(Serialize)]
struct Told {
    /// `same`, `done`, `rolled-back`, `overdue`, `busy` or `failed`.
    outcome: &'static str,
    version: Option<u64>,
    reason: Option<String>,
    /// How it is, where that is not as it was asked for.
    status: Option<App>,
}

struct Line<'a> {
    application: &'a AppName,
    told: &'a Told,
}

impl Report {
    fn of(patched: &Patched) -> Self {
        let applications = patched.applications.iter().map(|(name, rolled)| (name.to_string(), Told::of(rolled)));
        Self { kept: patched.is_kept, applications: applications.collect() }
    }
}

impl Told {
    fn of(rolled: &Rolled) -> Self {
        let told = |outcome| Self { outcome, version: None, reason: None, status: None };
        match rolled {
            Rolled::Same => told("same"),
            Rolled::Done(version) => Self { version: Some(*version), ..told("done") },
            Rolled::RolledBack(status) => Self {
                version: Some(status.version),
                reason: status.rolled_back.as_ref().map(|back| back.reason.clone()),
                status: Some(App::of(status)),
                ..told("rolled-back")
            },
            Rolled::Overdue(status) => {
                Self { version: Some(status.version), status: Some(App::of(status)), ..told("overdue") }
            }
            Rolled::Busy => Self { reason: Some("its owners deploy again and again".to_owned()), ..told("busy") },
            Rolled::Failed(error) => Self { reason: Some(causes(error)), ..told("failed") },
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, version, reason, .. } = self;
        let version = version.map(|version| format!("version {version} ")).unwrap_or_default();
        match *outcome {
            "same" => write!(f, "uses nothing of that"),
            "done" => write!(f, "{version}serves"),
            "rolled-back" => write!(f, "{version}was gone back from"),
            "overdue" => write!(f, "{version}is not done yet; hosts go on with it"),
            _ => write!(f, "stays as it is"),
        }?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.application, self.told)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (application, told) in &self.applications {
            writeln!(f, "{application}: {told}")?;
        }
        if self.kept {
            writeln!(f, "applications that are deployed from now on get it as well")
        } else {
            writeln!(f, "new applications get what was before: do the same again to finish it, or undo it")
        }
    }
}
