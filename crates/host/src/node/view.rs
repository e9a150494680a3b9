//! A node as whoever observes it sees it.

use std::sync::Arc;

use engine::Engine;
use lattice::bus::{Bus, Traffic};
use lattice::calls::{ServerCounts, ServerStats};
use lattice::document::Failing;
use tokio::sync::watch;

use super::standing::NodeStatus;
use crate::executor::AppStatus;
use crate::health::Health;
use crate::router::Switchboard;
use crate::telemetry::{Samples, Source, running};

/// What a node is observed by.
pub(super) struct NodeView {
    pub(super) switchboard: Switchboard,
    pub(super) engine: Engine,
    pub(super) server: Option<ServerCounts>,
    pub(super) health: Health,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) status: watch::Receiver<NodeStatus>,
}

impl Source for NodeView {
    fn sample(&self, samples: &mut Samples) {
        running::sample(&self.switchboard, &self.engine, samples);
        let mut add = |name, value: f64| samples.add(name, Vec::new(), value);
        {
            let status = self.status.borrow();
            add("lath.lattice.connected", f64::from(u8::from(status.connected)));
            add("lath.lattice.generation", status.generation as f64);
        }
        let counts = self.health.counts();
        add("lath.lattice.ejections", counts.ejected as f64);
        add("lath.lattice.ejections.wrongful", counts.wrongful as f64);
        if let Some(traffic) = self.bus.traffic() {
            sample_traffic(&traffic, samples);
        }
        if let Some(server) = &self.server {
            sample_server(&server.read(), samples);
        }
    }

    fn unready(&self) -> Vec<String> {
        unready(&self.status.borrow())
    }

    fn unwell(&self) -> Vec<Failing> {
        self.switchboard.unwell()
    }
}

fn sample_traffic(traffic: &Traffic, samples: &mut Samples) {
    let Traffic { connects, messages_in, messages_out, bytes_in, bytes_out } = *traffic;
    samples.add("lath.lattice.reconnects", Vec::new(), connects.saturating_sub(1) as f64);
    for (direction, messages, bytes) in [("receive", messages_in, bytes_in), ("transmit", messages_out, bytes_out)] {
        let labels = vec![("network_io_direction", direction.to_owned())];
        samples.add("lath.lattice.messages", labels.clone(), messages as f64);
        samples.add("lath.lattice.io", labels, bytes as f64);
    }
}

fn sample_server(stats: &ServerStats, samples: &mut Samples) {
    samples.add("lath.lattice.calls.running", Vec::new(), stats.running as f64);
    let ServerStats { replayed, forged, garbage, cancelled, .. } = *stats;
    let dropped = [("replayed", replayed), ("forged", forged), ("garbage", garbage), ("cancelled", cancelled)];
    for (reason, count) in dropped {
        samples.add("lath.lattice.calls.dropped", vec![("lath_reason", reason.to_owned())], count as f64);
    }
}

/// What keeps a node from taking calls.
fn unready(status: &NodeStatus) -> Vec<String> {
    let states = [
        (!status.joined, "the host has not joined the lattice"),
        (status.quarantined, "the host stood still, and has not rejoined the lattice"),
        (status.draining, "the host is draining"),
        (status.ended.is_some(), "the host has left the lattice"),
    ];
    let states = states.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text.to_owned());
    let apps = status.placed.keys().map(|app| (app, status.apps.get(app)));
    let apps = apps.flat_map(|(app, known)| match known {
        None => vec![format!("application {app} has not started")],
        Some(known) => parts(known).into_iter().map(|part| format!("application {app}: {part}")).collect(),
    });
    states.chain(apps).collect()
}

/// What of an application does not serve, and why. While another version starts or is tried, the one before serves: hosts
/// that said otherwise would all be passed over at once, with each change.
pub(crate) fn parts(app: &AppStatus) -> Vec<String> {
    if app.version.is_some() && app.version != app.wanted {
        return Vec::new();
    }
    let starting = app.starting.iter().map(|part| format!("{part} is starting"));
    let failing = app.failing.iter().map(|(part, reason)| format!("{part} does not start: {reason}"));
    starting.chain(failing).collect()
}
