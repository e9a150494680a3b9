//! An application on a lattice, as a program and a person read it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host::operate::status::{AppStatus, ChainStatus, RolledBack};
use plan::placement::Unplaced;
use serde::Serialize;

use super::link::Link;
use super::part::Part;

/// An application.
#[derive(Serialize)]
pub(crate) struct App {
    name: String,
    pub(crate) version: u64,
    by: String,
    /// Milliseconds of the Unix epoch.
    at_ms: u64,
    /// `down`, `stopping`, `refused`, `rolled-back`, `planning`, `starting`, `failing`, `unknown`, `short` or `ready`.
    state: &'static str,
    actors: Vec<Part>,
    providers: Vec<Part>,
    links: Vec<Link>,
    /// The chains of middleware that routes have; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Chain>,
    unplaced: Vec<Short>,
    /// Why the version cannot be planned.
    refused: Option<String>,
    /// The version that runs in the place of the newest, which was worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    rolled_back: Option<Back>,
    /// The actors whose component was patched in, and is not what the sources say; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patched: Vec<String>,
    /// The hosts that keep the version before, to go back to, until they trust this one; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watched: Vec<String>,
}

/// The version that runs in the place of the newest.
#[derive(Serialize)]
struct Back {
    to: u64,
    reason: String,
}

/// The chain of middleware of a route.
#[derive(Serialize)]
struct Chain {
    /// What passes it, such as `route /cart`.
    of: String,
    /// The middleware, in order.
    via: Vec<String>,
    /// Who is behind it.
    to: String,
}

/// A group on fewer hosts than it asks for.
#[derive(Serialize)]
struct Short {
    actors: Vec<String>,
    providers: Vec<String>,
    message: String,
    help: String,
}

impl App {
    pub(crate) fn of(status: &AppStatus) -> Self {
        Self {
            name: status.name.to_string(),
            version: status.version,
            by: status.by.to_string(),
            at_ms: status.at.0,
            state: status.phase.as_str(),
            actors: status.actors.iter().map(Part::of).collect(),
            providers: status.providers.iter().map(Part::of).collect(),
            links: status.links.iter().map(Link::of).collect(),
            chains: status.chains.iter().map(Chain::of).collect(),
            unplaced: status.unplaced.iter().map(Short::of).collect(),
            refused: status.refused.clone(),
            rolled_back: status
                .rolled_back
                .as_ref()
                .map(|RolledBack { to, reason }| Back { to: *to, reason: reason.clone() }),
            patched: status.patched.iter().map(ToString::to_string).collect(),
            watched: status.watched.iter().map(ToString::to_string).collect(),
        }
    }

    /// One line for a person who waits.
    pub(crate) fn summary(&self) -> String {
        let Self { name, version, state, .. } = self;
        let parts = self.actors.iter().chain(&self.providers).filter(|part| !part.hosts.is_empty());
        let parts: Vec<String> = parts.map(Part::summary).collect();
        let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let short: String = self.unplaced.iter().map(|short| format!("; {}", short.message)).collect();
        format!("{name} version {version} is {state}{parts}{short}{}", Watched(&self.watched))
    }

    /// Its links, for whoever asks for this application alone.
    pub(super) fn links(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.links.is_empty() {
            writeln!(f, "  links")?;
        }
        self.links.iter().try_for_each(|link| writeln!(f, "    {link}"))
    }
}

/// The hosts that may still go back.
struct Watched<'a>(&'a [String]);

impl fmt::Display for Watched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; watched on {}", self.0.join(", ")) }
    }
}

impl Chain {
    fn of(status: &ChainStatus) -> Self {
        let ChainStatus { of, via, to } = status;
        Self { of: of.clone(), via: via.iter().map(ToString::to_string).collect(), to: to.clone() }
    }
}

impl Short {
    fn of(unplaced: &Unplaced) -> Self {
        Self {
            actors: unplaced.actors.iter().map(ToString::to_string).collect(),
            providers: unplaced.providers.iter().map(ToString::to_string).collect(),
            message: unplaced.to_string(),
            help: unplaced.mend(),
        }
    }
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, by, state, .. } = self;
        writeln!(f, "{name}  {state}, version {version} by {by}, {}{}", Ago(self.at_ms), Watched(&self.watched))?;
        self.actors.iter().chain(&self.providers).try_for_each(|part| part.fmt(f))?;
        for Chain { of, via, to } in &self.chains {
            writeln!(f, "  {of} → {} → {to}", via.join(" → "))?;
        }
        for Short { message, help, .. } in &self.unplaced {
            writeln!(f, "  {message}\n    {help}")?;
        }
        for actor in &self.patched {
            writeln!(f, "  actor {actor} was patched: it is not what the application's sources say")?;
        }
        if let Some(Back { to, reason }) = &self.rolled_back {
            writeln!(
                f,
                "  version {to} runs again, for version {version} was worse: {reason}\n    deploy a mended one"
            )?;
        }
        match &self.refused {
            Some(reason) => {
                writeln!(f, "  it cannot be planned: {reason}\n    deploy a version that can, or go back to one")
            }
            None => Ok(()),
        }
    }
}

/// How long ago something was, given in milliseconds of the Unix epoch, by this machine's clock.
pub(crate) struct Ago(pub(crate) u64);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = UNIX_EPOCH + Duration::from_millis(self.0);
        let elapsed = SystemTime::now().duration_since(then).unwrap_or_default().as_secs();
        match elapsed {
            0..120 => write!(f, "{elapsed} s ago"),
            120..7_200 => write!(f, "{} min ago", elapsed / 60),
            7_200..172_800 => write!(f, "{} h ago", elapsed / 3_600),
            _ => write!(f, "{} days ago", elapsed / 86_400),
        }
    }
}
