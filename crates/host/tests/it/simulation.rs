//! Control under every fault that a seed can draw: real control of several hosts, a store that is as it should be, and a
//! network that is not.
//!
//! `LATH_SEED=7 cargo test -p host --test it -- simulation::one_seed --nocapture` replays one seed and tells all of it;
//! `LATH_LONG=1` tries fifty times as many.

mod crowd;
mod executor;
mod lot;
mod mutant;
mod network;
mod oracle;
mod process;
mod rest;
mod scenario;
mod stall;
mod store;
mod trouble;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use lot::Lot;
use mutant::Mutant;
use world::{Happening, World};

/// How long things go wrong, in milliseconds of virtual time.
const TROUBLED: u64 = 9_000;
/// How long it may take thereafter until all is well.
const RECOVERY_MAX: u64 = 40_000;
/// For how long nothing may change then.
const QUIET: u64 = 2_500;
const SEEDS: u64 = 1_000;
const SEEDS_LONG: u64 = 50_000;

struct Outcome {
    hash: u64,
    violation: Option<String>,
    steps: u64,
    recovery: u64,
}

fn run(seed: u64, mutant: Option<Mutant>, verbose: bool) -> Outcome {
    let mut world = World::new(Lot::new(seed), mutant, verbose);
    world.furnish(TROUBLED);
    go_on(&mut world, TROUBLED);
    finish(world)
}

fn finish(mut world: World) -> Outcome {
    let mut recovery = 0;
    if world.oracle.violation.is_none() {
        world.mend();
        recovery = settle(&mut world);
    }
    Outcome { hash: world.hash(), violation: world.oracle.violation.take(), steps: world.steps, recovery }
}

/// Applications that go down and up again.
fn run_restless(seed: u64, verbose: bool) -> Outcome {
    let mut world = World::new(Lot::new(seed), None, verbose);
    world.furnish_restless(TROUBLED);
    go_on(&mut world, TROUBLED + 2_000);
    finish(world)
}

fn go_on(world: &mut World, end: u64) {
    while world.oracle.violation.is_none()
        && let Some(happening) = world.next(end)
    {
        match happening {
            Happening::Trouble => world.trouble(),
            Happening::Operate => world.operate(),
            Happening::Up(app) => world.intend(app, true),
            Happening::Down(app) => world.intend(app, false),
            happening => world.handle(happening),
        }
    }
}

/// Waits until all is well and has been so for a while, nothing being written. Gives how long that took.
fn settle(world: &mut World) -> u64 {
    let begin = world.now;
    let mut well = (world.now, None);
    while world.oracle.violation.is_none() && world.now < well.0 + QUIET {
        let next = world.now + 250;
        go_on(world, next);
        let root = world.store.root.as_ref().map(|(revision, _)| *revision);
        let unrest = world.unrest();
        if unrest.is_err() || well.1 != root {
            well = (world.now, root);
        }
        if world.now > begin + RECOVERY_MAX {
            world.oracle.violated(format!("not well {RECOVERY_MAX} ms after the last fault: {unrest:?}"));
        }
    }
    well.0 - begin
}

/// Tries seeds side by side; gives the first that fails, and what was wrong.
fn first_failure(seeds: u64, run: impl Fn(u64) -> Outcome + Sync) -> Option<(u64, String)> {
    let run = std::panic::AssertUnwindSafe(&run);
    let next = AtomicU64::new(0);
    let failed = std::sync::Mutex::new(None::<(u64, String)>);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let outcome = std::panic::catch_unwind(|| run(seed).violation);
                    let violation = outcome.unwrap_or_else(|_| Some("it panics".to_owned()));
                    if let Some(violation) = violation {
                        let mut failed = failed.lock().unwrap();
                        if failed.as_ref().is_none_or(|(first, _)| *first > seed) {
                            *failed = Some((seed, violation));
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn many_seeds_end_well() {
    let seeds = if std::env::var_os("LATH_LONG").is_some() { SEEDS_LONG } else { SEEDS };
    if let Some((seed, violation)) = first_failure(seeds, |seed| run(seed, None, false)) {
        panic!(
            "seed {seed}: {violation}\nreplay: LATH_SEED={seed} cargo test -p host --test it -- simulation::one_seed \
             --nocapture"
        );
    }
}

#[test]
fn state_is_found_again_by_what_goes_down_and_up() {
    if let Some(seed) = std::env::var("LATH_SEED_RESTLESS").ok().map(|seed| seed.parse().unwrap()) {
        return assert_eq!(run_restless(seed, true).violation, None);
    }
    // There is more to each of them than to a seed of faults.
    let seeds = if std::env::var_os("LATH_LONG").is_some() { SEEDS } else { SEEDS / 20 };
    if let Some((seed, violation)) = first_failure(seeds, |seed| run_restless(seed, false)) {
        panic!(
            "seed {seed}: {violation}\nreplay: LATH_SEED_RESTLESS={seed} cargo test -p host --test it -- simulation::state \
             --nocapture"
        );
    }
}

#[test]
fn one_seed() {
    let seed = std::env::var("LATH_SEED").ok().map(|seed| seed.parse().unwrap());
    let outcome = run(seed.unwrap_or(0), None, seed.is_some());
    assert_eq!(outcome.violation, None);
}

#[test]
fn equal_seeds_give_equal_traces() {
    for seed in 0..10 {
        let (first, second) = (run(seed, None, false), run(seed, None, false));
        assert_eq!((first.hash, first.steps, first.recovery), (second.hash, second.steps, second.recovery));
        assert_ne!(first.hash, run(seed + 1, None, false).hash);
    }
}

#[test]
fn planted_faults_are_found() {
    for mutant in [Mutant::NoCompare, Mutant::PointersFirst, Mutant::NoFence, Mutant::LostShards, Mutant::Deluded] {
        let found = first_failure(SEEDS, |seed| run(seed, Some(mutant), false));
        assert!(found.is_some(), "{mutant:?} is not found");
    }
}
