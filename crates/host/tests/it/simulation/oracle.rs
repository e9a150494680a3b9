//! What must hold at every moment, judged from outside: from what hosts do and what the store holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use host::control::{Effect, Report, Share};
use lattice::document::{PointerKey, Root, Shard};
use model::digest::Digest;
use model::ids::{AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Placement};

use super::scenario::{Document, is_bad};
use super::store::Store;
use super::world::World;

/// How long ago the last trouble of a host must be for its death to be wrongful.
const HEALTHY_AFTER: u64 = 4_500;

#[derive(Default)]
pub struct Oracle {
    pub violation: Option<String>,
    /// Every placement that ever was committed, by generation.
    committed: BTreeMap<u64, BTreeMap<AppName, Arc<AppPlacement>>>,
    /// Where each local provider is, while its application is placed.
    homes: BTreeMap<(AppName, ProviderName), HostName>,
    /// Healthy hosts that a planner declared dead around a stall, by planner.
    wronged: BTreeMap<usize, BTreeSet<HostName>>,
    /// The versions in which applications were to be down.
    pub downs: BTreeSet<(AppName, u64)>,
    pub stall_ended: u64,
    pub ejections: u64,
    /// The shards, roots and pointers that hosts have asked the store to write.
    pub writes: u64,
}

impl Oracle {
    pub fn violated(&mut self, text: String) {
        self.violation.get_or_insert(text);
    }

    /// A host does something.
    pub fn effect(&mut self, world: &mut World, process: usize, effect: &Effect) {
        self.fenced(world, process, effect);
        match effect {
            Effect::PutShard { .. } | Effect::ReplaceRoot { .. } | Effect::ReplacePointer { .. } => self.writes += 1,
            Effect::Adopt(share) => self.adopts(world, process, share),
            Effect::Report(Report::Died(host)) => self.declares_dead(world, process, host),
            Effect::Report(Report::PlanRefused { violations, .. }) => {
                self.violated(format!("process {process} plans what it refuses: {violations:?}"));
            }
            // A host that was not told before that it is to keep something until others are ready may refuse it.
            Effect::Report(Report::ShareRefused { violations, .. })
                if violations.iter().any(|violation| !violation.contains("lacks a label")) =>
            {
                self.violated(format!("process {process} refuses what a sound planner wrote: {violations:?}"));
            }
            _ => {}
        }
    }

    /// A process that stood still for long acts only once it has rejoined.
    fn fenced(&mut self, world: &mut World, process: usize, effect: &Effect) {
        let Some(thawed) = world.processes[process].thawed else { return };
        let allowed = match effect {
            Effect::Quarantine(false) => {
                let adopted = world.processes[process].share.generation;
                world.processes[process].thawed = None;
                thawed.echoed && thawed.reread && adopted >= thawed.pointer
            }
            Effect::PutLease { .. } => thawed.echoed,
            Effect::Adopt(_) => thawed.reread,
            Effect::Quarantine(true)
            | Effect::Report(_)
            | Effect::AskEcho(_)
            | Effect::Reread(_)
            | Effect::FetchShard(_)
            | Effect::Derive(_)
            | Effect::Reckon { .. }
            | Effect::FinishCalls
            | Effect::DeleteLease
            | Effect::DeleteRecord
            | Effect::Exit(_) => true,
            Effect::PutRecord { .. } => thawed.reread,
            _ => false,
        };
        if !allowed {
            self.violated(format!("process {process} stood still and acts before it has rejoined: {effect:?}"));
        }
    }

    fn adopts(&mut self, world: &mut World, process: usize, share: &Share) {
        let host = &world.processes[process];
        let name = &world.machines[host.machine].name;
        if share.generation < host.generation {
            self.violated(format!("{name} goes back from generation {} to {}", host.generation, share.generation));
        }
        for (app, placement) in share.apps.iter().chain(&share.routed) {
            let committed = self.committed.get(&placement.generation).and_then(|placement| placement.get(app));
            if committed != Some(placement) {
                self.violated(format!("{name} adopts {app} of generation {}, never committed", placement.generation));
            }
        }
        for (before, after) in [(&host.share.apps, &share.apps), (&host.share.routed, &share.routed)] {
            let older = |(app, placement): &(&AppName, &Arc<AppPlacement>)| {
                before.get(*app).is_some_and(|before| before.generation > placement.generation)
            };
            if let Some((app, placement)) = after.iter().find(older) {
                self.violated(format!("{name} goes back to generation {} of {app}", placement.generation));
            }
        }
        if share.generation > host.generation {
            let Some(committed) = self.committed.get(&share.generation).cloned() else {
                return self.violated(format!("{name} adopts generation {}, never committed", share.generation));
            };
            let record = host.state.record();
            let refused = |app: &AppPlacement| world.misfits(record, app);
            for (app, placement) in committed.iter().filter(|(_, app)| app.hosts().contains(name) && !refused(app)) {
                if share.apps.get(app) != Some(placement) {
                    self.violated(format!("{name} adopts generation {} without its {app}", share.generation));
                }
            }
        }
        world.processes[process].generation = share.generation;
    }

    /// Around a stall of the leases nobody healthy is declared dead, or at most one by two lost messages.
    fn declares_dead(&mut self, world: &World, process: usize, dead: &HostName) {
        let healthy = |process: usize| {
            let host = &world.processes[process];
            let machine = &world.machines[host.machine];
            host.alive && host.frozen.is_none() && host.connected && machine.troubled + HEALTHY_AFTER < world.now
        };
        let machine = world.machines.iter().position(|machine| machine.name == *dead);
        let victim = machine.and_then(|machine| world.process_of(machine));
        if !victim.is_some_and(healthy) || !healthy(process) {
            return;
        }
        self.ejections += 1;
        if world.now < world.stalled.max(self.stall_ended) + 3_000 && world.now > 3_000 {
            let wronged = self.wronged.entry(process).or_default();
            wronged.insert(dead.clone());
            if wronged.len() > 1 {
                let wronged = wronged.clone();
                self.violated(format!("process {process} declares healthy hosts dead in a stall: {wronged:?}"));
            }
        }
    }

