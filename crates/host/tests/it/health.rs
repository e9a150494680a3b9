//! Which hosts are chosen: what beats, silence, hints and missed calls do. Time is given in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use host::health::{Beat, Ejection, Outcome, Phase, Table, Wanted};
use host::limits::{
    BEAT_INTERVAL, FORGET_TIME, HOSTS_MAX, MISSED_CALLS_MAX, SILENCE_MAX, TRIAL_PAUSE, TRIAL_PAUSE_MAX, VERDICT_TIME,
};
use lattice::call::{Incarnation, Target};
use model::ids::HostName;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn beat(host: &str, sequence: u64) -> Beat {
    Beat {
        host: name(host),
        incarnation: Incarnation(1),
        sequence,
        running: 0,
        capacity: 100,
        phase: Phase::Open,
        generation: 1,
        not_ready: BTreeSet::new(),
    }
}

/// A table, a clock, and the hosts that calls choose among.
struct Scene {
    table: Table,
    now: Instant,
    seed: u64,
    sequences: BTreeMap<String, u64>,
    hosts: Vec<HostName>,
}

impl Scene {
    /// Hosts that have just beaten.
    fn of(hosts: &[&str]) -> Self {
        let hosts_named = hosts.iter().map(|host| name(host)).collect();
        let mut scene =
            Self { table: Table::new(), now: Instant::now(), seed: 1, sequences: BTreeMap::new(), hosts: hosts_named };
        scene.beats(hosts);
        scene
    }

    fn hear(&mut self, host: &str, change: impl FnOnce(&mut Beat)) {
        let sequence = self.sequences.entry(host.to_owned()).or_default();
        *sequence += 1;
        let mut beat = beat(host, *sequence);
        change(&mut beat);
        self.table.beat(beat, self.now);
    }

    fn beats(&mut self, hosts: &[&str]) {
        for host in hosts {
            self.hear(host, |_| ());
        }
    }

    /// A beat that nobody hears.
    fn lost(&mut self, host: &str) {
        *self.sequences.entry(host.to_owned()).or_default() += 1;
    }

    /// Time passes, in which these hosts beat as they should.
    fn pass(&mut self, time: Duration, beating: &[&str]) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + BEAT_INTERVAL).min(end);
            self.beats(beating);
            self.table.sweep(self.now);
        }
    }

    fn pick_of(&mut self, failed: &[HostName], generation: u64) -> Option<(HostName, bool)> {
        self.seed += 7;
        let target = target("shop/stock");
        let wanted = Wanted { target: &target, generation };
        self.table.pick(&self.hosts, failed, wanted, self.seed, self.now)
    }

    /// Who is chosen in many calls, all answered at once.
    fn chosen(&mut self) -> String {
        self.chosen_but(&[], 1)
    }

    fn chosen_but(&mut self, failed: &[&str], generation: u64) -> String {
        let failed: Vec<_> = failed.iter().map(|host| name(host)).collect();
        let mut chosen = BTreeSet::new();
        for _ in 0..64 {
            let Some((host, tried)) = self.pick_of(&failed, generation) else { continue };
            self.table.end(&host, tried, Outcome::Abandoned, self.now);
            chosen.insert(host.to_string());
        }
        chosen.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// So many calls to a host without an answer.
    fn miss(&mut self, host: &str, times: u32) {
        let others: Vec<_> = self.hosts.iter().filter(|other| **other != name(host)).cloned().collect();
        for _ in 0..times {
            let (host, tried) = self.pick_of(&others, 1).unwrap();
            self.table.end(&host, tried, Outcome::Missed { begun: self.now }, self.now);
        }
    }

    fn ejected(&self, host: &str) -> Option<Ejection> {
        self.table.view(self.now).into_iter().find(|view| view.beat.host == name(host)).unwrap().ejected
    }
}

