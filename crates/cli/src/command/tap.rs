//! `lath tap`: the messages of an application, as they pass.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, unfold};
use host::limits::{TAP_RENEWAL, TAPS_MAX};
use host::operate::OperateError;
use host::tap::{self, Answered, Tapped};
use lattice::bus::{Bus, BusError, Message};
use lattice::subject::Subjects;
use model::ids::{ActorName, AppName};
use serde::Serialize;

use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::{Joined, on_lattice};
use crate::output::{Outcome, Output};
use crate::signal::Termination;

/// Show the messages of applications of a lattice while they pass, until Ctrl-C
///
/// Each call between actors, to providers and from outside, with its parameters, its result or failure, and how long it
/// took. Calls that are fused, and those of WASI contracts inside a host, are no messages. Hosts tell messages only while
/// somebody asks, so many a second at most; what they leave out is counted. It takes an operator, or a deployer of the
/// application: values are shown as they are.
#[derive(Debug, Args)]
pub(crate) struct Tap {
    /// An application, or an actor of it as `application/actor`; all without it
    of: Option<Tapping>,
    /// End after so many messages
    #[arg(long, value_name = "MESSAGES")]
    count: Option<u64>,
    #[command(flatten)]
    choice: Choice,
}

/// An application, or one actor of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tapping {
    application: AppName,
    actor: Option<ActorName>,
}

impl FromStr for Tapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (application, actor) = text.split_once('/').map_or((text, None), |(app, actor)| (app, Some(actor)));
        let actor = actor.map(str::parse).transpose().map_err(|error| format!("{error}"))?;
        Ok(Self { application: application.parse().map_err(|error| format!("{error}"))?, actor })
    }
}

impl Tap {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            joined.check_changes()?;
            let wanted = self.wanted(&joined).await?;
            let refused = |source| CliError::Start { what: "signals cannot be received", source };
            let mut termination = Termination::listen().map_err(refused)?;
            tokio::select! {
                ended = self.listen(&joined, &wanted, output) => ended,
                _ = termination.next() => Ok(Outcome::Success),
            }
        })
    }

    /// What there is of what is asked for.
    async fn wanted(&self, joined: &Joined) -> Result<Vec<Tapping>, CliError> {
        let only = self.of.as_ref().map(|of| &of.application);
        let status = joined.operator.status(only).await?;
        let Some(of) = &self.of else {
            let all = status.applications.into_iter().take(TAPS_MAX);
            return Ok(all.map(|app| Tapping { application: app.name, actor: None }).collect());
        };
        let actors = status.applications.iter().flat_map(|app| &app.actors);
        let actors: Vec<ActorName> = actors.filter_map(|actor| actor.name.parse().ok()).collect();
        match &of.actor {
            Some(actor) if !actors.contains(actor) => {
                Err(OperateError::NoActor { application: of.application.clone(), actor: actor.clone(), actors }.into())
            }
            _ => Ok(vec![of.clone()]),
        }
    }

    async fn listen(&self, joined: &Joined, wanted: &[Tapping], output: &Output) -> Result<Outcome, CliError> {
        let (bus, subjects) = joined.bus()?;
        let mut messages = SelectAll::new();
        for Tapping { application, .. } in wanted {
            let heard = bus.subscribe(subjects.tapped_of(application)).await.map_err(silent)?;
            messages.push(Box::pin(unfold(heard, |mut heard| async move { Some((heard.next().await?, heard)) })));
        }
        let bus: Arc<dyn Bus> = Arc::new(bus);
        let mut renewal = tokio::time::interval(TAP_RENEWAL);
        let mut left = self.count;
        while left != Some(0) {
            tokio::select! {
                _ = renewal.tick() => ask(&*bus, &subjects, wanted).map_err(silent)?,
                Some(message) = messages.next() => {
                    if let Some(line) = self.line(&subjects, &message) {
                        output.print(&line)?;
                        left = left.map(|left| left.saturating_sub(1));
                    }
                }
            }
        }
        Ok(Outcome::Success)
    }

    /// A message as it is told, if it concerns what is asked for: hosts tell what anybody asks for.
    fn line(&self, subjects: &Subjects, message: &Message) -> Option<Line> {
        let (application, host) = subjects.read_tapped(&message.subject)?;
        let tapped = Tapped::decode(&message.payload).ok()?;
        let actor = self.of.as_ref().and_then(|of| of.actor.as_ref()).map(ActorName::as_str);
        let concerns = actor.is_none_or(|actor| tapped.to == actor || tapped.from.as_deref() == Some(actor));
        concerns.then(|| Line { host: host.to_owned(), application: application.to_owned(), tapped })
    }
}

/// Says that somebody listens.
fn ask(bus: &dyn Bus, subjects: &Subjects, wanted: &[Tapping]) -> Result<(), BusError> {
    wanted.iter().try_for_each(|of| match tap::ask(bus, subjects, &of.application, of.actor.as_ref()) {
        // Hosts go on for a while; the connection comes back by itself.
        Err(BusError::Disconnected { .. } | BusError::Busy { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    })
}

fn silent(error: BusError) -> CliError {
    CliError::Tap { source: error }
}

/// One message.
#[derive(Serialize)]
struct Line {
    application: String,
    host: String,
    #[serde(flatten)]
    tapped: Tapped,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tapped { time_ms, from, to, contract, function, params, answer, elapsed_us, dropped } = &self.tapped;
        if *dropped > 0 {
            writeln!(f, "  {dropped} messages were too many for host {}, and are not shown", self.host)?;
        }
        let (seconds, millis) = (time_ms / 1_000, time_ms % 1_000);
        let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
        let from = from.as_deref().unwrap_or("outside");
        write!(f, "{hours:02}:{minutes:02}:{:02}.{millis:03} {}/{from} -> {to} ", seconds % 60, self.application)?;
        write!(f, "{contract}#{function}{params}")?;
        match answer {
            Answered::Result(result) if result.is_empty() => {}
            Answered::Result(result) => write!(f, " = {result}")?,
            Answered::Failure { case, text } => write!(f, " failed: {case}: {text}")?,
        }
        let (whole, tenths) = (elapsed_us / 1_000, elapsed_us % 1_000 / 100);
        writeln!(f, " ({whole}.{tenths} ms on {})", self.host)
    }
}
