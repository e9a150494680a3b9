//! Programs outside the lattice: processes of providers are heard, and clients of applications served.

use std::sync::Arc;
use std::time::Instant;

use lattice::bus::{Bus, BusError};
use lattice::subject::Subjects;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::ingress::Routed;
use crate::outside::gateway::Gateway;
use crate::outside::processes::Processes;

/// The ways in and out for programs outside. They end when this is dropped.
pub(super) struct Outsiders {
    gateway: Arc<Gateway>,
    wanted: watch::Sender<Vec<Routed>>,
    tasks: [AbortHandle; 2],
}

impl Drop for Outsiders {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Outsiders {
    /// Hears processes from now on; no client is served yet, and none ever while the host is not `awake`: it leaves the
    /// hosts' group, in which NATS would go on to give it its share of calls.
    pub(super) async fn start(
        bus: &Arc<dyn Bus>,
        subjects: &Subjects,
        processes: Processes,
        gateway: Gateway,
        awake: watch::Receiver<bool>,
    ) -> Result<Self, BusError> {
        let mut beats = bus.subscribe(subjects.provider_beats()).await?;
        let hearing = tokio::spawn(async move {
            while let Some(message) = beats.next().await {
                processes.hear(&message, Instant::now());
            }
        });
        let gateway = Arc::new(gateway);
        let wanted = watch::Sender::new(Vec::new());
        let serving = tokio::spawn(serve(gateway.clone(), wanted.subscribe(), awake));
        Ok(Self { gateway, wanted, tasks: [hearing.abort_handle(), serving.abort_handle()] })
    }

    /// From now on clients of these applications are served, and no others.
    pub(super) fn serve(&self, applications: Vec<Routed>) {
        self.wanted.send_replace(applications);
    }

    /// Takes no more calls of clients, and waits until `deadline` for those that run.
    pub(super) async fn drain(&self, deadline: Instant) {
        // A host that wakes up meanwhile does not begin to serve them again.
        let [_, serving] = &self.tasks;
        serving.abort();
        self.gateway.drain(deadline).await;
    }
}

async fn serve(gateway: Arc<Gateway>, mut wanted: watch::Receiver<Vec<Routed>>, mut awake: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            Ok(()) = awake.changed() => {}
        }
        let applications = wanted.borrow_and_update().clone();
        let applications = if *awake.borrow_and_update() { applications } else { Vec::new() };
        if let Err(error) = gateway.serve(&applications).await {
            tracing::warn!(%error, "clients of some applications are not served by this host");
        }
    }
}
