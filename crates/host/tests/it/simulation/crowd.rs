//! Many hosts that all may plan: a change is to be written about about once, not once by each of them.

use super::lot::Lot;
use super::world::World;
use super::{go_on, settle};

const HOSTS: usize = 20;
const LATTICES: u64 = 40;
/// How many times what one planner writes all of them together may write, in percent.
const WRITES_MAX: u64 = 110;

/// A lattice in which all hosts may plan, or one. Gives the writes of shards, roots and pointers.
fn writes(seed: u64, all_plan: bool) -> u64 {
    let mut world = World::new(Lot::new(seed), None, false);
    world.calm = true;
    world.furnish_crowd(HOSTS, all_plan);
    go_on(&mut world, 6_000);
    settle(&mut world);
    assert_eq!(world.oracle.violation, None, "seed {seed}");
    world.oracle.writes
}

#[test]
fn a_change_is_written_about_once_however_many_may_plan() {
    let total = |all_plan| (0..LATTICES).map(|seed| writes(seed, all_plan)).sum::<u64>();
    let (one, all) = (total(false), total(true));
    assert!(all * 100 <= one * WRITES_MAX, "one planner writes {one} entries, {HOSTS} planners write {all}");
}
