//! How a plan goes on: from what the root says, over what applications demand and where that is to run, to what is written.

use std::time::Duration;

use super::attempt::{Attempt, Stage};
use super::demands::Gathered;
use super::reckoning::{Placing, Reckoned, Reckoning};
use super::sync::Sync;
use super::{Phase, Planner, caution};
use crate::control::effect::{Effect, Report};
use crate::control::event::{Moment, Op};
use crate::control::library::Library;
use crate::control::turn::Turn;
use crate::limits::PLAN_PAUSE;

impl Planner {
    /// Goes on with what it is doing. `adopted` is the generation that this host runs: none is written below it.
    pub(in crate::control) fn advance(&mut self, turn: &mut Turn<'_>, library: &mut Library, adopted: u64) {
        let blocked = !self.all_current() || !self.hosts.all_known();
        if matches!(self.phase, Phase::Blocked) && !blocked {
            self.phase = Phase::Due(self.turn_after(turn.now, Duration::ZERO));
        }
        if let Phase::Due(due) = self.phase
            && due <= turn.now
        {
            self.phase = match self.held.root == self.root {
                _ if blocked => Phase::Blocked,
                true => Phase::Gathering(turn.now),
                false => Phase::Syncing(Sync::new(turn.now, self.root.clone())),
            };
        }
        if let Phase::Syncing(sync) = &mut self.phase
            && let Some(held) = sync.advance(turn, library, &self.held)
        {
            self.hold(held);
            self.arrived(turn);
            self.repair(turn);
            self.phase = Phase::Gathering(turn.now);
        }
        if let Phase::Gathering(since) = self.phase {
            self.plan(turn, library, since, adopted);
        }
        if let Phase::Writing(attempt) = &mut self.phase {
            attempt.store(turn);
            if attempt.stage == Stage::Stored {
                attempt.commit(turn);
            }
        }
    }

    fn plan(&mut self, turn: &mut Turn<'_>, library: &mut Library, since: Moment, adopted: u64) {
        let Some(mut gathered) = self.demands.gather(turn, library, &self.held.placement, &self.hosts, since) else {
            return;
        };
        self.waiting = caution::leave_alone(&mut gathered, &self.held.placement, &self.hosts);
        let Gathered { demands, kept } = gathered;
        let mut previous = self.held.placement.clone();
        previous.generation = previous.generation.max(adopted).max(self.pointers.generation());
        previous.applications.retain(|app, _| !kept.contains_key(app));
        let hosts = self.hosts.views();
        self.homes.recall(&demands, &mut previous, &self.hosts, &hosts);
        // Until it is known whether it matters what becomes ready, it does.
        self.hosts.readiness_awaited = true;
        let op = turn.op();
        self.phase = Phase::Placing(Placing { op, kept, outdated: false });
        turn.emit(Effect::Reckon { op, reckoning: Box::new(Reckoning { demands, previous, hosts }) });
    }

    /// What was reckoned; none where that failed.
    pub(in crate::control) fn reckoned(&mut self, turn: &mut Turn<'_>, op: Op, reckoned: Option<Reckoned>) {
        let Phase::Placing(placing) = &mut self.phase else { return };
        if placing.op != op {
            return;
        }
        let (kept, outdated) = (std::mem::take(&mut placing.kept), placing.outdated);
        let Some(Reckoned { mut next, is_new, violations, readiness_awaited }) = reckoned else {
            return self.give_up(turn.now);
        };
        self.phase = Phase::Idle;
        self.hosts.readiness_awaited = readiness_awaited;
        if is_new && violations.is_empty() {
            next.applications.extend(kept);
            let draft = self.held.draft(&next);
            let mut attempt = Attempt::new(turn.now, self.root.revision, draft);
            attempt.outdated = outdated;
            self.phase = Phase::Writing(Box::new(attempt));
            return;
        }
        if is_new {
            turn.report(Report::PlanRefused { generation: next.generation, violations });
        }
        if outdated {
            self.make_due(turn.now, PLAN_PAUSE);
        }
    }
}
