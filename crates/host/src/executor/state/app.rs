//! One application.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::ids::AppName;
use model::placement::Refusal;
use model::planted::Bug;

use super::Effect;
use super::part::{Ids, PartId, PartName, Spec};
use super::trial::{Change, Tried};
use crate::executor::deployment::Deployment;
use crate::executor::parts::Parts;
use crate::limits::{LOAD_RETRY_PAUSE, LOAD_RETRY_PAUSE_MAX};

/// An application, as far as it concerns this host.
#[derive(Debug, Default)]
pub(super) struct App {
    /// What runs, or can run soon, or ran until just now.
    pub(super) parts: BTreeMap<PartId, Part>,
    /// What calls are served by.
    pub(super) serving: Option<Set>,
    /// What is to serve; none where nothing is to.
    pub(super) wanted: Option<Set>,
    /// What the version that serves last and the one that it replaces are to each other.
    pub(super) change: Option<Change>,
    /// The version that was gone back from.
    pub(super) refused: Option<Refusal>,
    /// The version that was last found as good as the one before, with a share of the calls.
    pub(super) proven: Option<u64>,
    /// What calls were last said to be served by.
    told: Option<Told>,
    /// The refusal that was told last.
    told_refusal: Option<u64>,
    /// How parts that are asked were last said to be linked.
    pub(super) linked: Option<Linked>,
    /// Starts of what is wanted that failed, one after the other.
    failures: u32,
    /// The pause after a failure runs.
    pausing: bool,
}

/// Parts that serve together.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) deployment: Deployment,
    pub(super) parts: BTreeMap<PartName, PartId>,
}

/// What calls are served by: a version with its parts, the one that has a share of them, and the one that is kept.
type Told = (Version, Option<Tried>, Option<Version>);

/// A version with its parts that have started, and the one beside it.
pub(super) type Linked = (Version, Option<Version>);

/// A version with its parts.
type Version = (u64, BTreeMap<PartName, PartId>);

#[derive(Debug)]
pub(super) struct Part {
    name: PartName,
    pub(super) spec: Spec,
    pub(super) phase: Phase,
    /// The part in whose place it starts.
    instead_of: Option<PartId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It will start when it may.
    Held,
    Starting,
    /// It has started, and will be asked whether it is ready.
    Started,
    /// It is being asked.
    Asked,
    /// It was asked, and will be again.
    Unready,
    Ready,
    Failed,
    /// It starts, and will end at once.
    Abandoned,
    Retiring,
}

impl Phase {
    /// True where there is something to wait for.
    pub(super) fn is_coming(self) -> bool {
        matches!(self, Self::Held | Self::Starting | Self::Started | Self::Asked)
    }

    /// True where it runs, whether it takes calls or not.
    pub(super) fn is_up(self) -> bool {
        matches!(self, Self::Started | Self::Asked | Self::Unready | Self::Ready)
    }
}

impl App {
    pub(super) fn deployment(&self, version: u64) -> Option<&Deployment> {
        let sets = self.sets();
        let mut deployments = sets.map(|set| &set.deployment);
        deployments.find(|deployment| deployment.version == version)
    }

    pub(super) fn parts_of(&self, id: PartId) -> Option<Arc<dyn Parts>> {
        let mut sets = self.sets();
        let set = sets.find(|set| set.parts.values().any(|part| *part == id))?;
        Some(Arc::clone(&set.deployment.parts))
    }

