//! This host's share: from its pointer to what it runs.
//!
//! Each application is taken on by itself: as soon as its shard is here, its intent is derived and the check agrees. One
//! that is refused or cannot be derived keeps what this host ran before.

use model::planted::Bug;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{Pointer, PointerKey, Shard};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName, ProviderName};
use model::placement::AppPlacement;
use plan::placement::{Demand, HostView, check_share};

use super::effect::{Effect, Report, Share};
use super::library::{Library, in_version};
use super::turn::Turn;

/// What this host follows and has adopted.
#[derive(Debug)]
pub(super) struct Follower {
    me: HostName,
    ingress: bool,
    own: Option<Followed>,
    routed: BTreeMap<AppName, Followed>,
    adopted: Share,
    /// The shards that were adopted.
    shards: BTreeMap<AppName, Digest>,
    /// The local state that this host has been given in this life.
    opened: States,
    /// The local state that it will open once its record tells of it.
    wanted: States,
    /// What was refused and reported, and is not taken on.
    refused: BTreeMap<AppName, Refused>,
    changed: bool,
    waiting: bool,
}

/// What this host was given of an application and does not take on.
#[derive(Clone, Debug)]
struct Refused {
    shard: Digest,
    document: Digest,
    reason: String,
}

/// A pointer as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Followed {
    revision: Revision,
    pointer: Pointer,
}

/// Providers with state on this host.
pub(super) type States = BTreeSet<(AppName, ProviderName)>;

/// This host as it is, and as its record has told others.
pub(super) struct Known {
    pub(super) view: HostView,
    pub(super) told: States,
}

/// What is made of one application.
enum Verdict {
    Take(Arc<AppPlacement>),
    Keep,
    Wait,
}

impl Follower {
    pub(super) fn new(me: HostName, ingress: bool) -> Self {
        Self {
            me,
            ingress,
            own: None,
            routed: BTreeMap::new(),
            adopted: Share::default(),
            shards: BTreeMap::new(),
            opened: States::new(),
            wanted: States::new(),
            refused: BTreeMap::new(),
            changed: false,
            waiting: false,
        }
    }

    pub(super) fn adopted(&self) -> &Share {
        &self.adopted
    }

    /// The local state of which the record must tell.
    pub(super) fn claims(&self) -> States {
        self.opened.union(&self.wanted).cloned().collect()
    }

    /// True where everything that this host's pointers say has been adopted or refused.
    pub(super) fn settled(&self) -> bool {
        !self.changed && !self.waiting
    }

    /// The watch begins anew; what it tells counts, whatever its revision.
    pub(super) fn watch_began(&mut self) {
        self.own.iter_mut().chain(self.routed.values_mut()).for_each(|followed| followed.revision = Revision(0));
    }

    /// Look again: something that was waited for may be here.
    pub(super) fn look_again(&mut self) {
        self.changed |= self.waiting;
    }

    /// Look again at what was refused too: this host itself has changed.
    pub(super) fn look_at_all_again(&mut self) {
        self.changed = true;
    }

    pub(super) fn pointed(&mut self, turn: &mut Turn<'_>, key: &PointerKey, revision: Revision, pointer: Pointer) {
        let followed = Followed { revision, pointer };
        match key {
            PointerKey::Host(host) if *host == self.me => self.pointed_at_share(turn, followed),
            PointerKey::App(app) if self.ingress => {
                let newer = self.routed.get(app).is_none_or(|known| known.revision < revision);
                if newer {
                    self.routed.insert(app.clone(), followed);
                    self.changed = true;
                }
            }
            PointerKey::Host(_) | PointerKey::App(_) => {}
        }
    }

    fn pointed_at_share(&mut self, turn: &mut Turn<'_>, followed: Followed) {
        if self.own.is_some_and(|own| own.revision >= followed.revision) {
            return;
        }
        let (generation, adopted) = (followed.pointer.generation, self.adopted.generation);
        if generation < adopted && !Bug::AcceptsStale.is_planted() {
            return turn.report(Report::Stale { generation, adopted });
        }
        self.own = Some(followed);
        self.changed = true;
    }

