//! A host, as a program and a person read it.

use std::collections::BTreeMap;
use std::fmt;

use host::operate::status::HostStatus;
use lattice::document::{OwnSetting, Storage};
use serde::Serialize;

use crate::command::url;

/// A host.
#[derive(Serialize)]
pub(crate) struct HostLine {
    name: String,
    /// `up`, `draining` or `down`.
    state: &'static str,
    /// An operator has asked it to drain.
    drain_asked: bool,
    planner: bool,
    version: String,
    labels: BTreeMap<String, String>,
    url: Option<String>,
    /// Actors and providers that are placed on it.
    parts: usize,
    /// Calls that run on it now; null where it was not heard.
    running: Option<u32>,
    /// Calls that it could run at once.
    capacity: Option<u32>,
    /// `safe`, `unsafe` or `unknown`: whether what the lattice stores outlives a power cut.
    storage: &'static str,
    storage_reason: Option<String>,
    /// Settings that it gives to actors in the place of their manifests'.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    settings: Vec<Setting>,
}

/// A setting of a host, without its value.
#[derive(Serialize)]
struct Setting {
    /// As `app/actor`.
    actor: String,
    key: String,
    /// `file` or `environment`.
    from: String,
}

impl HostLine {
    pub(crate) fn of(host: &HostStatus) -> Self {
        let (storage, storage_reason) = match &host.storage {
            Storage::Safe => ("safe", None),
            Storage::Unsafe { reason } => ("unsafe", Some(reason.clone())),
            Storage::Unknown { reason } => ("unknown", Some(reason.clone())),
        };
        Self {
            name: host.name.to_string(),
            state: match (host.alive, host.draining || host.drain_asked) {
                (false, _) => "down",
                (true, true) => "draining",
                (true, false) => "up",
            },
            drain_asked: host.drain_asked,
            planner: host.planner,
            version: host.version.clone(),
            labels: host.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            url: host.listen.map(|address| url(address, host.secure)),
            parts: host.parts,
            running: host.load.map(|load| load.running),
            capacity: host.load.map(|load| load.capacity),
            storage,
            storage_reason,
            settings: host.settings.iter().map(Setting::of).collect(),
        }
    }
}

impl Setting {
    fn of(setting: &OwnSetting) -> Self {
        let OwnSetting { app, actor, key, from } = setting;
        Self { actor: format!("{app}/{actor}"), key: key.clone(), from: from.clone() }
    }
}

/// What hosts that are up say of the storage, one line for each thing that any of them says.
pub(super) fn storage(hosts: &[HostLine]) -> BTreeMap<String, Vec<&str>> {
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for host in hosts.iter().filter(|host| host.state != "down") {
        if let Some(reason) = &host.storage_reason {
            let lead = if host.storage == "unsafe" { "degraded" } else { "not known whether storage is safe" };
            said.entry(format!("{lead}: {reason}")).or_default().push(&host.name);
        }
    }
    said
}

impl fmt::Display for HostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, state, parts, version, .. } = self;
        let parts = if *parts == 1 { "1 part".to_owned() } else { format!("{parts} parts") };
        write!(f, "{name}  {state}, {parts}")?;
        if let (Some(running), Some(capacity)) = (self.running, self.capacity) {
            write!(f, ", {running} of {capacity} calls")?;
        }
        write!(f, ", lath {version}")?;
        self.url.iter().try_for_each(|url| write!(f, ", {url}"))?;
        self.labels.iter().try_for_each(|(key, value)| write!(f, ", {key}={value}"))?;
        if !self.planner {
            write!(f, ", does not plan")?;
        }
        let mut settings = self.settings.iter();
        settings.try_for_each(|Setting { actor, key, from }| {
            write!(f, ", sets {} of {actor} ({})", key.escape_debug(), from.escape_debug())
        })
    }
}
