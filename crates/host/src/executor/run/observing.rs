//! Watching new versions at work, beside the ones before them.

use std::collections::BTreeMap;
use std::time::Instant;

use engine::Actor;
use model::ids::{ActorName, AppName};
use model::placement::Refusal;

use super::Run;
use crate::executor::News;
use crate::executor::judging::{Pair, Sample, Verdict, judge};
use crate::executor::load::Part;
use crate::executor::state::{Comparison, Event, PartId};

/// A comparison that goes on.
pub(super) struct Observation {
    comparison: Comparison,
    since: Instant,
    /// By actor, how far the newer composite was when one of its calls last ended.
    progress: BTreeMap<ActorName, Progress>,
}

/// How far a composite was.
struct Progress {
    began: u64,
    ended: u64,
    at: Instant,
}

impl Run {
    /// Compares from now on what is to be compared of an application, and nothing else.
    pub(super) fn observe(&mut self, app: &AppName) {
        let comparison = self.state.comparison(app);
        let before = self.observations.get(app).map(|observation| &observation.comparison);
        if before == comparison.as_ref() {
            return;
        }
        if let Some(observation) = self.observations.remove(app) {
            self.measure(&observation.comparison, false);
        }
        let Some(comparison) = comparison else { return };
        self.measure(&comparison, true);
        let observation = Observation { comparison, since: Instant::now(), progress: BTreeMap::new() };
        self.observations.insert(app.clone(), observation);
    }

    fn measure(&self, comparison: &Comparison, is_on: bool) {
        let parts = comparison.actors.values().flat_map(|(before, newer)| [before, newer]);
        parts.filter_map(|id| self.actor(*id)).for_each(|actor| actor.measure(is_on));
    }

    fn actor(&self, id: PartId) -> Option<&Actor> {
        match self.running.get(&id)? {
            Part::Actor { actor, .. } => Some(actor),
            Part::Provider { .. } => None,
        }
    }

    /// What can be said by now of the versions that are compared.
    pub(super) fn judge(&mut self) -> Vec<Event> {
        let mut observations = std::mem::take(&mut self.observations);
        let verdicts: Vec<_> = observations
            .iter_mut()
            .map(|(app, observation)| (app.clone(), observation.comparison.version, self.verdict(observation)))
            .collect();
        self.observations = observations;
        verdicts.into_iter().filter_map(|(app, version, verdict)| self.told(app, version, verdict)).collect()
    }

    fn verdict(&self, observation: &mut Observation) -> Verdict {
        let Observation { comparison, since, progress } = observation;
        let sample = |id| self.actor(id).map(Sample::of).unwrap_or_default();
        let mut pairs = BTreeMap::new();
        for (actor, (before, newer)) in &comparison.actors {
            let (before, newer) = (sample(*before), sample(*newer));
            let now = || Progress { began: newer.calls, ended: newer.latencies.calls(), at: Instant::now() };
            // Those that ran before this was looked at count as well.
            let last = progress.entry(actor.clone()).or_insert_with(|| Progress { began: 0, ..now() });
            if last.ended != newer.latencies.calls() || newer.running == 0 {
                *last = now();
            }
            let pending = newer.calls.saturating_sub(last.began);
            pairs.insert(actor.clone(), Pair { before, newer, stalled: last.at.elapsed(), pending });
        }
        judge(comparison.stage, &pairs, since.elapsed())
    }

    fn told(&mut self, app: AppName, version: u64, verdict: Verdict) -> Option<Event> {
        let refused = match verdict {
            Verdict::Undecided => return None,
            Verdict::Trusted => None,
            Verdict::Refused(reason) => Some(reason),
        };
        if let Some(reason) = &refused {
            let refusal = Refusal { version, reason: reason.clone() };
            (self.tell)(News::GoneBack { app: app.clone(), refusal });
        }
        Some(Event::Judged { app, version, refused })
    }
}
