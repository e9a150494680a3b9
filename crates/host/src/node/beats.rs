//! Beats: those of this host, from the thread of the pulse, and those of the others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use lattice::bus::{Bus, BusError, Message, Subscription};
use lattice::call::Target;
use lattice::document::{Beat, Document as _, Incarnation, Phase};
use lattice::limits::GAP_MAX;
use lattice::pulse::{Every, Stamp, Tick};
use lattice::subject::Subjects;
use model::ids::HostName;

use crate::health::Health;
use crate::limits::BEAT_INTERVAL;

/// What the next beat says, written by the loop.
#[derive(Clone)]
pub(super) struct Telling {
    beat: Arc<Mutex<Beat>>,
    /// Whether the host has stood still.
    stamp: Arc<OnceLock<Arc<Stamp>>>,
}

impl Telling {
    pub(super) fn new(host: HostName, incarnation: Incarnation, capacity: u32) -> Self {
        let beat = Beat {
            host,
            incarnation,
            sequence: 0,
            running: 0,
            capacity,
            phase: Phase::Joining,
            generation: 0,
            not_ready: BTreeSet::new(),
        };
        Self { beat: Arc::new(Mutex::new(beat)), stamp: Arc::default() }
    }

    /// From now on beats say so while the host is in quarantine, from the very tick that found the gap.
    pub(super) fn attend(&self, stamp: Arc<Stamp>) {
        let _ = self.stamp.set(stamp);
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.beat().phase = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        self.beat().phase
    }

    pub(super) fn set_running(&self, running: u32) {
        self.beat().running = running;
    }

    /// True where something is ready that was not.
    pub(super) fn set_share(&self, generation: u64, not_ready: BTreeSet<Target>) -> bool {
        let mut beat = self.beat();
        beat.generation = generation;
        let before = std::mem::replace(&mut beat.not_ready, not_ready);
        !before.is_subset(&beat.not_ready)
    }

    fn next(&self) -> Beat {
        let mut beat = self.beat();
        beat.sequence += 1;
        let quarantined = self.stamp.get().is_some_and(|stamp| stamp.is_quarantined());
        let phase = if quarantined { Phase::Joining } else { beat.phase };
        Beat { phase, ..beat.clone() }
    }

    /// Beats now. A beat that is not sent is missed by nobody for long.
    pub(super) fn send(&self, bus: &dyn Bus, subjects: &Subjects) {
        let beat = self.next();
        if let Err(reason) = bus.publish(Message::new(subjects.beat(&beat.host), beat.encode())) {
            tracing::debug!(%reason, "a beat was not sent");
        }
    }
}

/// What the thread of the pulse does: beats, and a look at who is silent.
pub(super) fn tick(telling: Telling, bus: Arc<dyn Bus>, subjects: Subjects, health: Health) -> Tick {
    let mut beating = Every::new(BEAT_INTERVAL, Instant::now());
    let mut last = Instant::now();
    Box::new(move |now| {
        if now.saturating_duration_since(last) > GAP_MAX {
            // Who was silent meanwhile is not known: this host did not listen.
            health.excuse();
        }
        last = now;
        health.sweep();
        if beating.is_due(now) {
            telling.send(&*bus, &subjects);
        }
    })
}

/// Listens to the beats of all hosts, as long as there is a bus.
pub(super) async fn listen(
    bus: &Arc<dyn Bus>,
    subjects: &Subjects,
    health: &Health,
) -> Result<tokio::task::AbortHandle, BusError> {
    let beats = bus.subscribe(subjects.beats()).await?;
    Ok(tokio::spawn(hear(beats, subjects.clone(), health.clone())).abort_handle())
}

async fn hear(mut beats: Subscription, subjects: Subjects, health: Health) {
    while let Some(message) = beats.next().await {
        match Beat::decode(&message.payload) {
            // NATS lets each host publish under its own name only.
            Ok(beat) if subjects.read_beat(&message.subject) == Some(beat.host.as_str()) => health.beat(beat),
            Ok(beat) => {
                tracing::warn!(host = %beat.host, subject = %message.subject, "a beat in another's name was passed over");
            }
            Err(reason) => tracing::debug!(subject = %message.subject, %reason, "a beat was passed over"),
        }
    }
}
