//! One turn of the machine: the time, and what is to be done.

use super::effect::{Effect, Report};
use super::event::{Moment, Op};

/// Numbers of requests, each used once.
#[derive(Debug, Default)]
pub(super) struct Ops(u64);

/// One turn.
pub(super) struct Turn<'a> {
    pub(super) now: Moment,
    ops: &'a mut Ops,
    effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Moment, ops: &'a mut Ops) -> Self {
        Self { now, ops, effects: Vec::new() }
    }

    /// A number that has not been used.
    pub(super) fn op(&mut self) -> Op {
        self.ops.0 += 1;
        Op(self.ops.0)
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.effects.push(Effect::Report(report));
    }

    pub(super) fn into_effects(self) -> Vec<Effect> {
        self.effects
    }
}
