//! One application.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::ids::AppName;

use super::Effect;
use super::part::{Ids, PartId, PartName, Spec};
use crate::executor::deployment::Deployment;
use crate::executor::parts::Parts;
use crate::limits::{LOAD_RETRY_PAUSE, LOAD_RETRY_PAUSE_MAX};

/// An application, as far as it concerns this host.
#[derive(Debug, Default)]
pub(super) struct App {
    /// What runs, or can run soon, or ran until just now.
    parts: BTreeMap<PartId, Part>,
    /// What calls are served by.
    serving: Option<Set>,
    /// What is to serve; none where nothing is to.
    wanted: Option<Set>,
    /// Starts of what is wanted that failed, one after the other.
    failures: u32,
    /// The pause after a failure runs.
    pausing: bool,
}

/// Parts that serve together.
#[derive(Clone, Debug)]
struct Set {
    deployment: Deployment,
    parts: BTreeMap<PartName, PartId>,
}

#[derive(Debug)]
struct Part {
    name: PartName,
    spec: Spec,
    phase: Phase,
    /// The part in whose place it starts.
    instead_of: Option<PartId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It will start when it may.
    Held,
    Starting,
    Ready,
    Failed,
    /// It starts, and will end at once.
    Abandoned,
    Retiring,
}

/// How an application is on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppView {
    /// The version that serves, and its parts that do.
    pub serving: Option<(u64, BTreeSet<PartName>)>,
    /// The version that is wanted; none where the application leaves.
    pub wanted: Option<u64>,
    /// Wanted parts that have not started yet.
    pub starting: BTreeSet<PartName>,
    /// Wanted parts that could not be started at the last try.
    pub failed: BTreeMap<PartName, PartId>,
    /// Parts that finish what they do.
    pub retiring: usize,
}