    /// Adopts what can be adopted. False where there was nothing to look at.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>, library: &mut Library, me: impl FnOnce() -> Known) -> bool {
        if !self.changed {
            return false;
        }
        self.changed = false;
        self.waiting = false;
        let me = me();
        let mut next = Share { generation: self.adopted.generation, ..Share::default() };
        let shards = self.take_share(turn, library, &me, &mut next);
        self.take_routed(turn, library, &mut next);
        self.shards = shards;
        if next != self.adopted {
            self.adopted = next;
            turn.emit(Effect::Adopt(self.adopted.clone()));
        }
        true
    }

    /// The applications of this host's own shard, and the shards that were taken.
    fn take_share(
        &mut self,
        turn: &mut Turn<'_>,
        library: &mut Library,
        me: &Known,
        next: &mut Share,
    ) -> BTreeMap<AppName, Digest> {
        let pointer = self.own.map(|own| own.pointer);
        let wanted = pointer.and_then(|pointer| wanted_apps(turn, library, pointer));
        let (Some(pointer), Some(wanted)) = (pointer, wanted) else {
            self.waiting = pointer.is_some();
            next.apps = self.adopted.apps.clone();
            return std::mem::take(&mut self.shards);
        };
        let mut shards = BTreeMap::new();
        self.wanted.clear();
        for (app, digest) in &wanted {
            let kept = self.shards.get(app).copied();
            let taken = match self.judge(turn, library, me, app, *digest) {
                Verdict::Take(placement) => Some((placement, *digest)),
                Verdict::Keep => self.adopted.apps.get(app).cloned().zip(kept),
                Verdict::Wait => {
                    self.waiting = true;
                    self.adopted.apps.get(app).cloned().zip(kept)
                }
            };
            if let Some((placement, digest)) = taken {
                next.apps.insert(app.clone(), placement);
                shards.insert(app.clone(), digest);
            }
        }
        self.refused
            .retain(|app, refused| wanted.get(app) == Some(&refused.shard) && shards.get(app) != Some(&refused.shard));
        if !self.waiting {
            next.generation = pointer.generation;
        }
        shards
    }

    fn judge(
        &mut self,
        turn: &mut Turn<'_>,
        library: &mut Library,
        me: &Known,
        app: &AppName,
        digest: Digest,
    ) -> Verdict {
        let before = self.adopted.apps.get(app);
        if self.shards.get(app) == Some(&digest) {
            return before.cloned().map_or(Verdict::Keep, Verdict::Take);
        }
        let Some(next) = fetched_app(turn, library, digest) else { return Verdict::Wait };
        let Some(next) = next else { return Verdict::Keep };
        let Some(derived) = library.demand(turn, next.intent) else { return Verdict::Wait };
        let demand = match derived {
            Ok(demand) => in_version(&demand, &next),
            Err(reason) => {
                let reason = reason.to_string();
                if self.refuses(app, digest, next.intent, format!("it cannot be planned here: {reason}")) {
                    turn.report(Report::Underivable { app: app.clone(), document: next.intent, reason });
                }
                return Verdict::Keep;
            }
        };
        let checked = check_share(&self.me, &me.view, &demand, before.map(Arc::as_ref), &next);
        let violations = match checked {
            _ if before.is_some_and(|before| before.generation > next.generation) => {
                vec![format!("{app} is of an older generation than the one that runs")]
            }
            _ if demand.application != *app => vec![format!("the shard of {app} holds another application")],
            Ok(()) => return self.claim(me, &demand, next),
            Err(violations) => violations.iter().map(ToString::to_string).collect(),
        };
        if self.refuses(app, digest, next.intent, format!("this host refuses it: {}", violations.join("; "))) {
            turn.report(Report::ShareRefused { app: app.clone(), generation: next.generation, violations });
        }
        Verdict::Keep
    }

    /// Remembers why a part was not taken on. True where that is news.
    fn refuses(&mut self, app: &AppName, shard: Digest, document: Digest, reason: String) -> bool {
        let before = self.refused.insert(app.clone(), Refused { shard, document, reason });
        before.is_none_or(|before| before.shard != shard)
    }

    /// What is placed here and was not taken on, with the reason.
    pub(super) fn failing(&self) -> impl Iterator<Item = (&AppName, &str)> {
        self.refused.iter().map(|(app, refused)| (app, refused.reason.as_str()))
    }

    /// Local state is told of before it is opened: should this host be lost the next moment, everybody knows where it is.
    fn claim(&mut self, me: &Known, demand: &Demand, next: Arc<AppPlacement>) -> Verdict {
        let local = demand.groups.iter().flat_map(|group| &group.local);
        let here = local.filter(|provider| next.providers.get(*provider).is_some_and(|on| on.contains(&self.me)));
        let states: States = here.map(|provider| (demand.application.clone(), provider.clone())).collect();
        if states.is_subset(&me.told) {
            self.opened.extend(states);
            return Verdict::Take(next);
        }
        self.wanted.extend(states);
        Verdict::Wait
    }

    /// The applications that an ingress must reach.
    fn take_routed(&mut self, turn: &mut Turn<'_>, library: &mut Library, next: &mut Share) {
        for (app, followed) in &self.routed {
            if followed.pointer.digest == Shard::nothing_digest() {
                continue;
            }
            let known = self.adopted.routed.get(app);
            let found = fetched_app(turn, library, followed.pointer.digest);
            let derived = found.as_ref().and_then(Option::as_ref).and_then(|app| library.demand(turn, app.intent));
            let taken = match (found, derived) {
                (Some(Some(found)), Some(Ok(_))) if known.is_none_or(|known| known.generation <= found.generation) => {
                    Some(found)
                }
                (None, _) | (Some(Some(_)), None) => {
                    self.waiting = true;
                    known.cloned()
                }
                _ => known.cloned(),
            };
            // This host's own share may know better.
            let own =
                next.apps.get(app).filter(|own| taken.as_ref().is_none_or(|taken| taken.generation < own.generation));
            if let Some(placement) = own.cloned().or(taken) {
                next.routed.insert(app.clone(), placement);
            }
        }
    }

    /// What must stay in the library: shards and documents.
    pub(super) fn needs(&self, shards: &mut BTreeSet<Digest>, documents: &mut BTreeSet<Digest>) {
        shards.extend(self.own.iter().chain(self.routed.values()).map(|followed| followed.pointer.digest));
        shards.extend(self.shards.values());
        // What was refused is not fetched and planned anew each time that something else changes.
        shards.extend(self.refused.values().map(|refused| refused.shard));
        documents.extend(self.refused.values().map(|refused| refused.document));
        documents.extend(self.adopted.apps.values().chain(self.adopted.routed.values()).map(|app| app.intent));
    }
}

/// The applications that a pointer's shard names; none while it is not here.
fn wanted_apps(turn: &mut Turn<'_>, library: &mut Library, pointer: Pointer) -> Option<BTreeMap<AppName, Digest>> {
    if pointer.digest == Shard::nothing_digest() {
        return Some(BTreeMap::new());
    }
    match library.shard(turn, pointer.digest)?.as_ref() {
        Shard::Host { apps, .. } => Some(apps.clone()),
        Shard::App(_) | Shard::Index { .. } => None,
    }
}

/// The shard of an application: none while it is not here, none inside where it is of another kind.
fn fetched_app(turn: &mut Turn<'_>, library: &mut Library, digest: Digest) -> Option<Option<Arc<AppPlacement>>> {
    match library.shard(turn, digest)?.as_ref() {
        Shard::App(placement) => Some(Some(placement.clone())),
        Shard::Host { .. } | Shard::Index { .. } => Some(None),
    }
}