#[test]
fn a_host_has_nothing_to_say_of_its_own_health() {
    let (mut table, now) = (Table::of(name("a")), Instant::now());
    for (at, host) in [(now, "a"), (now, "b"), (now + BEAT_INTERVAL, "b")] {
        table.beat(beat(host, 1), at);
    }
    // Cut off from the bus a host does not even hear itself.
    let silent = table.sweep(now + SILENCE_MAX + MS);
    assert_eq!(silent, [name("b")]);
    assert!(!table.disconnected(&name("a")));
    assert_eq!((table.counts().ejected, table.counts().ignored), (1, 0));
    assert!(table.view(now).iter().all(|view| view.beat.host != name("a")));
}

#[test]
fn only_known_hosts_that_can_answer_are_chosen() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.hosts.push(name("unknown"));
    assert_eq!(scene.chosen(), "a b");
    assert_eq!(scene.chosen_but(&["a"], 1), "b");
    assert_eq!(scene.chosen_but(&["a", "b"], 1), "");
    scene.hear("a", |beat| beat.not_ready = [target("shop/stock")].into());
    assert_eq!(scene.chosen(), "b");
    scene.hear("a", |beat| beat.not_ready = [target("shop/cart")].into());
    assert_eq!(scene.chosen(), "a b");
    scene.hear("b", |beat| beat.phase = Phase::Joining);
    assert_eq!(scene.chosen(), "a");
    // One that drains, or has not caught up, is better than none.
    scene.hear("a", |beat| beat.phase = Phase::Draining);
    assert_eq!(scene.chosen(), "a");
    scene.hear("b", |_| ());
    assert_eq!(scene.chosen(), "b");
    scene.hear("a", |beat| beat.generation = 2);
    assert_eq!(scene.chosen_but(&[], 2), "a");
    assert_eq!(scene.chosen_but(&["a"], 2), "b");
}

#[test]
fn choices_follow_load() {
    let mut scene = Scene::of(&["a", "b"]);
    // Of two hosts both are looked at each time.
    scene.hear("a", |beat| beat.running = 50);
    assert_eq!(scene.chosen(), "b");
    scene.hear("b", |beat| (beat.running, beat.capacity) = (60, 200));
    assert_eq!(scene.chosen(), "b");
    scene.hear("b", |beat| (beat.running, beat.capacity) = (60, 100));
    assert_eq!(scene.chosen(), "a");
    // What is on its way counts before the next beat tells of it.
    let mut on_their_way = BTreeMap::<_, u32>::new();
    for _ in 0..30 {
        *on_their_way.entry(scene.pick_of(&[], 1).unwrap().0.to_string()).or_default() += 1;
    }
    assert_eq!(on_their_way, [("a".to_owned(), 20), ("b".to_owned(), 10)].into());
    // Among many, the most loaded is never chosen.
    let mut scene = Scene::of(&["a", "b", "c", "d"]);
    scene.hear("c", |beat| beat.running = 1);
    assert_eq!(scene.chosen(), "a b d");
}

#[test]
fn equal_seeds_give_equal_choices() {
    let choices = |seed| {
        let mut scene = Scene::of(&["a", "b", "c", "d", "e"]);
        scene.seed = seed;
        (0..50).map(|_| scene.pick_of(&[], 1).unwrap().0).collect::<Vec<_>>()
    };
    assert_eq!(choices(3), choices(3));
    assert_ne!(choices(3), choices(4));
}

#[test]
fn a_silent_host_is_ejected_until_it_beats() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.pass(SILENCE_MAX, &["b"]);
    assert_eq!((scene.ejected("a"), scene.chosen()), (None, "a b".to_owned()));
    scene.now += MS;
    assert_eq!(scene.table.sweep(scene.now), [name("a")]);
    assert_eq!(scene.table.sweep(scene.now), []);
    assert_eq!((scene.ejected("a"), scene.chosen()), (Some(Ejection::Silent), "b".to_owned()));
    assert!(!scene.table.is_live(&name("a")) && scene.table.is_live(&name("b")));
    scene.beats(&["a"]);
    assert_eq!((scene.ejected("a"), scene.chosen()), (None, "a b".to_owned()));
    assert_eq!(scene.table.counts().ejected, 1);
}

