//! What `lath run` tells: one JSON object a line, or text.

use std::fmt;
use std::time::Duration;

use host::application::Step;
use serde::Serialize;

use super::super::plan::{Route, Warning};
use crate::application::Lasting;
use crate::command::url;

/// A step of starting.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Progress<'a> {
    Building { actor: &'a str, command: &'a str },
    Built { actor: &'a str, elapsed_ms: f64 },
    Compiling { actor: &'a str },
    Compiled { actor: &'a str, cached: bool, elapsed_ms: f64 },
}

impl<'a> Progress<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        match step {
            Step::Building { actor, command } => Self::Building { actor: actor.as_str(), command },
            Step::Built { actor, elapsed } => Self::Built { actor: actor.as_str(), elapsed_ms: millis(*elapsed) },
            Step::Compiling { actor } => Self::Compiling { actor: actor.as_str() },
            Step::Compiled { actor, cached, elapsed } => {
                Self::Compiled { actor: actor.as_str(), cached: *cached, elapsed_ms: millis(*elapsed) }
            }
        }
    }
}

/// The host serves.
#[derive(Serialize)]
pub(super) struct Ready {
    event: &'static str,
    application: String,
    url: Option<String>,
    routes: Vec<Route>,
    actors: Vec<String>,
    warnings: Vec<Warning>,
    elapsed_ms: f64,
}

impl Ready {
    pub(super) fn of(plan: &plan::Plan) -> Self {
        let blueprint = &plan.blueprint;
        Self {
            event: "ready",
            application: blueprint.application.to_string(),
            url: None,
            routes: blueprint.routes.iter().map(Route::of).collect(),
            actors: blueprint.composites.keys().map(ToString::to_string).collect(),
            warnings: plan.warnings.iter().map(Warning::of).collect(),
            elapsed_ms: 0.0,
        }
    }

    /// With what is known once it serves; `elapsed` counts from the start of the program.
    pub(super) fn serving(self, host: &host::Ready, elapsed: Duration) -> Self {
        let url = host.listen.map(|address| url(address, host.secure));
        Self { url, elapsed_ms: millis(elapsed), ..self }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Warning { key, message, help } in &self.warnings {
            writeln!(f, "warning: {message}\n  at {key}\n  {help}")?;
        }
        let elapsed = Lasting(Duration::from_secs_f64(self.elapsed_ms / 1_000.0));
        match &self.url {
            Some(url) => writeln!(f, "{} serves {url}, ready in {elapsed}", self.application)?,
            None => writeln!(f, "{} runs without routes, ready in {elapsed}", self.application)?,
        }
        self.routes.iter().try_for_each(|route| writeln!(f, "  {route}"))
    }
}

/// A signal came: running calls finish, nothing new begins; on a lattice others take over first.
#[derive(Serialize)]
pub(in super::super) struct Draining {
    event: &'static str,
    signal: &'static str,
}

impl Draining {
    pub(in super::super) fn after(signal: &'static str) -> Self {
        Self { event: "draining", signal }
    }
}

/// All calls have finished.
#[derive(Serialize)]
pub(super) struct Drained {
    event: &'static str,
    signal: &'static str,
}

impl Drained {
    pub(super) fn after(signal: &'static str) -> Self {
        Self { event: "drained", signal }
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "drained")
    }
}

/// Milliseconds to the tenth.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