impl App {
    pub(super) fn view(&self) -> AppView {
        let wanted = self.wanted.iter().flat_map(|set| &set.parts);
        let in_phase = |phases: &'static [Phase]| {
            let known = wanted.clone().filter_map(|(name, id)| Some((name.clone(), *id, self.parts.get(id)?.phase)));
            known.filter(|(_, _, phase)| phases.contains(phase)).map(|(name, id, _)| (name, id))
        };
        AppView {
            serving: self.serving.as_ref().map(|set| (set.version(), set.parts.keys().cloned().collect())),
            wanted: self.wanted.as_ref().map(Set::version),
            starting: in_phase(&[Phase::Held, Phase::Starting]).map(|(name, _)| name).collect(),
            failed: in_phase(&[Phase::Failed]).collect(),
            retiring: self.parts.values().filter(|part| part.phase == Phase::Retiring).count(),
        }
    }

    pub(super) fn deployment(&self, version: u64) -> Option<&Deployment> {
        let sets = self.wanted.iter().chain(&self.serving);
        sets.map(|set| &set.deployment).find(|deployment| deployment.version == version)
    }

    pub(super) fn parts_of(&self, id: PartId) -> Option<Arc<dyn Parts>> {
        let mut sets = self.wanted.iter().chain(&self.serving);
        let set = sets.find(|set| set.parts.values().any(|part| *part == id))?;
        Some(Arc::clone(&set.deployment.parts))
    }

    pub(super) fn has(&self, id: PartId) -> bool {
        self.parts.contains_key(&id)
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.parts.values().any(|part| matches!(part.phase, Phase::Held | Phase::Starting))
    }

    /// True where there is nothing left to remember.
    pub(super) fn is_gone(&self) -> bool {
        self.wanted.is_none() && self.serving.is_none() && self.parts.is_empty()
    }

    /// From now on this is wanted. Parts that are there and equal are taken over, failed ones with their pause.
    pub(super) fn want(&mut self, deployment: Option<Deployment>, ids: &mut Ids) {
        let before = self.wanted.as_ref().map(Set::version);
        if before != deployment.as_ref().map(|deployment| deployment.version) {
            self.failures = 0;
        }
        let Some(deployment) = deployment else {
            self.wanted = None;
            return;
        };
        if self.wanted.as_ref().is_some_and(|wanted| wanted.deployment.is_same(&deployment)) {
            return;
        }
        let specs = deployment.specs();
        let parts = specs.into_iter().map(|(name, spec)| {
            let id = self.equal(&name, &spec).unwrap_or_else(|| self.hold(&name, spec, ids));
            (name, id)
        });
        let parts = parts.collect();
        self.wanted = Some(Set { deployment, parts });
    }

    /// A part that can serve as `name` made of `spec`: the one that is furthest. One in whose place another is starting
    /// is about to be gone, even if nobody waits for the other any more.
    fn equal(&self, name: &PartName, spec: &Spec) -> Option<PartId> {
        let replaced: BTreeSet<PartId> = self.parts.values().filter_map(|part| part.instead_of).collect();
        let stays = self.parts.iter().filter(|(id, _)| !replaced.contains(id));
        let equal = stays.filter(|(_, part)| part.name == *name && part.spec.is_same(spec));
        let rank = |phase| match phase {
            Phase::Ready => Some(0),
            Phase::Starting => Some(1),
            Phase::Held => Some(2),
            Phase::Failed => Some(3),
            Phase::Abandoned | Phase::Retiring => None,
        };
        let ranked = equal.filter_map(|(id, part)| Some((rank(part.phase)?, *id)));
        ranked.min().map(|(_, id)| id)
    }

    fn hold(&mut self, name: &PartName, spec: Spec, ids: &mut Ids) -> PartId {
        let id = ids.next();
        self.parts.insert(id, Part { name: name.clone(), spec, phase: Phase::Held, instead_of: None });
        id
    }

    pub(super) fn started(&mut self, id: PartId) {
        let Some(part) = self.parts.get_mut(&id) else { return };
        if !matches!(part.phase, Phase::Starting | Phase::Abandoned) {
            return;
        }
        // An abandoned part is ready for a moment: it then ends like any that nobody wants.
        part.phase = Phase::Ready;
        let (name, replaced) = (part.name.clone(), part.instead_of.take());
        if let Some(replaced) = replaced {
            self.parts.remove(&replaced);
            if let Some(serving) = &mut self.serving
                && serving.parts.get(&name) == Some(&replaced)
            {
                serving.parts.insert(name, id);
            }
        }
    }

    pub(super) fn failed(&mut self, id: PartId) {
        let Some(part) = self.parts.get_mut(&id) else { return };
        match part.phase {
            Phase::Starting => {
                part.phase = Phase::Failed;
                part.instead_of = None;
            }
            Phase::Abandoned => {
                self.parts.remove(&id);
            }
            Phase::Held | Phase::Ready | Phase::Failed | Phase::Retiring => {}
        }
    }

    pub(super) fn retired(&mut self, id: PartId) {
        if self.parts.get(&id).is_some_and(|part| part.phase == Phase::Retiring) {
            self.parts.remove(&id);
        }
    }

    /// The pause is over: what failed is tried again.
    pub(super) fn retry(&mut self) {
        self.pausing = false;
        let failed = self.parts.values_mut().filter(|part| part.phase == Phase::Failed);
        failed.for_each(|part| part.phase = Phase::Held);
    }

    /// Does what can be done now.
    pub(super) fn settle(&mut self, app: &AppName) -> Vec<Effect> {
        let mut effects = self.serve(app);
        effects.extend(self.abandon());
        effects.extend(self.retire());
        effects.extend(self.start(app));
        effects.extend(self.pause(app));
        effects
    }

    /// Switches to what is wanted, as far as it can serve.
    fn serve(&mut self, app: &AppName) -> Vec<Effect> {
        let Some(wanted) = &self.wanted else {
            return self.serving.take().map(|_| Effect::Withdraw(app.clone())).into_iter().collect();
        };
        let parts = self.servable(wanted);
        let is_whole = parts.len() == wanted.parts.len();
        if is_whole {
            self.failures = 0;
        }
        let (version, before) = (wanted.version(), self.serving.as_ref());
        let is_new = before.is_some_and(|set| set.version() != version);
        let is_equal = before.is_some_and(|set| set.version() == version && set.parts == parts);
        let is_nothing_yet = before.is_none() && parts.is_empty() && !is_whole;
        if is_equal || is_nothing_yet || (is_new && !is_whole) {
            return Vec::new();
        }
        self.serving = Some(Set { deployment: wanted.deployment.clone(), parts: parts.clone() });
        vec![Effect::Serve { app: app.clone(), version, parts }]
    }

    /// The parts of `set` that are ready, and whose near targets are.
    fn servable(&self, set: &Set) -> BTreeMap<PartName, PartId> {
        let is_ready = |id: &PartId| self.parts.get(id).is_some_and(|part| part.phase == Phase::Ready);
        let mut servable: BTreeMap<_, _> = set.parts.clone().into_iter().filter(|(_, id)| is_ready(id)).collect();
        loop {
            let lacking: Vec<PartName> = servable
                .iter()
                .filter(|(_, id)| {
                    let needs = self.parts.get(id).map(|part| part.spec.needs()).unwrap_or_default();
                    needs.iter().any(|need| set.parts.contains_key(need) && !servable.contains_key(need))
                })
                .map(|(name, _)| name.clone())
                .collect();
            if lacking.is_empty() {
                return servable;
            }
            servable.retain(|name, _| !lacking.contains(name));
        }
    }

    /// Gives up what nobody wants before it has started.
    fn abandon(&mut self) -> Vec<Effect> {
        let in_use = self.in_use();
        self.parts.retain(|id, part| in_use.contains(id) || !matches!(part.phase, Phase::Held | Phase::Failed));
        let unwanted = self.parts.iter_mut().filter(|(id, part)| !in_use.contains(id) && part.phase == Phase::Starting);
        unwanted
            .map(|(id, part)| {
                part.phase = Phase::Abandoned;
                Effect::Abandon(*id)
            })
            .collect()
    }

    /// Ends what nobody wants: actors first, and when they are through the providers that they call.
    fn retire(&mut self) -> Vec<Effect> {
        let in_use = self.in_use();
        let is_actor = |part: &Part| matches!(part.name, PartName::Actor(_));
        let mut ending = Vec::new();
        for actors in [true, false] {
            let leaves = |id: &PartId, part: &Part| {
                part.phase == Phase::Ready && is_actor(part) == actors && !in_use.contains(id)
            };
            if !actors && self.parts.values().any(|part| is_actor(part) && part.phase == Phase::Retiring) {
                break;
            }
            for (id, part) in self.parts.iter_mut().filter(|(id, part)| leaves(id, part)) {
                part.phase = Phase::Retiring;
                ending.push(*id);
            }
        }
        if ending.is_empty() { Vec::new() } else { vec![Effect::Retire(ending)] }
    }

    fn in_use(&self) -> BTreeSet<PartId> {
        let sets = self.serving.iter().chain(&self.wanted);
        let used = sets.flat_map(|set| set.parts.values().copied());
        // Whatever is being replaced is in use until that is done.
        let replaced = self.parts.values().filter_map(|part| part.instead_of);
        used.chain(replaced).collect()
    }

    /// Starts what waits for nothing.
    fn start(&mut self, app: &AppName) -> Vec<Effect> {
        let held: Vec<PartId> =
            self.parts.iter().filter(|(_, part)| part.phase == Phase::Held).map(|(id, _)| *id).collect();
        held.into_iter().filter_map(|id| self.start_one(app, id)).collect()
    }

    fn start_one(&mut self, app: &AppName, id: PartId) -> Option<Effect> {
        let part = self.parts.get(&id)?;
        let instead_of = if part.spec.is_local() { self.place(id, part)? } else { None };
        let part = self.parts.get_mut(&id)?;
        part.phase = Phase::Starting;
        part.instead_of = instead_of;
        let (app, name, spec) = (app.clone(), part.name.clone(), part.spec.clone());
        Some(Effect::Start { app, id, name, spec, instead_of })
    }

    /// Where a part that cannot be open beside another of its name may start: outer none, not yet; inner none, nothing
    /// is in its way; else in the place of the one that serves, which is the last thing to do before a switch.
    fn place(&self, id: PartId, part: &Part) -> Option<Option<PartId>> {
        let mut others = self.parts.iter().filter(|(other, known)| {
            **other != id
                && known.name == part.name
                && known.spec.is_local()
                && !matches!(known.phase, Phase::Held | Phase::Failed)
        });
        let Some((other, known)) = others.next() else { return Some(None) };
        let wanted = self.wanted.as_ref()?;
        // Others that wait for the same moment are as good as ready.
        let rest_is_ready = wanted
            .parts
            .values()
            .filter_map(|wanted| self.parts.get(wanted))
            .all(|part| part.phase == Phase::Ready || (part.spec.is_local() && part.phase != Phase::Failed));
        (others.next().is_none() && known.phase == Phase::Ready && rest_is_ready).then_some(Some(*other))
    }

    /// Begins a pause where something has failed.
    fn pause(&mut self, app: &AppName) -> Vec<Effect> {
        let has_failed = self.parts.values().any(|part| part.phase == Phase::Failed);
        if self.pausing || !has_failed {
            return Vec::new();
        }
        self.pausing = true;
        let pause = pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        vec![Effect::RetryAfter(app.clone(), pause)]
    }
}

/// The pause after so many failures.
fn pause(failures: u32) -> Duration {
    LOAD_RETRY_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LOAD_RETRY_PAUSE_MAX)
}

impl Set {
    fn version(&self) -> u64 {
        self.deployment.version
    }
}
