//! Watching new versions at work, beside the ones before them.

use std::collections::BTreeMap;
use std::time::Instant;

use engine::Actor;
use model::ids::{ActorName, AppName};

use super::Run;
use crate::executor::judging::{Pair, Sample, Verdict, judge};
use crate::executor::load::Part;
use crate::executor::state::{Comparison, Event, PartId};

/// A comparison that goes on.
pub(super) struct Observation {
    comparison: Comparison,
    since: Instant,
    actors: BTreeMap<ActorName, Observed>,
}

/// The two composites of an actor.
struct Observed {
    before: Baseline,
    newer: Baseline,
    /// How far the newer one was when one of its calls last ended.
    progress: Option<Progress>,
}

/// A composite, and what it had done before that counts.
#[derive(Clone, Copy)]
struct Baseline {
    id: PartId,
    done: Sample,
}

/// How far a composite was.
struct Progress {
    began: u64,
    ended: u64,
    at: Instant,
}

impl Run {
    /// Compares from now on what is to be compared of an application, and nothing else. Where only other actors come to be
    /// compared, the rest goes on.
    pub(super) fn observe(&mut self, app: &AppName) {
        let comparison = self.state.comparison(app);
        let before = self.observations.get(app).map(|observation| &observation.comparison);
        if before == comparison.as_ref() {
            return;
        }
        let earlier = self.observations.remove(app);
        if let Some(observation) = &earlier {
            self.measure(&observation.comparison, false);
        }
        let Some(comparison) = comparison else { return };
        self.measure(&comparison, true);
        let earlier = earlier.filter(|earlier| earlier.comparison.version == comparison.version);
        self.observations.insert(app.clone(), self.observation(comparison, earlier));
    }

    /// An observation of `comparison` that follows on an `earlier` one of the same version.
    fn observation(&self, comparison: Comparison, earlier: Option<Observation>) -> Observation {
        let (at, known) = earlier.map(|earlier| ((earlier.comparison.stage, earlier.since), earlier.actors)).unzip();
        let since = at.filter(|(stage, _)| *stage == comparison.stage).map(|(_, since)| since);
        let mut known = known.unwrap_or_default();
        let mut actors = BTreeMap::new();
        for (actor, (before, newer)) in &comparison.actors {
            let known = known.remove(actor).filter(|known| (known.before.id, known.newer.id) == (*before, *newer));
            let observed = match known {
                Some(known) if since.is_some() => known,
                // The version before has hardly any calls now: it is judged by those that it had on the trial.
                known => Observed {
                    before: known.map_or(Baseline { id: *before, done: self.past.of(*before) }, |known| known.before),
                    newer: Baseline { id: *newer, done: self.sample(*newer) },
                    progress: None,
                },
            };
            actors.insert(actor.clone(), observed);
        }
        Observation { comparison, since: since.unwrap_or_else(Instant::now), actors }
    }

    /// Remembers what all composites have done by now.
    pub(super) fn remember(&mut self) {
        let running = &self.running;
        let actors = running.iter().filter_map(|(id, part)| match part {
            Part::Actor { actor, .. } => Some((*id, Sample::of(actor))),
            Part::Provider { .. } => None,
        });
        self.past.turn(actors);
    }

    fn sample(&self, id: PartId) -> Sample {
        self.actor(id).map(Sample::of).unwrap_or_default()
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
        verdicts.into_iter().filter_map(|(app, version, verdict)| judged(app, version, verdict)).collect()
    }

    fn verdict(&self, observation: &mut Observation) -> Verdict {
        let Observation { comparison, since, actors } = observation;
        let mut pairs = BTreeMap::new();
        for (actor, Observed { before, newer, progress }) in actors {
            let did = |from: &Baseline| self.sample(from.id).since(&from.done);
            let ever = self.sample(before.id).latencies;
            let (before, newer) = (did(before), did(newer));
            let now = || Progress { began: newer.calls, ended: newer.latencies.calls(), at: Instant::now() };
            // Those that ran before this was looked at count as well.
            let last = progress.get_or_insert_with(|| Progress { began: 0, ..now() });
            if last.ended != newer.latencies.calls() || newer.running == 0 {
                *last = now();
            }
            let pending = newer.calls.saturating_sub(last.began);
            pairs.insert(actor.clone(), Pair { before, ever, newer, stalled: last.at.elapsed(), pending });
        }
        judge(comparison.stage, &pairs, since.elapsed())
    }
}

fn judged(app: AppName, version: u64, verdict: Verdict) -> Option<Event> {
    let refused = match verdict {
        Verdict::Undecided => return None,
        Verdict::Trusted => None,
        Verdict::Refused(reason) => Some(reason),
    };
    Some(Event::Judged { app, version, refused })
}
