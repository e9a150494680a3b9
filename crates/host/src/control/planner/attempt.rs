//! Writing a placement: its shards first, then the root by compare-and-set.

use std::collections::BTreeMap;
use std::sync::Arc;

use lattice::document::Shard;
use lattice::store::Revision;
use model::digest::Digest;

use super::held::Draft;
use crate::control::effect::Effect;
use crate::control::event::{Moment, Op, Outcome};
use crate::control::turn::Turn;
use crate::limits::PLANNER_WRITES_MAX;

/// A placement on its way into the store.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) draft: Draft,
    /// The root that it replaces.
    pub(super) base: Option<Revision>,
    pub(super) since: Moment,
    queue: Vec<(Digest, Arc<Shard>)>,
    storing: BTreeMap<Op, (Digest, Arc<Shard>)>,
    /// To be tried again with the next tick.
    failed: Vec<(Digest, Arc<Shard>)>,
    pub(super) stage: Stage,
    /// Something has changed since it was planned.
    pub(super) outdated: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Shards are being stored.
    Shards,
    /// All shards are stored.
    Stored,
    /// The root is being written.
    Root(Op),
    /// It is not known whether the root was written; it is being read.
    Unsure(Op),
}

impl Attempt {
    pub(super) fn new(now: Moment, base: Option<Revision>, draft: Draft) -> Self {
        let queue = draft.shards.iter().map(|(digest, shard)| (*digest, shard.clone())).collect();
        Self {
            draft,
            base,
            since: now,
            queue,
            storing: BTreeMap::new(),
            failed: Vec::new(),
            stage: Stage::Shards,
            outdated: false,
        }
    }

    /// Stores shards, a bounded number at once, and then waits to be allowed the root.
    pub(super) fn store(&mut self, turn: &mut Turn<'_>) {
        if self.stage != Stage::Shards {
            return;
        }
        while self.storing.len() < PLANNER_WRITES_MAX
            && let Some((digest, shard)) = self.queue.pop()
        {
            let op = turn.op();
            self.storing.insert(op, (digest, shard.clone()));
            turn.emit(Effect::PutShard { op, digest, shard });
        }
        if self.storing.is_empty() && self.failed.is_empty() {
            self.stage = Stage::Stored;
        }
    }

    /// Writes the root.
    pub(super) fn commit(&mut self, turn: &mut Turn<'_>) {
        let op = turn.op();
        self.stage = Stage::Root(op);
        turn.emit(Effect::ReplaceRoot { op, expected: self.base, root: self.draft.root.clone() });
    }

    /// Reads the root, since the answer to its writing says nothing.
    pub(super) fn reread(&mut self, turn: &mut Turn<'_>) {
        let op = turn.op();
        self.stage = Stage::Unsure(op);
        turn.emit(Effect::Reread(op));
    }

    /// The answer to the storing of a shard, if it was one of these. Storing is tried again, since it can do no harm.
    pub(super) fn stored(&mut self, op: Op, outcome: Outcome) -> bool {
        let Some(shard) = self.storing.remove(&op) else { return false };
        if !matches!(outcome, Outcome::Done(_)) {
            self.failed.push(shard);
        }
        true
    }

    pub(super) fn tick(&mut self) {
        self.queue.append(&mut self.failed);
    }
}
