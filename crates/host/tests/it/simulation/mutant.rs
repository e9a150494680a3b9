//! Planted faults: each breaks one rule on which the lattice rests, and the simulator must find it.

use host::control::{Effect, Event, Outcome};
use lattice::store::Revision;

use super::world::{Asked, Happening, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The store writes whatever was expected.
    NoCompare,
    /// A planner is told that its root stands before it does, so pointers come first.
    PointersFirst,
    /// A host does not notice that it stood still.
    NoFence,
    /// Shards are told to be stored, and are not.
    LostShards,
    /// A planner sees its own renewals while the bucket of leases stalls.
    Deluded,
}

impl World {
    /// Changes what a mutant sends on its way.
    pub fn mutate(&mut self, process: usize, effect: Effect) -> Option<Effect> {
        match (self.mutant, effect) {
            (Some(Mutant::PointersFirst), Effect::ReplaceRoot { op, expected, root }) => {
                let outcome = Outcome::Done(Revision(u64::MAX / 2));
                self.at(1, Happening::Answer { process, asked: Asked::Op(op), event: Event::Written { op, outcome } });
                let effect = Effect::ReplaceRoot { op, expected, root };
                self.at(400, Happening::AtStore { process, effect });
                None
            }
            (Some(Mutant::LostShards), Effect::PutShard { op, .. }) => {
                let outcome = Outcome::Done(Revision(0));
                self.at(1, Happening::Answer { process, asked: Asked::Op(op), event: Event::Written { op, outcome } });
                None
            }
            (Some(Mutant::Deluded), Effect::PutLease { op, incarnation }) => {
                let host = self.machines[self.processes[process].machine].name.clone();
                let event = Event::Lease { host, revision: Revision(op.0), incarnation: Some(incarnation) };
                self.at(1, Happening::Local { process, event });
                Some(Effect::PutLease { op, incarnation })
            }
            (_, effect) => Some(effect),
        }
    }
}
