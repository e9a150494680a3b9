//! What was fetched by content: shards, and the demands of documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lattice::document::Shard;
use model::digest::Digest;
use model::placement::AppPlacement;
use plan::placement::Demand;

use super::effect::Effect;
use super::event::{Moment, Underivable};
use super::turn::Turn;
use crate::limits::{FETCH_PAUSE, FETCH_WAIT_MAX, FETCHES_MAX};

/// What a document demands, or why nothing can be derived from it.
pub(super) type Derived = Result<Arc<Demand>, Arc<str>>;

/// The demand of a document as it is placed: a rollback asks for an old document again.
pub(super) fn in_version(derived: &Arc<Demand>, placed: &AppPlacement) -> Arc<Demand> {
    let AppPlacement { version, intent, share, refused, .. } = placed.clone();
    Arc::new(Demand { version, intent, share, refused, ..derived.as_ref().clone() })
}

/// Contents, and requests for them. A request that fails or stays without an answer is made again while somebody asks.
#[derive(Debug, Default)]
pub(super) struct Library {
    shards: BTreeMap<Digest, Arc<Shard>>,
    documents: BTreeMap<Digest, Derived>,
    asked: BTreeMap<Item, Asked>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// When it may be made again.
    again: Moment,
    /// It had an answer, and not what was asked for.
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Shard(Digest),
    Document(Digest),
}

impl Library {
    /// The shard; where it is not here it is asked for.
    pub(super) fn shard(&mut self, turn: &mut Turn<'_>, digest: Digest) -> Option<Arc<Shard>> {
        let found = self.shards.get(&digest).cloned();
        if found.is_none() && self.ask(turn.now, Item::Shard(digest)) {
            turn.emit(Effect::FetchShard(digest));
        }
        found
    }

    /// What a document demands; where that is not known it is asked for.
    pub(super) fn demand(&mut self, turn: &mut Turn<'_>, document: Digest) -> Option<Derived> {
        let found = self.documents.get(&document).cloned();
        if found.is_none() && self.ask(turn.now, Item::Document(document)) {
            turn.emit(Effect::Derive(document));
        }
        found
    }

    /// What a document demands, if that is known.
    pub(super) fn known_demand(&self, document: Digest) -> Option<&Derived> {
        self.documents.get(&document)
    }

    fn ask(&mut self, now: Moment, item: Item) -> bool {
        let full = self.asked.len() >= FETCHES_MAX;
        if full || self.asked.contains_key(&item) {
            return false;
        }
        self.asked.insert(item, Asked { again: now.after(FETCH_WAIT_MAX), failed: false });
        true
    }

    pub(super) fn fetched(&mut self, now: Moment, digest: Digest, shard: Option<Arc<Shard>>) {
        match shard {
            Some(shard) => {
                self.asked.remove(&Item::Shard(digest));
                self.shards.insert(digest, shard);
            }
            None => self.pause(now, Item::Shard(digest), FETCH_PAUSE),
        }
    }

    pub(super) fn derived(&mut self, now: Moment, document: Digest, result: Result<Arc<Demand>, Underivable>) {
        let derived = match result {
            Ok(demand) => Ok(demand),
            Err(Underivable::Refused(reason)) => Err(reason.into()),
            Err(Underivable::Unavailable) => return self.pause(now, Item::Document(document), FETCH_PAUSE),
        };
        self.asked.remove(&Item::Document(document));
        self.documents.insert(document, derived);
    }

    fn pause(&mut self, now: Moment, item: Item, pause: Duration) {
        if let Some(asked) = self.asked.get_mut(&item) {
            *asked = Asked { again: now.after(pause), failed: true };
        }
    }

    /// True where no answer is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.values().all(|asked| asked.failed)
    }

    /// Lets be asked for again what was waited for long enough.
    pub(super) fn tick(&mut self, now: Moment) {
        self.asked.retain(|_, asked| asked.again > now);
    }

    /// Nothing that was asked for will be answered.
    pub(super) fn disconnected(&mut self) {
        self.asked.clear();
    }

    /// Forgets everything but these.
    pub(super) fn keep(&mut self, shards: &BTreeSet<Digest>, documents: &BTreeSet<Digest>) {
        self.shards.retain(|digest, _| shards.contains(digest));
        self.documents.retain(|digest, _| documents.contains(digest));
    }
}