#[test]
fn a_hint_ejects_at_once_until_the_next_beat() {
    let mut scene = Scene::of(&["a", "b"]);
    assert!(scene.table.disconnected(&name("a")));
    assert!(!scene.table.disconnected(&name("a")));
    assert!(!scene.table.disconnected(&name("unknown")));
    assert_eq!((scene.ejected("a"), scene.chosen()), (Some(Ejection::Disconnected), "b".to_owned()));
    // A beat that was overtaken by the hint's does not count: it has been heard before.
    scene.table.beat(beat("a", 1), scene.now);
    assert_eq!(scene.chosen(), "b");
    scene.beats(&["a"]);
    assert_eq!(scene.chosen(), "a b");
}

type Happens = fn(&mut Scene);

#[test]
fn wrongful_ejections_are_those_of_hosts_that_were_sending() {
    let cases: [(&str, Happens, u64); 6] = [
        ("frozen: its numbers go on where they stopped", |scene| scene.pass(VERDICT, &["a", "b"]), 0),
        (
            "its beats were lost: the next one is many further",
            |scene| {
                (0..7).for_each(|_| scene.lost("a"));
                scene.beats(&["a"]);
            },
            1,
        ),
        ("its beats were late: all come at once", |scene| (0..8).for_each(|_| scene.beats(&["a"])), 1),
        (
            "it beat, but rarely: it was ejected rightly",
            |scene| {
                scene.lost("a");
                scene.beats(&["a"]);
            },
            0,
        ),
        (
            "its numbers leap long after it came back: that says nothing of its ejection",
            |scene| {
                scene.beats(&["a"]);
                scene.now += VERDICT_TIME + MS;
                (0..20).for_each(|_| scene.lost("a"));
                scene.beats(&["a"]);
            },
            0,
        ),
        (
            "another process of that name",
            |scene| scene.hear("a", |beat| (beat.incarnation, beat.sequence) = (Incarnation(2), 500)),
            0,
        ),
    ];
    const VERDICT: Duration = Duration::from_secs(10);
    for (what, comes_back, wrongful) in cases {
        let mut scene = Scene::of(&["a", "b"]);
        scene.pass(SILENCE_MAX + BEAT_INTERVAL, &["b"]);
        assert_eq!(scene.ejected("a"), Some(Ejection::Silent), "{what}");
        comes_back(&mut scene);
        assert_eq!((scene.table.counts().wrongful, scene.ejected("a")), (wrongful, None), "{what}");
        // It is counted once.
        scene.pass(VERDICT, &["a", "b"]);
        assert_eq!(scene.table.counts().wrongful, wrongful, "{what}");
    }
}

#[test]
fn a_gap_of_this_host_is_nobodys_silence() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.now += Duration::from_secs(60);
    scene.table.excuse(scene.now);
    assert_eq!(scene.table.sweep(scene.now), []);
    assert_eq!(scene.chosen(), "a b");
    scene.pass(SILENCE_MAX + MS, &["b"]);
    assert_eq!(scene.chosen(), "b");
}

