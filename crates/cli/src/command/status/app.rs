//! An application on a lattice, as a program and a person read it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host::operate::status::{AppStatus, ChainStatus, OnHost, PartStatus, ProcessStatus};
use model::placement::Replicas;
use plan::placement::Unplaced;
use serde::Serialize;

/// An application.
#[derive(Serialize)]
pub(crate) struct App {
    name: String,
    pub(crate) version: u64,
    by: String,
    /// Milliseconds of the Unix epoch.
    at_ms: u64,
    /// `down`, `stopping`, `refused`, `planning`, `starting`, `failing`, `unknown`, `short` or `ready`.
    state: &'static str,
    actors: Vec<Part>,
    providers: Vec<Part>,
    /// The chains of middleware; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Chain>,
    unplaced: Vec<Short>,
    /// Why the version cannot be planned.
    refused: Option<String>,
}

/// An actor or provider.
#[derive(Serialize)]
struct Part {
    name: String,
    /// How many hosts, `"everywhere"`, or null where nobody says.
    wanted: Option<Wanted>,
    hosts: BTreeMap<String, Here>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// `local` or `shared`, of a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The hosts that have local state of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    state_on: Vec<String>,
    /// Of a provider that is a process of its own: the contracts that it is to serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    serves: Option<Vec<String>>,
    /// The processes that announce themselves, by instance; absent where they were not listened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<BTreeMap<String, Process>>,
}

/// A process of a provider.
#[derive(Serialize)]
struct Process {
    /// It announces all that it is to serve.
    serves: bool,
    wire: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Wanted {
    Count(u32),
    Everywhere(&'static str),
}

/// A chain of middleware.
#[derive(Serialize)]
struct Chain {
    /// What passes it: `route /cart`, or `cart acme:stock/api` for a link of an actor.
    of: String,
    /// The middleware, in order.
    via: Vec<String>,
    /// Who is behind it.
    to: String,
}

/// How a part is on a host.
#[derive(Serialize)]
struct Here {
    /// `ready`, `starting`, `older`, `failing`, `lost` or `unknown`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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
            chains: status.chains.iter().map(Chain::of).collect(),
            unplaced: status.unplaced.iter().map(Short::of).collect(),
            refused: status.refused.clone(),
        }
    }

    /// One line for a person who waits.
    pub(crate) fn summary(&self) -> String {
        let Self { name, version, state, .. } = self;
        let parts = self.actors.iter().chain(&self.providers).filter(|part| !part.hosts.is_empty());
        let parts: Vec<String> = parts.map(Part::summary).collect();
        let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let short: String = self.unplaced.iter().map(|short| format!("; {}", short.message)).collect();
        format!("{name} version {version} is {state}{parts}{short}")
    }
}

impl Part {
    fn of(status: &PartStatus) -> Self {
        let state = status.state.as_ref();
        let process = |(instance, process): (_, &ProcessStatus)| {
            let ProcessStatus { serves, wire } = process.clone();
            (ToString::to_string(instance), Process { serves, wire })
        };
        let external = status.external.as_ref();
        let processes = external.and_then(|external| external.processes.as_ref());
        Self {
            serves: external.map(|external| external.serves.iter().map(ToString::to_string).collect()),
            processes: processes.map(|processes| processes.iter().map(process).collect()),
            name: status.name.clone(),
            wanted: status.wanted.map(|wanted| match wanted {
                Replicas::Count(count) => Wanted::Count(count.get()),
                Replicas::Everywhere => Wanted::Everywhere("everywhere"),
            }),
            hosts: status.hosts.iter().map(|(host, on)| (host.to_string(), Here::of(on))).collect(),
            kind: state.map(|state| state.kind.clone()),
            state: state.map(|state| if state.is_local { "local" } else { "shared" }),
            state_on: state.into_iter().flat_map(|state| &state.hosts).map(ToString::to_string).collect(),
        }
    }

    /// How a provider is that no host runs.
    fn processes(&self, f: &mut fmt::Formatter<'_>, serves: &[String]) -> fmt::Result {
        let serves = serves.join(", ");
        let Some(processes) = &self.processes else {
            return writeln!(f, "  is no host's: processes of its own serve {serves}");
        };
        if processes.is_empty() {
            return writeln!(f, "  no process announces itself\n    start one that serves {serves}");
        }
        let named = |(instance, process): (&String, &Process)| match process.serves {
            true => instance.clone(),
            false => format!("{instance} (does not serve {serves})"),
        };
        let noun = if processes.len() == 1 { "process" } else { "processes" };
        let all: Vec<String> = processes.iter().map(named).collect();
        writeln!(f, "  {} {noun}: {}", processes.len(), all.join(", "))
    }

    fn ready(&self) -> usize {
        self.hosts.values().filter(|here| here.state == "ready").count()
    }

    fn summary(&self) -> String {
        format!("{} {}/{}", self.name, self.ready(), self.wanted_count())
    }

    fn wanted_count(&self) -> String {
        match &self.wanted {
            Some(Wanted::Count(count)) => count.to_string(),
            _ => self.hosts.len().to_string(),
        }
    }
}

impl Here {
    fn of(on: &OnHost) -> Self {
        let (state, reason) = match on {
            OnHost::Ready => ("ready", None),
            OnHost::Starting => ("starting", None),
            OnHost::Older(version) => ("older", Some(format!("version {version} serves"))),
            OnHost::Failing(reason) => ("failing", Some(reason.clone())),
            OnHost::Lost => ("lost", Some("the host is down".to_owned())),
            OnHost::Unknown => ("unknown", Some("what the host tells cannot be read".to_owned())),
        };
        Self { state, reason }
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
        writeln!(f, "{name}  {state}, version {version} by {by}, {}", Ago(self.at_ms))?;
        self.actors.iter().chain(&self.providers).try_for_each(|part| part.fmt(f))?;
        for Chain { of, via, to } in &self.chains {
            writeln!(f, "  {of} → {} → {to}", via.join(" → "))?;
        }
        for Short { message, help, .. } in &self.unplaced {
            writeln!(f, "  {message}\n    {help}")?;
        }
        match &self.refused {
            Some(reason) => {
                writeln!(f, "  it cannot be planned: {reason}\n    deploy a version that can, or go back to one")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.name)?;
        self.kind.iter().try_for_each(|kind| write!(f, " ({kind})"))?;
        if let Some(serves) = &self.serves {
            return self.processes(f, serves);
        }
        let of = match &self.wanted {
            Some(Wanted::Count(1)) => "1 host".to_owned(),
            Some(Wanted::Count(count)) => format!("{count} hosts"),
            Some(Wanted::Everywhere(_)) => format!("{} hosts, everywhere", self.hosts.len()),
            None => format!("{} hosts", self.hosts.len()),
        };
        write!(f, "  ready on {} of {of}", self.ready())?;
        let named = |(host, here): (&String, &Here)| match here.state {
            "ready" => host.clone(),
            state => format!("{host} ({state})"),
        };
        let hosts: Vec<String> = self.hosts.iter().map(named).collect();
        if !hosts.is_empty() {
            write!(f, ": {}", hosts.join(", "))?;
        }
        if self.state == Some("local") && !self.state_on.is_empty() {
            write!(f, "; its state is on {}", self.state_on.join(", "))?;
        }
        writeln!(f)?;
        let reasons = self.hosts.iter().filter_map(|(host, here)| Some((host, here.reason.as_ref()?)));
        reasons.into_iter().try_for_each(|(host, reason)| writeln!(f, "    {host}: {reason}"))
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
