//! The pointers as they stand, and those that lag behind the root.

use std::collections::{BTreeMap, BTreeSet};

use lattice::document::{Pointer, PointerKey, Shard};
use lattice::store::Revision;

use super::held::Held;
use crate::control::effect::Effect;
use crate::control::event::{Moment, Op, Outcome};
use crate::control::turn::Turn;
use crate::limits::{FETCH_WAIT_MAX, PLANNER_WRITES_MAX};

/// Every pointer of the lattice.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    seen: BTreeMap<PointerKey, Seen>,
    /// Those that do not say what the root says.
    lagging: BTreeSet<PointerKey>,
    writing: BTreeMap<Op, Writing>,
    /// Those whose writing failed; by the next tick the watch may have told what stands.
    failed: BTreeSet<PointerKey>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    revision: Revision,
    /// None where it was deleted, or cannot be read.
    pointer: Option<Pointer>,
    /// A later lath wrote it: what it says is not known, and not to be changed.
    newer: bool,
}

#[derive(Clone, Debug)]
struct Writing {
    key: PointerKey,
    pointer: Pointer,
    since: Moment,
}

impl Pointers {
    /// The watch begins anew; what it tells counts, whatever its revision.
    pub(super) fn watch_began(&mut self) {
        self.seen.clear();
        self.writing.clear();
        self.failed.clear();
    }

    pub(super) fn disconnected(&mut self) {
        self.writing.clear();
    }

    pub(super) fn seen(&mut self, held: &Held, key: &PointerKey, revision: Revision, pointer: Option<Pointer>) {
        self.stands(held, key, Seen { revision, pointer, newer: false });
    }

    /// A pointer that cannot be read is written anew, unless a later lath wrote it.
    pub(super) fn unreadable(&mut self, held: &Held, key: &PointerKey, revision: Revision, newer: bool) {
        self.stands(held, key, Seen { revision, pointer: None, newer });
    }

    fn stands(&mut self, held: &Held, key: &PointerKey, stands: Seen) {
        if self.seen.get(key).is_none_or(|seen| seen.revision < stands.revision) {
            self.seen.insert(key.clone(), stands);
            self.compare(held, key);
        }
    }

    /// The newest generation that a pointer says.
    pub(super) fn generation(&self) -> u64 {
        self.seen.values().filter_map(|seen| seen.pointer).map(|pointer| pointer.generation).max().unwrap_or_default()
    }

    /// Compares every pointer with the root that is held.
    pub(super) fn compare_all(&mut self, held: &Held) {
        self.lagging.clear();
        let keys: BTreeSet<PointerKey> = held.keys().chain(self.seen.keys()).cloned().collect();
        keys.iter().for_each(|key| self.compare(held, key));
    }

    fn compare(&mut self, held: &Held, key: &PointerKey) {
        let seen = self.seen.get(key);
        let said = seen.and_then(|seen| seen.pointer);
        let wanted = held.digest_of(key);
        let newer =
            seen.is_some_and(|seen| seen.newer) || said.is_some_and(|said| said.generation > held.placement.generation);
        let right = said.map_or(wanted == Shard::nothing_digest(), |said| said.digest == wanted);
        if newer || right {
            self.lagging.remove(key);
        } else {
            self.lagging.insert(key.clone());
        }
    }

    /// Writes those that lag, a bounded number at once.
    pub(super) fn repair(&mut self, turn: &mut Turn<'_>, held: &Held) {
        self.writing.retain(|_, writing| turn.now.since(writing.since) < FETCH_WAIT_MAX);
        let room = PLANNER_WRITES_MAX.saturating_sub(self.writing.len());
        let busy: BTreeSet<PointerKey> = self.writing.values().map(|writing| writing.key.clone()).collect();
        let is_due = |key: &&PointerKey| !busy.contains(*key) && !self.failed.contains(*key);
        let due: Vec<PointerKey> = self.lagging.iter().filter(is_due).take(room).cloned().collect();
        for key in due {
            let op = turn.op();
            let expected = self.seen.get(&key).map(|seen| seen.revision);
            let pointer = Pointer { generation: held.placement.generation, digest: held.digest_of(&key) };
            self.writing.insert(op, Writing { key: key.clone(), pointer, since: turn.now });
            turn.emit(Effect::ReplacePointer { op, key, expected, pointer });
        }
    }

    /// The answer to a write, if it was one of these.
    pub(super) fn written(&mut self, held: &Held, op: Op, outcome: Outcome) -> bool {
        let Some(writing) = self.writing.remove(&op) else { return false };
        match outcome {
            Outcome::Done(revision) => self.seen(held, &writing.key, revision, Some(writing.pointer)),
            Outcome::Conflict | Outcome::Unknown => drop(self.failed.insert(writing.key)),
        }
        true
    }

    pub(super) fn tick(&mut self) {
        self.failed.clear();
    }
}