#[test]
fn a_host_that_gives_no_answers_is_tried_again_after_a_pause() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.miss("a", MISSED_CALLS_MAX - 1);
    assert_eq!(scene.chosen(), "a b");
    scene.miss("a", 1);
    assert_eq!((scene.ejected("a"), scene.chosen()), (Some(Ejection::Missed), "b".to_owned()));
    // Beats do not help; but where there is no other it is better than none.
    scene.beats(&["a"]);
    assert_eq!(scene.chosen(), "b");
    assert_eq!(scene.chosen_but(&["b"], 1), "a");
    // After the pause one call tries it, and only one.
    scene.pass(TRIAL_PAUSE, &["a", "b"]);
    let trial = scene.pick_of(&[name("b")], 1).unwrap();
    assert_eq!(trial, (name("a"), true));
    assert_eq!(scene.chosen(), "b");
    // It fails: the pause doubles, up to a bound.
    let missed = |scene: &mut Scene, trial: (HostName, bool)| {
        let begun = scene.now;
        assert!(!scene.table.end(&trial.0, trial.1, Outcome::Missed { begun }, scene.now));
    };
    missed(&mut scene, trial);
    let mut pause = TRIAL_PAUSE * 2;
    for _ in 0..5 {
        scene.pass(pause - MS, &["a", "b"]);
        assert_eq!(scene.chosen(), "b", "{pause:?}");
        scene.pass(MS, &["a", "b"]);
        let trial = scene.pick_of(&[name("b")], 1).unwrap();
        assert!(trial.1, "{pause:?}");
        missed(&mut scene, trial);
        pause = (pause * 2).min(TRIAL_PAUSE_MAX);
    }
    // One that is given up is no verdict; one that is answered is.
    scene.pass(pause, &["a", "b"]);
    let (host, tried) = scene.pick_of(&[name("b")], 1).unwrap();
    scene.table.end(&host, tried, Outcome::Abandoned, scene.now);
    let (host, tried) = scene.pick_of(&[name("b")], 1).unwrap();
    assert!(tried);
    scene.table.end(&host, tried, Outcome::Answered, scene.now);
    assert_eq!((scene.ejected("a"), scene.chosen()), (None, "a b".to_owned()));
}

#[test]
fn a_slow_function_does_not_eject_a_host_that_answers_others() {
    let mut scene = Scene::of(&["a", "b"]);
    for _ in 0..20 {
        let begun = scene.now;
        let (slow, quick) = (scene.pick_of(&[name("b")], 1).unwrap(), scene.pick_of(&[name("b")], 1).unwrap());
        scene.now += MS;
        scene.table.end(&quick.0, quick.1, Outcome::Answered, scene.now);
        scene.now += MS;
        scene.table.end(&slow.0, slow.1, Outcome::Missed { begun }, scene.now);
    }
    assert_eq!(scene.chosen(), "a b");
}

#[test]
fn older_runs_and_overtaken_beats_say_nothing() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.hear("a", |beat| (beat.incarnation, beat.sequence, beat.running) = (Incarnation(3), 9, 90));
    for (incarnation, sequence) in [(2, 100), (3, 8), (3, 9)] {
        scene.hear("a", |beat| (beat.incarnation, beat.sequence) = (Incarnation(incarnation), sequence));
        assert_eq!(scene.table.view(scene.now)[0].beat.running, 90, "{incarnation} {sequence}");
    }
    scene.hear("a", |beat| (beat.incarnation, beat.sequence) = (Incarnation(3), 10));
    assert_eq!(scene.table.view(scene.now)[0].beat.running, 0);
}

#[test]
fn the_table_is_bounded() {
    let mut scene = Scene::of(&["gone"]);
    assert!(scene.table.disconnected(&name("gone")));
    let others: Vec<_> = (0..HOSTS_MAX).map(|host| format!("h{host}")).collect();
    others.iter().for_each(|host| scene.table.beat(beat(host, 1), scene.now));
    assert_eq!((scene.table.view(scene.now).len(), scene.table.counts().ignored), (HOSTS_MAX, 0));
    assert!(!scene.table.is_live(&name("gone")), "it gave up its place");
    scene.table.beat(beat("late", 1), scene.now);
    assert_eq!((scene.table.view(scene.now).len(), scene.table.counts().ignored), (HOSTS_MAX, 1));
    // Hosts that have been gone for long are forgotten.
    scene.now += FORGET_TIME;
    scene.table.sweep(scene.now);
    assert_eq!(scene.table.view(scene.now).len(), HOSTS_MAX);
    scene.now += MS;
    scene.table.sweep(scene.now);
    assert_eq!(scene.table.view(scene.now).len(), 0);
}

