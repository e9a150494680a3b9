//! Leaving: callers look elsewhere first, then calls finish, then what runs ends.

use std::time::{Duration, Instant};

use lattice::bus::Bus;
use lattice::document::Phase;
use lattice::subject::Subjects;

use super::beats::Telling;
use super::outsiders::Outsiders;
use crate::executor::{Executor, Status};
use crate::ingress::Gate;
use crate::limits::{BEAT_INTERVAL, DRAIN_TIME_MAX};
use crate::server::Server;
use futures_util::future::{OptionFuture, join};

/// What calls come in by.
#[derive(Default)]
pub(super) struct Doors {
    pub(super) server: Option<Server>,
    pub(super) gate: Option<Gate>,
    pub(super) outsiders: Option<Outsiders>,
}

/// Tells all hosts that this one takes no more calls, and waits until they have heard it.
pub(super) async fn say_farewell(telling: &Telling, bus: &dyn Bus, subjects: &Subjects) {
    telling.set_phase(Phase::Joining);
    telling.send(bus, subjects);
    tokio::time::sleep(BEAT_INTERVAL).await;
}

/// Finishes the calls that run, from the outside in, within [`DRAIN_TIME_MAX`].
pub(super) async fn finish(doors: Doors, executor: &Executor) {
    let deadline = Instant::now() + DRAIN_TIME_MAX;
    let remaining = || deadline.saturating_duration_since(Instant::now());
    let server = OptionFuture::from(doors.server.map(|server| server.drain(deadline)));
    let gate = OptionFuture::from(doors.gate.map(|gate| gate.drain(remaining())));
    let clients = async {
        if let Some(outsiders) = &doors.outsiders {
            outsiders.drain(deadline).await;
        }
    };
    // Actors may go on behind their answers until they are drained themselves.
    let (cut, _behind) = join(server, join(gate, clients)).await;
    if let Some(cut @ 1..) = cut {
        tracing::warn!(calls = cut, "calls were still running and were cut off");
    }
    end(executor, remaining()).await;
}

/// Ends all that runs.
async fn end(executor: &Executor, patience: Duration) {
    let mut status = executor.status();
    let wishes = status.borrow().wishes;
    executor.clear(patience);
    let gone = |status: &Status| status.wishes > wishes && status.apps.is_empty();
    if tokio::time::timeout(patience, status.wait_for(gone)).await.is_err() {
        tracing::warn!("something still ran when the time to drain was over");
    }
}
