//! What `lath host` tells: one JSON object a line, or text.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use host::node::NodeNews;
use model::host_file::HostFile;
use serde::Serialize;

use crate::command::url;

/// Something that happened to the host.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event<'a> {
    /// The servers do not answer yet.
    Waiting {
        reason: String,
    },
    /// The host's lease stands.
    Joined,
    /// What is placed on the host was taken up.
    Adopted {
        generation: u64,
        applications: Vec<&'a str>,
    },
    Compiling {
        application: &'a str,
        actor: &'a str,
    },
    Compiled {
        application: &'a str,
        actor: &'a str,
        cached: bool,
        elapsed_ms: f64,
    },
    /// Calls of an application go to these parts.
    Serving {
        application: &'a str,
        version: u64,
        parts: &'a [String],
    },
    Withdrawn {
        application: &'a str,
    },
    /// Something does not come up; it is tried again.
    Failed {
        application: &'a str,
        reason: &'a str,
    },
    /// A new version has a share of the calls.
    Trying {
        application: &'a str,
        version: u64,
        before: u64,
    },
    /// A new version was worse here than the one before it, which serves again.
    GoneBack {
        application: &'a str,
        version: u64,
        reason: &'a str,
    },
    /// Whatever else an operator should know.
    Notice {
        message: String,
    },
}

impl<'a> Event<'a> {
    /// The event of a node's news; none where a line of its own tells it.
    pub(super) fn of(news: &'a NodeNews) -> Option<Self> {
        Some(match news {
            NodeNews::Joined => Self::Joined,
            NodeNews::Adopted { generation, apps } => {
                Self::Adopted { generation: *generation, applications: apps.iter().map(|app| app.as_str()).collect() }
            }
            NodeNews::Compiling { app, actor } => Self::Compiling { application: app.as_str(), actor: actor.as_str() },
            NodeNews::Loaded(loaded) => Self::Compiled {
                application: loaded.application.as_str(),
                actor: loaded.actor.as_str(),
                cached: loaded.cached,
                elapsed_ms: millis(loaded.compiling),
            },
            NodeNews::Serving { app, version, parts } => {
                Self::Serving { application: app.as_str(), version: *version, parts }
            }
            NodeNews::Withdrawn { app } => Self::Withdrawn { application: app.as_str() },
            NodeNews::Failed { app, reason } => Self::Failed { application: app.as_str(), reason },
            NodeNews::Trying { app, version, before } => {
                Self::Trying { application: app.as_str(), version: *version, before: *before }
            }
            NodeNews::GoneBack { app, refusal } => {
                Self::GoneBack { application: app.as_str(), version: refusal.version, reason: &refusal.reason }
            }
            NodeNews::Report(_) => Self::Notice { message: news.to_string() },
            NodeNews::Draining | NodeNews::Ended(_) => return None,
        })
    }
}

/// The host is there.
#[derive(Serialize)]
pub(super) struct Ready {
    event: &'static str,
    host: String,
    lattice: String,
    url: Option<String>,
    #[serde(skip)]
    secure: bool,
}

impl Ready {
    pub(super) fn of(file: &HostFile) -> Self {
        let (host, lattice) = (file.host.name.to_string(), file.lattice.name.to_string());
        Self { event: "ready", host, lattice, url: None, secure: file.host.tls.is_some() }
    }

    /// With what is known once it serves.
    pub(super) fn serving(self, listen: Option<SocketAddr>) -> Self {
        Self { url: listen.map(|address| url(address, self.secure)), ..self }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {} is in lattice {}", self.host, self.lattice)?;
        match &self.url {
            Some(url) => writeln!(f, ", and serves {url}"),
            None => writeln!(f, ", without an ingress"),
        }
    }
}

/// The host has left.
#[derive(Serialize)]
pub(super) struct Drained {
    event: &'static str,
    /// Absent where an operator asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'static str>,
}

impl Drained {
    pub(super) fn after(signal: Option<&'static str>) -> Self {
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
