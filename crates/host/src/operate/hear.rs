//! How busy hosts are, as their beats tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lattice::bus::{Bus, BusError};
use lattice::document::{Beat, Document as _};
use lattice::subject::Subjects;
use model::ids::HostName;
use tokio::time::{Instant, timeout_at};

use super::status::{Load, Status};
use crate::limits::BEAT_INTERVAL;

/// So long is listened: every host beats at least once in it.
const LISTEN: Duration = BEAT_INTERVAL.saturating_mul(2);

impl Status {
    /// Adds how busy each living host is. Waits until all were heard, or for two beats: a host that is not heard has no
    /// load.
    ///
    /// # Errors
    ///
    /// The bus takes no subscription.
    pub async fn hear(&mut self, bus: &dyn Bus, subjects: &Subjects) -> Result<(), BusError> {
        let mut wanted: BTreeSet<HostName> =
            self.hosts.iter().filter(|host| host.alive).map(|host| host.name.clone()).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut beats = bus.subscribe(subjects.beats()).await?;
        let until = Instant::now() + LISTEN;
        let mut heard = BTreeMap::new();
        while !wanted.is_empty() {
            let Ok(Some(message)) = timeout_at(until, beats.next()).await else { break };
            let Ok(beat) = Beat::decode(&message.payload) else { continue };
            // The subject is what the servers vouch for.
            if subjects.read_beat(&message.subject) == Some(beat.host.as_str()) && wanted.remove(&beat.host) {
                heard.insert(beat.host, Load { running: beat.running, capacity: beat.capacity });
            }
        }
        for host in &mut self.hosts {
            host.load = heard.remove(&host.name);
        }
        Ok(())
    }
}