/// What can happen to a table of three hosts.
#[derive(Clone, Debug)]
enum Happening {
    Beat { host: usize, phase: Phase },
    Hint(usize),
    Call { failed: Option<usize> },
    End { call: usize, answered: bool },
    Pass(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let phase = prop_oneof![4 => Just(Phase::Open), 1 => Just(Phase::Draining), 1 => Just(Phase::Joining)];
    prop_oneof![
        6 => (0..3_usize, phase).prop_map(|(host, phase)| Happening::Beat { host, phase }),
        1 => (0..3_usize).prop_map(Happening::Hint),
        4 => proptest::option::of(0..3_usize).prop_map(|failed| Happening::Call { failed }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(call, answered)| Happening::End { call, answered }),
        3 => (1..2_000_u64).prop_map(Happening::Pass),
    ]
}

/// What is known of a host without the table's help.
#[derive(Clone, Copy, Default)]
struct Model {
    heard: Option<Instant>,
    joining: bool,
    hinted: bool,
    running: u32,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: nobody is chosen who failed, is silent, gone or joining; somebody is, where one could be; and
    /// calls on their way are counted.
    #[test]
    fn choices_are_always_sound(happenings in proptest::collection::vec(happening(), 1..200)) {
        const HOSTS: [&str; 3] = ["a", "b", "c"];
        let mut scene = Scene::of(&[]);
        scene.hosts = HOSTS.map(name).into();
        let mut models = [Model::default(); 3];
        let mut calls: Vec<(HostName, bool, Instant)> = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Beat { host, phase } => {
                    scene.hear(HOSTS[host], |beat| beat.phase = phase);
                    let joining = phase == Phase::Joining;
                    models[host] = Model { heard: Some(scene.now), joining, hinted: false, ..models[host] };
                }
                Happening::Hint(host) => {
                    scene.table.disconnected(&name(HOSTS[host]));
                    models[host].hinted = true;
                }
                Happening::Call { failed } => {
                    let can = |index: usize, model: &Model| {
                        let recent = model.heard.is_some_and(|heard| scene.now - heard <= SILENCE_MAX);
                        recent && !model.joining && !model.hinted && Some(index) != failed
                    };
                    let able: Vec<_> = models.iter().enumerate().filter(|(i, m)| can(*i, m)).map(|(i, _)| i).collect();
                    let failed: Vec<_> = failed.map(|host| name(HOSTS[host])).into_iter().collect();
                    let picked = scene.pick_of(&failed, 1);
                    match &picked {
                        None => prop_assert!(able.is_empty()),
                        Some((host, _)) => {
                            let index = HOSTS.iter().position(|known| name(known) == *host).unwrap();
                            prop_assert!(able.contains(&index));
                            models[index].running += 1;
                            calls.push((host.clone(), picked.clone().unwrap().1, scene.now));
                        }
                    }
                }
                Happening::End { call, answered } if !calls.is_empty() => {
                    let (host, tried, begun) = calls.swap_remove(call % calls.len());
                    let outcome = if answered { Outcome::Answered } else { Outcome::Missed { begun } };
                    scene.table.end(&host, tried, outcome, scene.now);
                    models[HOSTS.iter().position(|known| name(known) == host).unwrap()].running -= 1;
                }
                Happening::End { .. } => {}
                Happening::Pass(millis) => {
                    scene.now += Duration::from_millis(millis);
                    scene.table.sweep(scene.now);
                }
            }
            for view in scene.table.view(scene.now) {
                let index = HOSTS.iter().position(|known| name(known) == view.beat.host).unwrap();
                prop_assert_eq!(view.outstanding, models[index].running);
            }
        }
        let counts = scene.table.counts();
        prop_assert!(counts.wrongful <= counts.ejected);
    }
}
