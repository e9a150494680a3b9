//! One host's control, told by hand what happens around it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use host::control::{Effect, Event, Moment, Op, Outcome, Reckoning, Report, State, Topic, Underivable, step};
use host::limits::CONTROL_TICK;
use lattice::document::{
    Author, HostRecord, Incarnation, IntentHead, Pointer, PointerKey, Root, Shard, Storage, UnixMillis,
};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Replicas};
use plan::placement::{Demand, Group};

pub const TOPICS: [Topic; 5] = [Topic::Hosts, Topic::Pointers, Topic::Intents, Topic::Leases, Topic::Root];

pub fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

pub fn app(text: &str) -> AppName {
    text.parse().unwrap()
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The record of a host that is up and runs nothing.
pub fn record(host: &str, incarnation: u64) -> HostRecord {
    HostRecord {
        name: name(host),
        incarnation: Incarnation(incarnation),
        version: "1.0.0".to_owned(),
        sealing: None,
        settings: BTreeSet::new(),
        labels: BTreeMap::new(),
        draining: false,
        planner: true,
        listen: None,
        secure: false,
        kinds: ["keyvalue/embedded".to_owned()].into(),
        states: BTreeSet::new(),
        storage: Storage::Safe,
        ready: BTreeMap::new(),
        refused: BTreeMap::new(),
        failing: Vec::new(),
        unwell: Vec::new(),
    }
}

pub fn document(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

pub fn head(version: u64, document: Option<Digest>) -> IntentHead {
    let by: Author = "operator".parse().unwrap();
    IntentHead { version, document, share: None, by, at: UnixMillis(0) }
}

/// One actor, `cart`, on so many hosts.
pub fn free(app: &str, document: Digest, replicas: u32) -> Arc<Demand> {
    let group = Group {
        actors: ["cart".parse().unwrap()].into(),
        providers: BTreeSet::new(),
        local: BTreeSet::new(),
        kinds: BTreeSet::new(),
        replicas: Replicas::Count(NonZeroU32::new(replicas).unwrap()),
        spread: None,
        on: BTreeMap::new(),
    };
    Arc::new(Demand {
        application: app.parse().unwrap(),
        version: 0,
        intent: document,
        share: None,
        refused: None,
        groups: vec![group],
    })
}

/// One actor, `cart`, beside a store of its own host, `kv`.
pub fn pinned(app: &str, document: Digest) -> Arc<Demand> {
    let mut demand = free(app, document, 1).as_ref().clone();
    demand.groups[0].providers = ["kv".parse().unwrap()].into();
    demand.groups[0].local = demand.groups[0].providers.clone();
    demand.groups[0].kinds = ["keyvalue/embedded".to_owned()].into();
    Arc::new(demand)
}

/// Where `cart` of an application is, and `kv` where it has one.
pub fn placed(demand: &Demand, generation: u64, version: u64, hosts: &[&str]) -> Arc<AppPlacement> {
    let on: BTreeSet<HostName> = hosts.iter().map(|host| name(host)).collect();
    let group = &demand.groups[0];
    Arc::new(AppPlacement {
        generation,
        version,
        intent: demand.intent,
        before: None,
        share: None,
        refused: None,
        actors: group.actors.iter().map(|actor| (actor.clone(), on.clone())).collect(),
        providers: group.providers.iter().map(|provider| (provider.clone(), on.clone())).collect(),
    })
}

/// What a host's control is told and answers.
pub struct Scene {
    pub state: State,
    pub now: Duration,
    pub revision: u64,
    /// Whether writes are answered at once, as done.
    pub answers: bool,
    /// Whether what is to run where is reckoned at once.
    pub reckons: bool,
    pub shards: BTreeMap<Digest, Arc<Shard>>,
    pub documents: BTreeMap<Digest, Arc<Demand>>,
    /// Documents that cannot be derived, and why.
    pub refused: BTreeMap<Digest, String>,
    pub root: Option<(Revision, Arc<Root>)>,
    pub pointers: BTreeMap<PointerKey, (Revision, Pointer)>,
    /// Everything that was done.
    pub done: Vec<Effect>,
}

impl Scene {
    pub fn new(record: HostRecord) -> Self {
        Self {
            state: State::new(record, false),
            now: Duration::from_secs(1),
            revision: 100,
            answers: true,
            reckons: true,
            shards: BTreeMap::new(),
            documents: BTreeMap::new(),
            refused: BTreeMap::new(),
            root: None,
            pointers: BTreeMap::new(),
            done: Vec::new(),
        }
    }

    /// A host `h1` that has joined a lattice of these hosts, all of them alive, and of nothing else.
    pub fn joined(others: &[&str]) -> Self {
        let mut scene = Self::new(record("h1", 10));
        scene.join(others);
        scene
    }

    pub fn join(&mut self, others: &[&str]) {
        self.tell(Event::Connected);
        for topic in TOPICS {
            self.tell(Event::Began(topic));
            if topic == Topic::Hosts {
                for other in others {
                    self.told_record(record(other, 10));
                }
            }
            if topic == Topic::Leases {
                others.iter().for_each(|other| self.renewed(other, 10));
            }
            self.tell(Event::Current(topic));
        }
        self.tick();
        self.done.clear();
    }

    pub fn next(&mut self) -> Revision {
        self.revision += 1;
        Revision(self.revision)
    }

    pub fn told_record(&mut self, record: HostRecord) -> Vec<Effect> {
        let revision = self.next();
        self.tell(Event::Record { host: record.name.clone(), revision, record: Some(Arc::new(record)) })
    }

    pub fn renewed(&mut self, host: &str, incarnation: u64) {
        let revision = self.next();
        self.tell(Event::Lease { host: name(host), revision, incarnation: Some(Incarnation(incarnation)) });
    }

    /// An intent, its document derivable.
    pub fn intend(&mut self, version: u64, demand: &Arc<Demand>) {
        self.documents.insert(demand.intent, demand.clone());
        let head = head(version, Some(demand.intent));
        self.tell(Event::Intent { app: demand.application.clone(), head: Some(head) });
    }

    /// What follows from an event; where writes and fetches are answered, from the answers too.
    pub fn tell(&mut self, event: Event) -> Vec<Effect> {
        let mut all = Vec::new();
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in step(&mut self.state, Moment(self.now), event) {
                if let Effect::Reckon { op, reckoning } = &effect {
                    events.extend(self.reckons.then(|| reckoned(*op, reckoning)));
                } else if self.answers {
                    events.extend(self.answer(&effect));
                }
                all.push(effect);
            }
        }
        self.done.extend(all.iter().cloned());
        all
    }

    /// Time passes, tick by tick, while these other hosts renew their leases.
    pub fn pass(&mut self, time: Duration, alive: &[&str]) -> Vec<Effect> {
        let mut all = Vec::new();
        let end = self.now + time;
        while self.now < end {
            self.now = end.min(self.now + CONTROL_TICK);
            if self.now.as_millis() % 1_000 < CONTROL_TICK.as_millis() {
                alive.iter().for_each(|host| self.renewed(host, 10));
            }
            all.extend(self.tell(Event::Tick));
        }
        all
    }

    pub fn tick(&mut self) -> Vec<Effect> {
        self.now += CONTROL_TICK;
        self.tell(Event::Tick)
    }

    /// What a store without faults answers, and what its watches tell.
    pub fn answer(&mut self, effect: &Effect) -> Vec<Event> {
        let done = |op: Op, revision| Event::Written { op, outcome: Outcome::Done(revision) };
        match effect.clone() {
            Effect::PutLease { op, incarnation } => {
                let (host, revision) = (self.state.record().name.clone(), self.next());
                vec![done(op, revision), Event::Lease { host, revision, incarnation: Some(incarnation) }]
            }
            Effect::PutRecord { op, record, .. } => {
                let (host, revision) = (record.name.clone(), self.next());
                vec![done(op, revision), Event::Record { host, revision, record: Some(record) }]
            }
            Effect::PutShard { op, digest, shard } => {
                self.shards.insert(digest, shard);
                vec![done(op, self.next())]
            }
            Effect::FetchShard(digest) => vec![Event::Shard { digest, shard: self.shards.get(&digest).cloned() }],
            Effect::Derive(document) => {
                let demand = self.documents.get(&document).cloned();
                let refused = self.refused.get(&document).cloned();
                let absent = refused.map_or(Underivable::Unavailable, Underivable::Refused);
                let result = demand.ok_or(absent);
                vec![Event::Derived { document, result }]
            }
            Effect::ReplaceRoot { op, root, .. } => {
                let revision = self.next();
                self.root = Some((revision, root.clone()));
                vec![done(op, revision), Event::Root { revision, root: Some(root) }]
            }
            Effect::ReplacePointer { op, key, pointer, .. } => {
                let revision = self.next();
                self.pointers.insert(key.clone(), (revision, pointer));
                vec![done(op, revision), Event::Pointer { key, revision, pointer: Some(pointer) }]
            }
            Effect::Reread(op) => vec![Event::Reread { op, found: Some(self.found()) }],
            Effect::AskEcho(op) => vec![Event::Echo(op)],
            Effect::FinishCalls => vec![Event::Finished],
            _ => Vec::new(),
        }
    }

    pub fn found(&self) -> host::control::Found {
        let key = PointerKey::Host(self.state.record().name.clone());
        host::control::Found { root: self.root.clone(), pointer: self.pointers.get(&key).copied() }
    }

    /// Another planner's work: shards for this host, and a pointer to them.
    pub fn given(&mut self, generation: u64, apps: &[(&str, &Arc<AppPlacement>)]) -> Vec<Effect> {
        let digests = apps.iter().map(|(name, placement)| {
            let shard = Shard::App(Arc::clone(placement));
            let digest = shard.digest();
            self.shards.insert(digest, Arc::new(shard));
            (app(name), digest)
        });
        let shard = Shard::Host { generation, apps: digests.collect() };
        let digest = shard.digest();
        self.shards.insert(digest, Arc::new(shard));
        self.pointed(Pointer { generation, digest })
    }

    pub fn pointed(&mut self, pointer: Pointer) -> Vec<Effect> {
        let key = PointerKey::Host(self.state.record().name.clone());
        let revision = self.next();
        self.pointers.insert(key.clone(), (revision, pointer));
        self.tell(Event::Pointer { key, revision, pointer: Some(pointer) })
    }

    /// The application's part of what this host has adopted, and in which generation.
    pub fn runs(&self, name: &str) -> Option<u64> {
        self.state.adopted().apps.get(&app(name)).map(|placement| placement.generation)
    }
}

/// The answer to a reckoning.
pub fn reckoned(op: Op, reckoning: &Reckoning) -> Event {
    Event::Reckoned { op, reckoned: Some(Box::new(reckoning.clone().run())) }
}

/// What an operator was told.
pub fn reports(effects: &[Effect]) -> Vec<Report> {
    let report = |effect: &Effect| match effect {
        Effect::Report(report) => Some(report.clone()),
        _ => None,
    };
    effects.iter().filter_map(report).collect()
}

/// How many effects are of a kind.
pub fn count(effects: &[Effect], kind: impl Fn(&Effect) -> bool) -> usize {
    effects.iter().filter(|effect| kind(effect)).count()
}

/// The hosts on which an application is placed, as their pointers say.
pub fn on(scene: &Scene, of: &str) -> Vec<HostName> {
    let mut hosts = Vec::new();
    for (key, (_, pointer)) in &scene.pointers {
        let shard = scene.shards.get(&pointer.digest);
        if let (PointerKey::Host(host), Some(Shard::Host { apps, .. })) = (key, shard.map(Arc::as_ref))
            && apps.contains_key(&app(of))
        {
            hosts.push(host.clone());
        }
    }
    hosts
}
