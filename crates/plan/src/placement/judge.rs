//! The checker of placements: a second opinion that shares no code with [`super::place()`].
//!
//! Planners run it on the whole before they write, every host on its own share before it acts.

mod group;
mod misplacement;
mod share;
mod structure;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement};

use super::{Demand, HostView};
use group::Judge;
pub use misplacement::Misplacement;
pub use share::check_share;

/// Judges a placement as a whole: whether `next` may follow `previous` while the hosts are as `hosts` shows them.
///
/// # Errors
///
/// Every way in which it is not what `demands` ask for, or moves what need not move.
pub fn check_placement(
    demands: &BTreeMap<AppName, Arc<Demand>>,
    previous: &Placement,
    next: &Placement,
    hosts: &BTreeMap<HostName, HostView>,
) -> Result<(), Vec<Misplacement>> {
    let mut found = Vec::new();
    for application in next.applications.keys().filter(|application| !demands.contains_key(*application)) {
        found.push(Misplacement::StrayApplication { application: application.clone() });
    }
    let mut judge = Judge::new(hosts);
    for (application, demand) in demands {
        let Some(placed) = next.applications.get(application) else {
            found.push(Misplacement::AbsentApplication { application: application.clone() });
            continue;
        };
        structure::check(demand, placed, &mut found);
        let before = previous.applications.get(application).map(Arc::as_ref);
        for group in &demand.groups {
            judge.group(demand, group, before, placed, &mut found);
        }
    }
    generations(previous, next, &mut found);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The generation grows by one with each change, and an application has that of its own last change.
fn generations(previous: &Placement, next: &Placement, found: &mut Vec<Misplacement>) {
    let mut changed = previous.applications.len() != next.applications.len();
    for (application, placed) in &next.applications {
        let before = previous.applications.get(application);
        let same = before.is_some_and(|before| Arc::ptr_eq(before, placed) || before == placed);
        if !same && (placed.generation != next.generation || before.is_some_and(|before| is_alike(before, placed))) {
            found.push(Misplacement::Generation { application: application.clone() });
        }
        changed |= !same;
    }
    let expected = previous.generation.saturating_add(u64::from(changed));
    if next.generation != expected {
        found.push(Misplacement::Generations { expected, found: next.generation });
    }
}

/// True where two parts differ in their generation at most.
fn is_alike(one: &AppPlacement, other: &AppPlacement) -> bool {
    AppPlacement { generation: other.generation, ..one.clone() } == *other
}
