//! What `up`, `down`, `patch` and `rollback` tell, and how they wait.

use std::fmt;
use std::time::{Duration, Instant};

use clap::Args;
use host::operate::status::AppStatus;
use host::operate::{Deployed, Operator, Waited};
use model::placement::Share;
use serde::Serialize;

use super::status::App;
use crate::error::CliError;
use crate::lattice::Joined;
use crate::limits::WAIT_TIME_MAX;
use crate::output::{Outcome, Output};

/// How long a command waits for what it asked for.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// How long to wait for it, such as `30s` or `5m`; `0s` does not wait
    #[arg(long = "wait", value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
}

impl Wait {
    /// How long.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }
}

/// How a version begins.
#[derive(Debug, Args)]
pub(crate) struct Rollout {
    /// The share of calls that changed actors have until they are trusted, such as `20%`; 5% where it is not said
    #[arg(long, value_name = "SHARE")]
    canary: Option<Share>,
}

impl Rollout {
    /// The share that was asked for.
    pub(crate) fn share(&self) -> Option<Share> {
        self.canary
    }

    /// Whoever deploys so.
    pub(crate) fn operator(&self, joined: &Joined) -> Operator {
        joined.operator.clone().sharing(self.canary)
    }
}

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A time as `--wait` takes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = UNITS.iter().find(|(name, _)| text.strip_prefix(digits) == Some(name));
    let millis = unit.and_then(|(_, unit)| digits.parse::<u64>().ok()?.checked_mul(*unit));
    let time = millis.map(Duration::from_millis).filter(|time| *time <= WAIT_TIME_MAX);
    let hours = WAIT_TIME_MAX.as_secs() / 3600;
    time.ok_or_else(|| format!("write a whole number and a unit, such as `30s` or `5m`, {hours}h at most"))
}

/// Waits until what was deployed serves; each change is told. None where nothing is waited for.
pub(crate) async fn serving(
    joined: &Joined,
    deployed: &Deployed,
    patience: Duration,
    output: &Output,
) -> Result<Option<Waited>, CliError> {
    if patience.is_zero() {
        return Ok(None);
    }
    let mut told = String::new();
    let mut tell = |status: &AppStatus| {
        let line = App::of(status).summary();
        if line != told {
            output.progress(&line);
            told = line;
        }
    };
    let deadline = Instant::now() + patience;
    let waited = joined.operator.wait(&deployed.application, deployed.version, deadline, &mut tell).await;
    Ok(Some(waited.map_err(CliError::from)?))
}

/// What a deployment has come to.
#[derive(Serialize)]
pub(crate) struct Report {
    application: String,
    version: u64,
    /// False where the same stood already.
    is_new: bool,
    /// The version whose intent stands again.
    restored: Option<u64>,
    uploaded_bytes: u64,
    present_bytes: u64,
    collected: usize,
    /// `done`, `overdue`, `rolled-back` or `superseded`; null where nothing was waited for.
    waited: Option<&'static str>,
    /// How the application is, where it was waited for.
    status: Option<App>,
}

impl Report {
    pub(crate) fn of(deployed: &Deployed, waited: Option<&Waited>) -> Self {
        let (word, status) = match waited {
            None => (None, None),
            Some(Waited::Done(status)) => (Some("done"), Some(status)),
            Some(Waited::Overdue(status)) => (Some("overdue"), Some(status)),
            Some(Waited::RolledBack(status)) => (Some("rolled-back"), Some(status)),
            Some(Waited::Superseded(status)) => (Some("superseded"), Some(status)),
        };
        Self {
            application: deployed.application.to_string(),
            version: deployed.version,
            is_new: deployed.is_new,
            restored: deployed.restored,
            uploaded_bytes: deployed.uploaded_bytes,
            present_bytes: deployed.present_bytes,
            collected: deployed.collected,
            waited: word,
            status: status.map(App::of),
        }
    }

    /// What was written.
    pub(crate) fn first_line(&self) -> String {
        let Self { application, version, uploaded_bytes, present_bytes, .. } = self;
        if !self.is_new {
            return format!("{application}: version {version} stands already, nothing was changed");
        }
        if let Some(restored) = self.restored {
            return format!("{application}: version {version} is what version {restored} was");
        }
        if *uploaded_bytes + *present_bytes == 0 {
            return format!("{application}: version {version} takes it down");
        }
        let (sent, present) = (Size(*uploaded_bytes), Size(*present_bytes));
        format!("{application}: version {version} is written; {sent} sent, {present} were there")
    }

    /// Prints it; what is not done in time is a failure.
    pub(crate) fn print(&self, output: &Output) -> Result<Outcome, CliError> {
        output.print(self)?;
        Ok(if matches!(self.waited, Some("overdue" | "rolled-back")) { Outcome::Failure } else { Outcome::Success })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, version, .. } = self;
        match (self.waited, &self.status) {
            (Some("superseded"), Some(status)) => {
                writeln!(f, "{application}: version {} has taken the place of version {version}", status.version)
            }
            (Some("overdue"), Some(status)) => {
                writeln!(f, "{application}: version {version} is not done yet; hosts go on with it")?;
                status.fmt(f)?;
                writeln!(f, "`lath status {application}` tells how it goes on")
            }
            (Some(_), Some(status)) => status.fmt(f),
            _ => {
                writeln!(f, "{}", self.first_line())?;
                writeln!(f, "`lath status {application}` tells how it goes on")
            }
        }
    }
}

/// A number of bytes to three digits or so: `12.3 KiB`.
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(unit, _)| self.0 >= *unit) {
            #[expect(clippy::cast_precision_loss, reason = "three digits are told")]
            Some((unit, name)) => write!(f, "{:.1} {name}", self.0 as f64 / unit as f64),
            None => write!(f, "{} B", self.0),
        }
    }
}
