//! News of a node in words, a line each.

use std::fmt;

use model::placement::Refusal;

use super::standing::NodeNews;
use crate::control::{Exit, Report};

impl fmt::Display for NodeNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeNews::Joined => write!(f, "joined the lattice"),
            NodeNews::Adopted { generation, apps } if apps.is_empty() => {
                write!(f, "adopted generation {generation}: nothing is placed here")
            }
            NodeNews::Adopted { generation, apps } => {
                let apps: Vec<_> = apps.iter().map(ToString::to_string).collect();
                write!(f, "adopted generation {generation}: {}", apps.join(", "))
            }
            NodeNews::Compiling { app, actor } => write!(f, "compiling {app}/{actor}"),
            NodeNews::Loaded(loaded) => {
                let how = if loaded.cached { "loaded from the cache" } else { "compiled" };
                let millis = loaded.compiling.as_secs_f64() * 1_000.0;
                write!(f, "{how} {}/{} in {millis:.1} ms", loaded.application, loaded.actor)
            }
            NodeNews::Serving { app, version, parts } => {
                write!(f, "serving {app} version {version}: {}", parts.join(", "))
            }
            NodeNews::Withdrawn { app } => write!(f, "no longer serving {app}"),
            NodeNews::Failed { app, reason } => write!(f, "{app} does not come up: {reason}"),
            NodeNews::Trying { app, version, before } => {
                write!(f, "trying {app} version {version} with a share of the calls; version {before} has the rest")
            }
            NodeNews::GoneBack { app, refusal: Refusal { version, reason } } => {
                write!(f, "version {version} of {app} was refused, the one before serves again: {reason}")
            }
            NodeNews::Draining => write!(f, "draining: others take over first"),
            NodeNews::Report(report) => f.write_str(&told(report)),
            NodeNews::Ended(Exit::Drained) => write!(f, "drained"),
            NodeNews::Ended(Exit::Superseded) => write!(f, "stopped: a later process has this host's name"),
        }
    }
}

/// A report in words.
fn told(report: &Report) -> String {
    match report {
        Report::Frozen { frozen } => {
            format!("this host stood still for {:.1} s; it takes no calls until it has rejoined", frozen.as_secs_f64())
        }
        Report::Rejoined => "rejoined the lattice".to_owned(),
        Report::Died(host) => format!("host {host} is dead: its lease has lapsed"),
        Report::Returned { host, silent } => {
            format!("host {host} is back after {:.1} s: it was frozen or cut off", silent.as_secs_f64())
        }
        Report::MassLapse { silent, of } => {
            format!("{silent} of {of} hosts fell silent at once; one more period is waited before they count as dead")
        }
        Report::Underivable { app, document, reason } => {
            format!("the intent of {app} ({document}) cannot be planned, its previous version stays: {reason}")
        }
        Report::ShareRefused { app, generation, violations } => {
            let wrong = violations.join("; ");
            format!("generation {generation} of {app} was refused, the last good one stays: {wrong}")
        }
        Report::PlanRefused { generation, violations } => {
            let wrong = violations.join("; ");
            format!("generation {generation} was not written; this is a fault of Lath, please report it: {wrong}")
        }
        Report::Stale { generation, adopted } => {
            format!("generation {generation} was refused: {adopted} has been adopted, and nobody goes back")
        }
        Report::Incomplete { generation, missing } => format!(
            "{missing} or more shards of generation {generation} cannot be read; nothing is planned until they can: look \
             at the storage of the NATS servers"
        ),
        Report::RootUnreadable { newer: true } => {
            "this host does not plan any more: a newer lath wrote the root of the blueprint; update this one".to_owned()
        }
        Report::RootUnreadable { newer: false } => "this host does not plan: the root of the blueprint is damaged; look at \
             the storage of the NATS servers, and delete the key `root` of the bucket `blueprint` to have it written anew"
            .to_owned(),
        Report::Planned { generation, changed } => format!("planned generation {generation}, {changed} changed"),
        Report::Superseded { by } => format!("a later process has this host's name (its life is {})", by.0),
        Report::DrainRefused { staying, local_state } => {
            let why = if *local_state { "their state is on this host" } else { "no other host can take them" };
            format!(
                "draining was given up: {} cannot move, since {why}; force it to stop all the same",
                staying.join(", ")
            )
        }
        Report::LeftBehind { staying } => {
            format!("{} could not move; their callers are answered *not started* from now on", staying.join(", "))
        }
        Report::LeaseOverdue { overdue } => {
            format!(
                "the lease could not be renewed for {:.1} s; others may count this host as dead",
                overdue.as_secs_f64()
            )
        }
    }
}
