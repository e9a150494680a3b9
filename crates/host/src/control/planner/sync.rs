//! From one root to the next: fetching what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{PointerKey, Root, Shard};
use model::digest::Digest;
use model::ids::AppName;

use super::held::{Held, KnownRoot};
use crate::control::effect::Report;
use crate::control::event::Moment;
use crate::control::library::Library;
use crate::control::turn::Turn;
use crate::limits::{FETCHES_MAX, SYNC_WAIT_MAX};

/// A planner on its way to a root.
#[derive(Debug)]
pub(super) struct Sync {
    target: KnownRoot,
    /// Shards that are still to be fetched.
    missing: BTreeSet<Digest>,
    since: Moment,
    reported: bool,
}

impl Sync {
    pub(super) fn new(now: Moment, target: KnownRoot) -> Self {
        Self { target, missing: BTreeSet::new(), since: now, reported: false }
    }

    /// Reports what is missing for too long.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        if !self.reported && turn.now.since(self.since) >= SYNC_WAIT_MAX {
            self.reported = true;
            let generation = self.target.root.as_ref().map_or(0, |root| root.generation);
            turn.report(Report::Incomplete { generation, missing: self.missing.len() });
        }
    }

    /// Goes on; gives the placement of the target once all of it is here.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_>, library: &mut Library, held: &Held) -> Option<Held> {
        // A bounded number at a time: what was asked for stands first.
        let looked_at: Vec<Digest> = self.missing.iter().take(FETCHES_MAX).copied().collect();
        for digest in looked_at {
            if library.shard(turn, digest).is_some() {
                self.missing.remove(&digest);
            }
        }
        if !self.missing.is_empty() {
            return None;
        }
        let Some(root) = self.target.root.clone() else {
            return Some(Held::nothing(self.target.clone()));
        };
        let mut next = held.clone();
        next.root = self.target.clone();
        next.placement.generation = root.generation;
        self.take_buckets(turn, library, &root, &mut next)?;
        self.take_apps(turn, library, held, &mut next)?;
        let (before, after) = (held.digests(), next.digests());
        next.retired = before.difference(&after).copied().collect();
        Some(next)
    }

    fn take_buckets(&mut self, turn: &mut Turn<'_>, library: &mut Library, root: &Root, next: &mut Held) -> Option<()> {
        next.keep_buckets(&root.buckets);
        for (number, digest) in &root.buckets {
            if next.bucket_digest(*number) == Some(*digest) {
                continue;
            }
            match library.shard(turn, *digest).as_deref() {
                Some(Shard::Index { entries, .. }) => next.set_bucket(*number, *digest, entries.clone()),
                // A root that leads to something else cannot be followed; the next one may.
                Some(Shard::App(_) | Shard::Host { .. }) => return None,
                None => drop(self.missing.insert(*digest)),
            }
        }
        self.missing.is_empty().then_some(())
    }

    fn take_apps(&mut self, turn: &mut Turn<'_>, library: &mut Library, held: &Held, next: &mut Held) -> Option<()> {
        let wanted: BTreeMap<AppName, Digest> = next
            .keys()
            .filter_map(|key| match key {
                PointerKey::App(app) => Some((app.clone(), next.digest_of(key))),
                PointerKey::Host(_) => None,
            })
            .collect();
        let gone: Vec<AppName> =
            next.placement.applications.keys().filter(|app| !wanted.contains_key(*app)).cloned().collect();
        gone.iter().for_each(|app| next.set_app(app, None));
        for (app, digest) in wanted {
            if held.digest_of(&PointerKey::App(app.clone())) == digest {
                continue;
            }
            match library.shard(turn, digest).as_deref() {
                Some(Shard::App(placement)) => next.set_app(&app, Some((&Arc::clone(placement), digest))),
                Some(Shard::Index { .. } | Shard::Host { .. }) => return None,
                None => drop(self.missing.insert(digest)),
            }
        }
        self.missing.is_empty().then_some(())
    }
}
