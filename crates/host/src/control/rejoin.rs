//! How a host that stood still comes back.
//!
//! While it stood still others may have declared it dead and given its work away. So it answers every call *not started*
//! and writes nothing until: an echo of its own has come back through NATS, so everything that was under way to it
//! before has been refused; its lease stands again; root and pointer have been read directly; and what they say has been
//! adopted.

use super::effect::{Effect, Report};
use super::event::{Moment, Op, Outcome};
use super::presence::Presence;
use super::turn::Turn;
use crate::limits::REJOIN_WAIT_MAX;

/// How far a host has come back.
#[derive(Debug, Default)]
pub(super) enum Rejoin {
    /// It has not stood still.
    #[default]
    Not,
    /// It waits for the lattice, or for the answer to a stage's request.
    At { stage: Stage, asked: Option<(Op, Moment)> },
}

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Echo,
    Lease,
    Reread,
    CatchUp,
}

impl Rejoin {
    /// The host stood still: from the beginning.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        if matches!(self, Rejoin::Not) {
            turn.emit(Effect::Quarantine(true));
        }
        *self = Rejoin::At { stage: Stage::Echo, asked: None };
    }

    /// The connection was lost: what was sent through it says nothing.
    pub(super) fn disconnected(&mut self) {
        if let Rejoin::At { stage, asked } = self {
            *stage = Stage::Echo;
            *asked = None;
        }
    }

    pub(super) fn over(&self) -> bool {
        matches!(self, Rejoin::Not)
    }

    /// True where the host may adopt what its pointer says.
    pub(super) fn may_adopt(&self) -> bool {
        matches!(self, Rejoin::Not | Rejoin::At { stage: Stage::CatchUp, .. })
    }

    /// True where the lease is renewed as ever.
    pub(super) fn may_renew(&self) -> bool {
        matches!(self, Rejoin::Not | Rejoin::At { stage: Stage::Reread | Stage::CatchUp, .. })
    }

    pub(super) fn echoed(&mut self, op: Op) {
        self.answered(Stage::Echo, op, Some(Stage::Lease));
    }

    pub(super) fn written(&mut self, op: Op, outcome: Outcome) {
        let done = matches!(outcome, Outcome::Done(_));
        self.answered(Stage::Lease, op, done.then_some(Stage::Reread));
    }

    pub(super) fn reread(&mut self, op: Op, found: bool) {
        self.answered(Stage::Reread, op, found.then_some(Stage::CatchUp));
    }

    /// Goes on to `next`; without one the stage's request is made again once it is overdue.
    fn answered(&mut self, expected: Stage, op: Op, next: Option<Stage>) {
        if let Rejoin::At { stage, asked } = self
            && let Some(next) = next
            && *stage == expected
            && asked.is_some_and(|(asked, _)| asked == op)
        {
            *stage = next;
            *asked = None;
        }
    }

    /// Asks for what the stage needs, if it is not under way.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_>, presence: &mut Presence) {
        let Rejoin::At { stage, asked } = self else { return };
        let waiting = asked.is_some_and(|(_, since)| turn.now.since(since) < REJOIN_WAIT_MAX);
        if waiting || *stage == Stage::CatchUp {
            return;
        }
        let op = match stage {
            Stage::Lease => presence.put_lease(turn),
            Stage::Echo | Stage::Reread | Stage::CatchUp => turn.op(),
        };
        match stage {
            Stage::Echo => turn.emit(Effect::AskEcho(op)),
            Stage::Reread => turn.emit(Effect::Reread(op)),
            Stage::Lease | Stage::CatchUp => {}
        }
        *asked = Some((op, turn.now));
    }

    /// The share has been adopted: the host is back.
    pub(super) fn caught_up(&mut self, turn: &mut Turn<'_>) {
        if let Rejoin::At { stage: Stage::CatchUp, .. } = self {
            *self = Rejoin::Not;
            turn.emit(Effect::Quarantine(false));
            turn.report(Report::Rejoined);
        }
    }
}