    /// A root stands.
    pub fn committed(&mut self, store: &Store, root: &Root, documents: &BTreeMap<Digest, Document>) {
        let last = self.committed.last_key_value().map_or(0, |(generation, _)| *generation);
        if root.generation <= last {
            return self.violated(format!("a second root of generation {} where {last} stood", root.generation));
        }
        match placement_of(store, root) {
            Ok(placement) => {
                self.judge_change(&placement);
                for (app, placed) in &placement.applications {
                    self.judge_app(app, placed, documents);
                }
                self.homes.retain(|(app, _), _| placement.applications.contains_key(app));
                self.committed.insert(root.generation, placement.applications);
            }
            Err(problem) => self.violated(problem),
        }
    }

    /// No application goes back to an earlier version, unless from one that is bad to the one to go back to, nor is it given
    /// up unless that was asked for.
    fn judge_change(&mut self, next: &Placement) {
        let before = self.committed.last_key_value().map(|(_, before)| before.clone()).unwrap_or_default();
        for (app, before) in before {
            let Some(after) = next.applications.get(&app) else {
                let asked = |(of, version): &(AppName, u64)| *of == app && *version > before.version;
                if !self.downs.iter().any(asked) {
                    self.violated(format!("{app} is given up in version {}, which nobody asked for", before.version));
                }
                continue;
            };
            let refused = after.refused.as_ref().is_some_and(|refused| refused.version == before.version);
            let is_refused = refused && is_bad(before.intent) && before.before == Some(after.runs());
            if after.version < before.version && !is_refused {
                self.violated(format!("{app} goes back from version {} to {}", before.version, after.version));
            }
        }
    }

    fn judge_app(&mut self, app: &AppName, placed: &AppPlacement, documents: &BTreeMap<Digest, Document>) {
        let Some(Ok(demand)) = documents.get(&placed.intent).map(|document| document.demand.as_ref()) else {
            return self.violated(format!("{app} is placed by an intent that cannot be derived"));
        };
        let known: BTreeSet<_> = demand.groups.iter().flat_map(|group| &group.actors).collect();
        if placed.actors.keys().any(|actor| !known.contains(actor)) {
            self.violated(format!("{app} has an actor placed that is not demanded"));
        }
        for group in &demand.groups {
            let hosts: BTreeSet<_> = group.actors.iter().map(|actor| placed.actors.get(actor)).collect();
            if hosts.len() != 1 || hosts.contains(&None) {
                self.violated(format!("a group of {app} is torn apart: {hosts:?}"));
            }
            for provider in &group.local {
                let on = placed.providers.get(provider).into_iter().flatten().collect::<Vec<_>>();
                if on.len() > 1 {
                    self.violated(format!("local state {app}/{provider} is placed on {on:?}"));
                }
                let Some(host) = on.first() else { continue };
                let home = self.homes.entry((app.clone(), provider.clone())).or_insert_with(|| (*host).clone());
                if home != *host {
                    let text = format!("local state {app}/{provider} moves from {home} to {host}");
                    self.violated(text);
                }
            }
        }
    }

    /// Nothing that the root leads to was deleted.
    pub fn complete(&mut self, store: &Store) {
        if let Some((_, root)) = &store.root
            && let Err(problem) = placement_of(store, root)
        {
            self.violated(problem);
        }
    }
}

/// The placement that a root leads to, every shard of it looked at.
pub fn placement_of(store: &Store, root: &Root) -> Result<Placement, String> {
    let mut placement = Placement { generation: root.generation, applications: BTreeMap::new() };
    let mut shares = BTreeMap::new();
    for (number, digest) in &root.buckets {
        let Some(Shard::Index { entries, .. }) = store.shards.get(digest).map(Arc::as_ref) else {
            return Err(format!("root {} leads to an index bucket that is not there", root.generation));
        };
        for (key, digest) in entries.iter() {
            if key.bucket() != *number {
                return Err(format!("{key} is in the wrong bucket"));
            }
            match (key, store.shards.get(digest).map(Arc::as_ref)) {
                (PointerKey::App(app), Some(Shard::App(placed))) => {
                    placement.applications.insert(app.clone(), placed.clone());
                    for host in placed.hosts() {
                        shares.entry(host.clone()).or_insert_with(BTreeMap::new).insert(app.clone(), *digest);
                    }
                }
                (PointerKey::Host(_), Some(Shard::Host { .. })) => {}
                _ => return Err(format!("root {} leads to a shard of {key} that is not there", root.generation)),
            }
        }
    }
    for (host, share) in shares {
        match shard_of(store, root, &PointerKey::Host(host.clone())).as_deref() {
            Some(Shard::Host { apps, .. }) if *apps == share => {}
            _ => return Err(format!("the share of {host} is not what applications say in root {}", root.generation)),
        }
    }
    Ok(placement)
}

/// The digest of what a root says of a host or an application.
pub fn digest_of(store: &Store, root: &Root, key: &PointerKey) -> Option<Digest> {
    match store.shards.get(root.buckets.get(&key.bucket())?).map(Arc::as_ref) {
        Some(Shard::Index { entries, .. }) => entries.get(key).copied(),
        _ => None,
    }
}

fn shard_of(store: &Store, root: &Root, key: &PointerKey) -> Option<Arc<Shard>> {
    store.shards.get(&digest_of(store, root, key)?).cloned()
}