    pub(super) fn has(&self, id: PartId) -> bool {
        self.parts.contains_key(&id)
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.parts.values().any(|part| part.phase.is_coming())
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
            (self.wanted, self.refused, self.proven) = (None, None, None);
            return;
        };
        match &self.refused {
            // What was gone back from is not begun again.
            Some(refused) if refused.version == deployment.version && !Bug::ForgetsRefusal.is_planted() => return,
            _ => self.refused = None,
        }
        if self.wanted.as_ref().is_some_and(|wanted| wanted.deployment.is_same(&deployment)) {
            return;
        }
        self.wanted = Some(self.set(deployment, ids));
    }

    /// The parts of a deployment: those that are there and equal, and new ones that are to start.
    pub(super) fn set(&mut self, deployment: Deployment, ids: &mut Ids) -> Set {
        let specs = deployment.specs();
        let parts = specs.into_iter().map(|(name, spec)| {
            let id = self.equal(&name, &spec).unwrap_or_else(|| self.hold(&name, spec, ids));
            (name, id)
        });
        let parts = parts.collect();
        Set { deployment, parts }
    }

    /// A part that can serve as `name` made of `spec`: the one that is furthest. One in whose place another is starting
    /// is about to be gone, even if nobody waits for the other any more.
    fn equal(&self, name: &PartName, spec: &Spec) -> Option<PartId> {
        let replaced: BTreeSet<PartId> = self.parts.values().filter_map(|part| part.instead_of).collect();
        let stays = self.parts.iter().filter(|(id, _)| !replaced.contains(id));
        let equal = stays.filter(|(_, part)| part.name == *name && part.spec.is_same(spec));
        let rank = |phase| match phase {
            Phase::Ready => Some(0),
            Phase::Started | Phase::Asked | Phase::Unready | Phase::Starting => Some(1),
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
        let is_asked = part.phase == Phase::Starting && part.spec.is_asked();
        part.phase = if is_asked { Phase::Started } else { Phase::Ready };
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
            _ => {}
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
        for part in self.parts.values_mut() {
            part.phase = match part.phase {
                Phase::Failed => Phase::Held,
                Phase::Unready => Phase::Started,
                other => other,
            };
        }
    }

    /// Does what can be done now.
    pub(super) fn settle(&mut self, app: &AppName) -> Vec<Effect> {
        let mut effects: Vec<_> = self.tell_refusal(app).into_iter().collect();
        effects.extend(self.serve(app));
        effects.extend(self.abandon());
        effects.extend(self.retire());
        effects.extend(self.start(app));
        effects.extend(self.prove(app));
        effects.extend(self.pause(app));
        effects
    }

    /// Switches to what is wanted, as far as it can serve.
    fn serve(&mut self, app: &AppName) -> Vec<Effect> {
        let Some(wanted) = &self.wanted else {
            (self.change, self.told) = (None, None);
            return self.serving.take().map(|_| Effect::Withdraw(app.clone())).into_iter().collect();
        };
        let parts = self.servable(&wanted.parts);
        let is_whole = parts.len() == wanted.parts.len() || Bug::SwitchesEarly.is_planted();
        if is_whole {
            self.failures = 0;
        }
        let is_nothing_yet = self.serving.is_none() && parts.is_empty() && !is_whole;
        let before = self.serving.as_ref().filter(|set| set.version() != wanted.version());
        match before {
            _ if is_nothing_yet => return Vec::new(),
            Some(before) if self.is_on_trial(wanted, before) || (wanted.is_tried_beside(before) && !is_whole) => {
                let parts = self.servable(&self.standing(wanted, before));
                self.change = (parts.len() == wanted.parts.len()).then_some(Change::Trying(parts));
            }
            Some(_) if !is_whole => self.change = None,
            Some(before) => {
                // Hosts that still go by the version before may call what this one has no more.
                let kept = wanted.deployment.trial.map(|_| Change::Watching(before.clone()));
                self.serving = Some(Set { deployment: wanted.deployment.clone(), parts });
                self.change = kept;
            }
            None => {
                let standing = self.serving.as_ref().map(|serving| self.standing(wanted, serving));
                let parts = standing.map_or(parts, |standing| self.servable(&standing));
                self.serving = Some(Set { deployment: wanted.deployment.clone(), parts });
                self.change = self.change.take().filter(|change| change.kept().is_some());
            }
        }
        self.tell(app)
    }

    /// Says which version was gone back from, once.
    fn tell_refusal(&mut self, app: &AppName) -> Option<Effect> {
        let version = self.refused.as_ref().map(|refused| refused.version);
        let is_told = std::mem::replace(&mut self.told_refusal, version) == version;
        self.refused.clone().filter(|_| !is_told).map(|refused| Effect::GoneBack(app.clone(), refused))
    }

    /// Says what serves, if that is new.
    fn tell(&mut self, app: &AppName) -> Vec<Effect> {
        let Some(serving) = &self.serving else { return Vec::new() };
        let tried = match (&self.change, &self.wanted) {
            (Some(Change::Trying(parts)), Some(wanted)) => Tried::new(&wanted.deployment, parts),
            _ => None,
        };
        let kept = self.change.as_ref().and_then(Change::kept).map(Set::told);
        let told = (serving.told(), tried, kept);
        if self.told.as_ref() == Some(&told) {
            return Vec::new();
        }
        self.told = Some(told.clone());
        let ((version, parts), tried, kept) = told;
        vec![Effect::Serve { app: app.clone(), version, parts, tried, kept }]
    }

    fn is_ready(&self, id: PartId) -> bool {
        self.parts.get(&id).is_some_and(|part| part.phase == Phase::Ready)
    }

    /// Those of `parts` that are ready, and whose near targets are.
    fn servable(&self, parts: &BTreeMap<PartName, PartId>) -> BTreeMap<PartName, PartId> {
        let mut servable: BTreeMap<_, _> = parts.clone().into_iter().filter(|(_, id)| self.is_ready(*id)).collect();
        loop {
            let lacking: Vec<PartName> = servable
                .iter()
                .filter(|(_, id)| {
                    let needs = self.parts.get(id).map(|part| part.spec.needs()).unwrap_or_default();
                    needs.iter().any(|need| parts.contains_key(need) && !servable.contains_key(need))
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
            let leaves =
                |id: &PartId, part: &Part| part.phase.is_up() && is_actor(part) == actors && !in_use.contains(id);
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

    /// What is wanted, what serves, and what is kept to go back to.
    fn sets(&self) -> impl Iterator<Item = &Set> {
        let kept = self.change.as_ref().and_then(Change::kept);
        self.wanted.iter().chain(&self.serving).chain(kept)
    }

    fn in_use(&self) -> BTreeSet<PartId> {
        let used = self.sets().flat_map(|set| set.parts.values().copied());
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
    /// is in its way; else in the place of the one that serves, which is the last thing to do before a switch, and comes
    /// after a trial.
    fn place(&self, id: PartId, part: &Part) -> Option<Option<PartId>> {
        let mut others = self.parts.iter().filter(|(other, known)| {
            **other != id
                && known.name == part.name
                && known.spec.is_local()
                && !matches!(known.phase, Phase::Held | Phase::Failed)
        });
        let Some((other, known)) = others.next() else { return Some(None) };
        let wanted = self.wanted.as_ref()?;
        if self.serving.as_ref().is_some_and(|serving| self.is_on_trial(wanted, serving)) {
            return None;
        }
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
        let has_failed = self.parts.values().any(|part| matches!(part.phase, Phase::Failed | Phase::Unready));
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
    pub(super) fn version(&self) -> u64 {
        self.deployment.version
    }

    pub(super) fn told(&self) -> Version {
        (self.version(), self.parts.clone())
    }
}
