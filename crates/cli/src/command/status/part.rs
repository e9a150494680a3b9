//! An actor or provider on a lattice, as a program and a person read it.

use std::collections::BTreeMap;
use std::fmt;

use host::operate::status::{OnHost, PartStatus, ProcessStatus};
use model::placement::Replicas;
use serde::Serialize;

/// An actor or provider.
#[derive(Serialize)]
pub(super) struct Part {
    name: String,
    /// How many hosts, `"everywhere"`, or null where nobody says.
    wanted: Option<Wanted>,
    pub(super) hosts: BTreeMap<String, Here>,
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

/// How a part is on a host.
#[derive(Serialize)]
pub(super) struct Here {
    /// `ready`, `starting`, `older`, `tried`, `failing`, `lost` or `unknown`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// It serves, and what it needs fails it: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    unwell: Option<String>,
}

impl Part {
    pub(super) fn of(status: &PartStatus) -> Self {
        let state = status.state.as_ref();
        let process = |(instance, process): (_, &ProcessStatus)| {
            let ProcessStatus { serves, wire } = process.clone();
            (ToString::to_string(instance), Process { serves, wire })
        };
        let here = |host, on| Here::of(on, status.unwell.get(host));
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
            hosts: status.hosts.iter().map(|(host, on)| (host.to_string(), here(host, on))).collect(),
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

    /// Its name, and on how many of its hosts it is ready.
    pub(super) fn summary(&self) -> String {
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
    fn of(on: &OnHost, unwell: Option<&String>) -> Self {
        let (state, reason) = match on {
            OnHost::Ready => ("ready", None),
            OnHost::Starting => ("starting", None),
            OnHost::Older(version) => ("older", Some(format!("version {version} serves"))),
            OnHost::Tried(version) => ("tried", Some(format!("with a share of the calls; version {version} serves"))),
            OnHost::Failing(reason) => ("failing", Some(reason.clone())),
            OnHost::Lost => ("lost", Some("the host is down".to_owned())),
            OnHost::Unknown => ("unknown", Some("what the host tells cannot be read".to_owned())),
        };
        Self { state, reason, unwell: unwell.cloned() }
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
        self.hosts.iter().try_for_each(|(host, here)| {
            here.reason.iter().try_for_each(|reason| writeln!(f, "    {host}: {reason}"))?;
            here.unwell.iter().try_for_each(|why| writeln!(f, "    {host}: is not well: {why}"))
        })
    }
}
