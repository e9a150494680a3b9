//! The bucket of leases stalls, as when its leader was lost: for 4 to 9 s nothing is written or told, all leases are gone
//! when it returns, and hosts come back in any order. Nothing else goes wrong, so nothing may move.

use host::control::Topic;

use super::lot::Lot;
use super::mutant::Mutant;
use super::world::{Happening, World};
use super::{Outcome, SEEDS, first_failure, go_on, settle};

/// How long it takes until everything has found its place.
const FURNISHED: u64 = 3_000;
/// For how long nothing may move after the return: two lapses, and more.
const AFTERMATH: u64 = 10_000;
/// How much later than for others the bucket may return for a host.
const LATENESS: u64 = 900;

fn run(seed: u64, mutant: Option<Mutant>, verbose: bool) -> Outcome {
    let mut world = World::new(Lot::new(seed), mutant, verbose);
    world.calm = true;
    world.furnish_plain();
    go_on(&mut world, FURNISHED);
    settle(&mut world);
    let before = world.store.root.clone();
    let lasting = world.lot.within(4_000..9_000);
    stall(&mut world, lasting);
    let end = world.now + lasting + AFTERMATH;
    go_on(&mut world, end);
    if world.oracle.ejections > 0 {
        world.oracle.violated(format!("{} healthy hosts were declared dead", world.oracle.ejections));
    }
    if world.store.root != before {
        world.oracle.violated("something moved".to_owned());
    }
    Outcome { hash: world.hash(), violation: world.oracle.violation.take(), steps: world.steps, recovery: 0 }
}

fn stall(world: &mut World, lasting: u64) {
    let from = world.now;
    world.note(|| format!("the leases stall for {lasting} ms"));
    for machine in 0..world.machines.len() {
        world.machines[machine].stalled = from + lasting + world.lot.within(0..LATENESS);
    }
    for process in 0..world.processes.len() {
        // Some watches break with their server and begin anew before the return, at it, or after it.
        if world.lot.permille(500) {
            let when = world.lot.within(500..lasting + 2_000);
            world.at(when, Happening::Watch { process, topic: Topic::Leases });
        }
        // Some hosts lose their connection for a moment: their server was the one.
        if world.lot.permille(300) {
            let machine = world.processes[process].machine;
            let away = world.lot.within(50..1_500);
            world.machines[machine].up = false;
            world.machines[machine].down = false;
            world.at(10, Happening::Disconnect(process));
            world.at(away, Happening::Heal(machine));
        }
    }
}

#[test]
fn a_stall_of_the_leases_moves_nothing() {
    if let Some(seed) = std::env::var("LATH_SEED_STALL").ok().map(|seed| seed.parse().unwrap()) {
        return assert_eq!(run(seed, None, true).violation, None);
    }
    if let Some((seed, violation)) = first_failure(SEEDS / 2, |seed| run(seed, None, false)) {
        panic!(
            "seed {seed}: {violation}\nreplay: LATH_SEED_STALL={seed} cargo test -p host --test it -- simulation::stall \
             --nocapture"
        );
    }
}

#[test]
fn a_planner_that_deludes_itself_in_a_stall_is_found() {
    assert!(first_failure(SEEDS / 2, |seed| run(seed, Some(Mutant::Deluded), false)).is_some());
}
