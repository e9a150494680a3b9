//! Whether hosts hear that a process is there: it is announced as long as it is awake, and once it has heard itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use lattice::bus::Bus;
use lattice::calls::Echoes;
use lattice::limits::ANNOUNCEMENT_INTERVAL;
use lattice::process::Announcement;
use lattice::pulse::Pulse;
use lattice::subject::Subject;
use tokio::time::{MissedTickBehavior, interval};

/// What hosts are told of a process.
pub(super) struct Presence {
    bus: Arc<dyn Bus>,
    beat: Subject,
    announcement: Announcement,
    leaving: AtomicBool,
}

impl Presence {
    /// Nothing is told yet; `announcement` will be, on `beat`.
    pub(super) fn new(bus: Arc<dyn Bus>, beat: Subject, announcement: Announcement) -> Self {
        Self { bus, beat, announcement, leaving: AtomicBool::new(false) }
    }

    /// Says from now on that it leaves.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        self.announce();
    }

    /// Without a connection nobody hears it, and nobody could call.
    fn announce(&self) {
        let announcement = Announcement { leaving: self.leaving.load(Ordering::Acquire), ..self.announcement.clone() };
        if let Err(error) = self.bus.publish(announcement.to_message(self.beat.clone())) {
            tracing::debug!(%error, "the provider is not announced");
        }
    }

    /// Announces, for as long as this runs. After a gap of `pulse` the process comes back once an echo does: all that had
    /// piled up is refused by then.
    pub(super) async fn keep(self: Arc<Self>, pulse: Pulse, echoes: Echoes) {
        let mut gaps = pulse.gaps();
        let mut due = interval(ANNOUNCEMENT_INTERVAL);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = due.tick() => {}
                Ok(()) = gaps.changed() => {}
            }
            gaps.mark_unchanged();
            let gap = pulse.stamp().gaps();
            if pulse.admits().is_err() {
                if let Err(reason) = echoes.ask(Instant::now() + ANNOUNCEMENT_INTERVAL).await {
                    tracing::debug!(%reason, "no echo; it is asked for again");
                    continue;
                }
                // Another gap meanwhile is a change that is seen at once.
                if !pulse.release(gap) {
                    continue;
                }
                tracing::info!("the process has heard itself through the bus and takes calls again");
            }
            self.announce();
        }
    }
}
