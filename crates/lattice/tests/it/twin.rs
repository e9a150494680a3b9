//! Both buses, so that every test of behaviour runs on each: the one inside the process, and a real NATS server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lattice::bus::Bus;
use lattice::memory::MemoryBus;
use lattice::nats::{self, NatsBus};
use lattice::subject::Subjects;
use model::ids::HostName;
use rig::nats::{Options, Server};

/// Longer than anything that is not meant to be late.
pub(crate) const AMPLE: Duration = Duration::from_secs(60);

pub(crate) enum Twin {
    Memory(MemoryBus),
    Nats(Server),
}

impl Twin {
    /// Both of them.
    pub(crate) async fn both() -> [Self; 2] {
        [Self::memory(), Self::nats().await]
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryBus::new())
    }

    pub(crate) async fn nats() -> Self {
        let options = Options { jetstream: false, sync_always: false, config: None };
        Self::Nats(Server::start(options).await.unwrap())
    }

    /// A connection of its own, as `name`.
    pub(crate) async fn join(&self, name: &str) -> Arc<dyn Bus> {
        match self {
            Self::Memory(bus) => Arc::new(bus.join()),
            Self::Nats(server) => Arc::new(connect(&server.url(), name).await),
        }
    }
}

pub(crate) async fn connect(url: &str, name: &str) -> NatsBus {
    let options = async_nats::ConnectOptions::new().custom_inbox_prefix(format!("_INBOX_{name}"));
    let (options, dropped) = nats::options(options);
    NatsBus::new(options.connect(url).await.unwrap(), dropped, subjects().echo(&host(name)))
}

pub(crate) fn subjects() -> Subjects {
    Subjects::new(&"l".parse().unwrap())
}

pub(crate) fn host(name: &str) -> HostName {
    name.parse().unwrap()
}

pub(crate) fn soon() -> Instant {
    Instant::now() + AMPLE
}

/// Waits until all that this connection has published is known to the server.
pub(crate) async fn settle(bus: &dyn Bus) {
    bus.flush(soon()).await.unwrap();
}

/// Waits until `done`, not for ever.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = soon();
    while !done() {
        assert!(Instant::now() < give_up, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
