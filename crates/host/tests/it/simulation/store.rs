//! The lattice's store as it should be: one copy, one change after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use host::control::{Event, Found, Outcome, Topic};
use lattice::document::{HostRecord, Incarnation, IntentHead, Pointer, PointerKey, Root, Shard};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::{AppName, HostName};

/// Everything that stands.
#[derive(Default)]
pub struct Store {
    revision: u64,
    pub intents: BTreeMap<AppName, (Revision, IntentHead)>,
    pub records: BTreeMap<HostName, (Revision, Arc<HostRecord>)>,
    /// Records that were deleted: the deletion is what stands.
    deleted: BTreeMap<HostName, Revision>,
    pub leases: BTreeMap<HostName, (Revision, Incarnation)>,
    pub root: Option<(Revision, Arc<Root>)>,
    pub pointers: BTreeMap<PointerKey, (Revision, Pointer)>,
    pub shards: BTreeMap<Digest, Arc<Shard>>,
    /// A store that writes whatever was expected: a planted fault.
    careless: bool,
}

impl Store {
    pub fn new(careless: bool) -> Self {
        Self { careless, ..Self::default() }
    }

    fn next(&mut self) -> Revision {
        self.revision += 1;
        Revision(self.revision)
    }

    fn allows(&self, stands: Option<Revision>, expected: Option<Revision>) -> bool {
        self.careless || stands == expected
    }

    pub fn put_intent(&mut self, app: &AppName, head: IntentHead) -> (Topic, Event) {
        let revision = self.next();
        self.intents.insert(app.clone(), (revision, head.clone()));
        (Topic::Intents, Event::Intent { app: app.clone(), head: Some(head) })
    }

    pub fn put_lease(&mut self, host: &HostName, incarnation: Incarnation) -> (Outcome, (Topic, Event)) {
        let revision = self.next();
        self.leases.insert(host.clone(), (revision, incarnation));
        let event = Event::Lease { host: host.clone(), revision, incarnation: Some(incarnation) };
        (Outcome::Done(revision), (Topic::Leases, event))
    }

    pub fn delete_lease(&mut self, host: &HostName) -> (Topic, Event) {
        let revision = self.next();
        self.leases.remove(host);
        (Topic::Leases, Event::Lease { host: host.clone(), revision, incarnation: None })
    }

    pub fn delete_record(&mut self, host: &HostName) -> (Topic, Event) {
        let revision = self.next();
        self.records.remove(host);
        self.deleted.insert(host.clone(), revision);
        (Topic::Hosts, Event::Record { host: host.clone(), revision, record: None })
    }

    pub fn put_record(
        &mut self,
        expected: Option<Revision>,
        record: &Arc<HostRecord>,
    ) -> Result<(Outcome, (Topic, Event)), Outcome> {
        let deletion = self.deleted.get(&record.name).copied().filter(|_| expected.is_some());
        let stands = self.records.get(&record.name).map(|(revision, _)| *revision);
        if !self.allows(stands.or(deletion), expected) {
            return Err(Outcome::Conflict);
        }
        let revision = self.next();
        self.records.insert(record.name.clone(), (revision, record.clone()));
        let event = Event::Record { host: record.name.clone(), revision, record: Some(record.clone()) };
        Ok((Outcome::Done(revision), (Topic::Hosts, event)))
    }

    pub fn replace_root(
        &mut self,
        expected: Option<Revision>,
        root: &Arc<Root>,
    ) -> Result<(Outcome, (Topic, Event)), Outcome> {
        if !self.allows(self.root.as_ref().map(|(revision, _)| *revision), expected) {
            return Err(Outcome::Conflict);
        }
        let revision = self.next();
        self.root = Some((revision, root.clone()));
        Ok((Outcome::Done(revision), (Topic::Root, Event::Root { revision, root: Some(root.clone()) })))
    }

    pub fn replace_pointer(
        &mut self,
        key: &PointerKey,
        expected: Option<Revision>,
        pointer: Pointer,
    ) -> Result<(Outcome, (Topic, Event)), Outcome> {
        if !self.allows(self.pointers.get(key).map(|(revision, _)| *revision), expected) {
            return Err(Outcome::Conflict);
        }
        let revision = self.next();
        self.pointers.insert(key.clone(), (revision, pointer));
        let event = Event::Pointer { key: key.clone(), revision, pointer: Some(pointer) };
        Ok((Outcome::Done(revision), (Topic::Pointers, event)))
    }

    pub fn put_shard(&mut self, digest: Digest, shard: &Arc<Shard>) -> Outcome {
        let revision = self.next();
        self.shards.insert(digest, shard.clone());
        Outcome::Done(revision)
    }

    pub fn found(&self, host: &HostName) -> Found {
        let pointer = self.pointers.get(&PointerKey::Host(host.clone()));
        Found { root: self.root.clone(), pointer: pointer.copied() }
    }

    /// What a watch tells when it begins.
    pub fn standing(&self, topic: Topic) -> Vec<Event> {
        match topic {
            Topic::Intents => {
                let event = |(app, (_, head)): (&AppName, &(Revision, IntentHead))| Event::Intent {
                    app: app.clone(),
                    head: Some(head.clone()),
                };
                self.intents.iter().map(event).collect()
            }
            Topic::Hosts => {
                let event = |(host, (revision, record)): (&HostName, &(Revision, Arc<HostRecord>))| Event::Record {
                    host: host.clone(),
                    revision: *revision,
                    record: Some(record.clone()),
                };
                self.records.iter().map(event).collect()
            }
            Topic::Leases => {
                let event = |(host, (revision, incarnation)): (&HostName, &(Revision, Incarnation))| Event::Lease {
                    host: host.clone(),
                    revision: *revision,
                    incarnation: Some(*incarnation),
                };
                self.leases.iter().map(event).collect()
            }
            Topic::Root => {
                let root = self.root.iter();
                root.map(|(revision, root)| Event::Root { revision: *revision, root: Some(root.clone()) }).collect()
            }
            Topic::Pointers => {
                let event = |(key, (revision, pointer)): (&PointerKey, &(Revision, Pointer))| Event::Pointer {
                    key: key.clone(),
                    revision: *revision,
                    pointer: Some(*pointer),
                };
                self.pointers.iter().map(event).collect()
            }
        }
    }
}
