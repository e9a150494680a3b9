//! Holding a version back until what it calls on other hosts is ready there: what calls changes after what is called.

use std::time::{Duration, Instant};

use lattice::document::Phase;
use model::ids::AppName;

use super::Run;
use crate::executor::Deployment;
use crate::health::Wanted;
use crate::limits::ROLLOUT_HOLD_TIME_MAX;
use crate::node::share;

impl Run {
    /// Gives the executor what is wished for: of an application that is held back, the version that it was given before.
    pub(super) fn assign(&mut self) {
        let now = Instant::now();
        let mut assigned = self.wished.clone();
        for (app, wished) in &mut assigned {
            match self.assigned.get(app).filter(|earlier| self.is_held(app, earlier, wished, now)) {
                Some(earlier) => {
                    let since = self.held_since(app, wished.version).unwrap_or(now);
                    self.held.insert(app.clone(), (wished.version, since));
                    *wished = earlier.clone();
                }
                None => drop(self.held.remove(app)),
            }
        }
        self.held.retain(|app, _| assigned.contains_key(app));
        self.assigned.clone_from(&assigned);
        self.executor.assign(assigned);
    }

    /// Looks at what is held back.
    pub(super) fn release(&mut self) {
        // What a host on its way out has ended does not begin again.
        if self.telling.phase() == Phase::Draining {
            return;
        }
        let now = Instant::now();
        let is_free = |app: &AppName| {
            let pair = self.assigned.get(app).zip(self.wished.get(app));
            !pair.is_some_and(|(earlier, wished)| self.is_held(app, earlier, wished, now))
        };
        if self.held.keys().any(is_free) {
            self.assign();
        }
    }

    /// True where the new version calls something that is placed on other hosts alone and is ready on none of them. What goes
    /// back is not held, and nothing is held for long: two that wait for each other go on.
    fn is_held(&self, app: &AppName, earlier: &Deployment, wished: &Deployment, now: Instant) -> bool {
        let held = self.held_since(app, wished.version).map_or(Duration::ZERO, |since| now - since);
        if earlier.version == wished.version || wished.trial.is_none() || held >= ROLLOUT_HOLD_TIME_MAX {
            return false;
        }
        let Some(placed) = self.placed.get(app) else { return false };
        let generation = placed.placement.generation;
        let mut called = share::called_elsewhere(placed, &self.settings.name);
        called.any(|(target, hosts)| !self.health.is_ready(&hosts, Wanted { target: &target, generation }))
    }

    fn held_since(&self, app: &AppName, version: u64) -> Option<Instant> {
        self.held.get(app).filter(|(held, _)| *held == version).map(|(_, since)| *since)
    }
}
