//! What is thought of a new version, by what it and the one before did.

use std::time::Duration;

use engine::Latencies;
use host::executor::judging::{Pair, Past, Sample, Verdict, judge};
use host::executor::state::{PartId, Stage};
use host::limits::{
    ROLLOUT_CALLS, ROLLOUT_COLD_CALLS, ROLLOUT_SLOW_CALLS, ROLLOUT_STALL_MIN, ROLLOUT_STALL_UNKNOWN,
    ROLLOUT_STALLED_CALLS, ROLLOUT_TIME_MAX, ROLLOUT_TIME_MIN, ROLLOUT_WATCH_TIME,
};

/// So many calls, each of which took that long.
fn latencies(calls: u64, millis: u64) -> Latencies {
    Latencies::of((0..calls).map(|_| Duration::from_millis(millis)))
}

fn sample(calls: u64, failed: u64, millis: u64) -> Sample {
    Sample { calls, failed, running: 0, idle: 0, latencies: latencies(calls, millis) }
}

fn judged(stage: Stage, pair: Pair, elapsed: Duration) -> String {
    match judge(stage, &[("cart".parse().unwrap(), pair)].into(), elapsed) {
        Verdict::Undecided => "undecided".to_owned(),
        Verdict::Trusted => "trusted".to_owned(),
        Verdict::Refused(reason) => reason,
    }
}

fn pair(before: Sample, newer: Sample) -> Pair {
    Pair { before, newer, ..Pair::default() }
}

/// A version that was tried for as long as it must be.
fn tried(before: Sample, newer: Sample) -> String {
    judged(Stage::Trial, pair(before, newer), ROLLOUT_TIME_MIN)
}

#[test]
fn a_version_is_refused_for_failures_of_its_own() {
    let rows = [
        // Before: calls and failures; newer: calls and failures; what is thought.
        ((1_000, 0), (50, 0), "trusted"),
        ((1_000, 0), (2, 2), "actor cart: 2 of 2 calls failed, of the version before 0 of 1000"),
        ((0, 0), (2, 2), "actor cart: 2 of 2 calls failed, of the version before 0 of 0"),
        // One may be anybody's fault.
        ((1_000, 0), (50, 1), "trusted"),
        // As bad as before.
        ((1_000, 500), (50, 25), "trusted"),
        ((1_000, 10), (1_000, 30), "actor cart: 30 of 1000 calls failed, of the version before 10 of 1000"),
        // Too few of many.
        ((1_000, 0), (1_000, 9), "trusted"),
    ];
    for ((calls, failed), (newer_calls, newer_failed), expected) in rows {
        let thought = tried(sample(calls, failed, 2), sample(newer_calls, newer_failed, 2));
        assert_eq!(thought, expected, "{failed} of {calls}, then {newer_failed} of {newer_calls}");
    }
}

#[test]
fn an_actor_that_nobody_called_before_is_waited_for_where_it_is_called_now() {
    assert_eq!(tried(Sample::default(), Sample::default()), "trusted");
    assert_eq!(tried(Sample::default(), sample(ROLLOUT_CALLS - 1, 0, 2)), "undecided");
}

/// What the version before did long ago excuses nothing.
#[test]
fn a_version_is_judged_by_what_the_one_before_did_of_late() {
    let id = PartId(1);
    let mut past = Past::default();
    let (long_ago, of_late) = (sample(1_000, 500, 90), sample(1_200, 500, 90));
    assert_eq!(past.of(id), Sample::default());
    past.turn([(id, long_ago)]);
    assert_eq!(past.of(id), Sample::default(), "nothing is known of a minute ago");
    past.turn([(id, of_late)]);
    assert_eq!(past.of(id), long_ago);
    past.turn([(id, of_late)]);
    assert_eq!(past.of(id), of_late);
    past.turn([]);
    assert_eq!(past.of(id), Sample::default(), "it is gone");

    let did = of_late.since(&long_ago);
    assert_eq!((did.calls, did.failed, did.latencies.calls()), (200, 0, 200));
    assert_eq!(tried(of_late, sample(50, 10, 2)), "trusted", "500 of 1,200 had failed");
    assert_eq!(tried(did, sample(50, 10, 2)), "actor cart: 10 of 50 calls failed, of the version before 0 of 200");
}

#[test]
fn a_version_is_refused_for_being_slow() {
    let rows = [
        (5, 5, true),
        (5, 30, true),
        (5, 60, false),
        (100, 350, true),
        (100, 600, false),
        // Nobody notices that.
        (0, 10, true),
    ];
    for (before, newer, is_trusted) in rows {
        let thought = tried(sample(100, 0, before), sample(100, 0, newer));
        assert_eq!(thought == "trusted", is_trusted, "{before} ms, then {newer} ms: {thought}");
        let few = tried(sample(100, 0, before), sample(ROLLOUT_COLD_CALLS + ROLLOUT_SLOW_CALLS - 1, 0, newer));
        assert_eq!(few, "undecided", "too few calls to say so");
        let enough = tried(sample(100, 0, before), sample(ROLLOUT_COLD_CALLS + ROLLOUT_SLOW_CALLS, 0, newer));
        assert_eq!(enough == "undecided", is_trusted, "{before} ms, then {newer} ms: {enough}");
    }
    // Some calls took as long before, too.
    let uneven = (0..100).map(|call| Duration::from_millis(if call < 97 { 5 } else { 400 }));
    let before = Sample { latencies: Latencies::of(uneven), ..sample(100, 0, 5) };
    assert_eq!(tried(before, sample(100, 0, 300)), "trusted");
}

/// The first call of each fresh instance takes as long as it takes to come up.
#[test]
fn what_is_slow_while_it_is_cold_says_nothing() {
    let newer = |cold: u64, warm: u64, millis, idle| {
        let calls = (0..cold + warm).map(|call| Duration::from_millis(if call < cold { 500 } else { millis }));
        Sample { latencies: Latencies::of(calls), idle, ..sample(cold + warm, 0, 0) }
    };
    let before = sample(100, 0, 5);
    assert_eq!(tried(before, newer(30, ROLLOUT_SLOW_CALLS, 5, 30)), "trusted", "many came at once");
    assert!(tried(before, newer(30, ROLLOUT_SLOW_CALLS, 5, 5)).contains("half of the calls take"));
    assert!(tried(before, newer(30, ROLLOUT_SLOW_CALLS, 90, 30)).contains("half of the calls take"), "warm as well");
}

/// Nobody called the version before of late: what was measured once, says what is usual.
#[test]
fn what_was_usual_once_is_compared_with() {
    let ever = latencies(20, 5);
    let slow = Pair { ever, ..pair(Sample::default(), sample(20, 0, 90)) };
    assert!(judged(Stage::Watch, slow, Duration::ZERO).contains("half of the calls take"));
    let stalled = Pair { ever, stalled: ROLLOUT_STALL_MIN, ..pair(Sample::default(), hanging()) };
    let stalled = Pair { pending: ROLLOUT_STALLED_CALLS, ..stalled };
    assert!(judged(Stage::Watch, stalled, Duration::ZERO).contains("9 of 10 end within"));
}

fn hanging() -> Sample {
    Sample { calls: 3, running: 3, ..Sample::default() }
}

#[test]
fn a_version_is_refused_where_its_calls_do_not_end() {
    let before = sample(100, 0, 5);
    let thought_of = |before, stalled, pending| {
        judged(Stage::Trial, Pair { stalled, pending, ..pair(before, hanging()) }, ROLLOUT_TIME_MIN)
    };
    let thought = |before, stalled| thought_of(before, stalled, ROLLOUT_STALLED_CALLS);
    assert_eq!(thought(before, ROLLOUT_STALL_MIN / 2), "undecided");
    let refused = thought(before, ROLLOUT_STALL_MIN);
    assert!(refused.starts_with("actor cart: no call has ended for 1.0 s"), "{refused}");
    assert_eq!(
        thought_of(before, ROLLOUT_STALL_MIN, ROLLOUT_STALLED_CALLS - 1),
        "undecided",
        "one that streams, perhaps"
    );
    // The version before took as long: then it says nothing.
    assert_eq!(thought(sample(100, 0, 2_000), ROLLOUT_STALL_MIN), "undecided");
    let unknown = Sample::default();
    assert_eq!(thought(unknown, ROLLOUT_STALL_MIN), "undecided", "nothing is known of the version before");
    let refused = thought(unknown, ROLLOUT_STALL_UNKNOWN);
    assert_eq!(refused, "actor cart: no call has ended for 3.0 s, of the version before none was measured");
    let streams = Sample { running: 1, ..unknown };
    assert_eq!(thought(streams, ROLLOUT_STALL_UNKNOWN), "undecided", "nor has one of the version before");
}

#[test]
fn time_and_calls_decide_when_a_version_is_trusted() {
    let (before, none, few) = (sample(100, 0, 5), Sample::default(), sample(ROLLOUT_CALLS - 1, 0, 5));
    let enough = sample(ROLLOUT_CALLS, 0, 5);
    let little = Duration::from_millis(1);
    let rows = [
        (Stage::Trial, before, enough, ROLLOUT_TIME_MIN - little, "undecided"),
        (Stage::Trial, before, enough, ROLLOUT_TIME_MIN, "trusted"),
        (Stage::Trial, before, few, ROLLOUT_TIME_MIN, "undecided"),
        (Stage::Trial, before, few, ROLLOUT_TIME_MAX, "trusted"),
        // Nobody calls it.
        (Stage::Trial, none, none, ROLLOUT_TIME_MIN, "trusted"),
        (Stage::Watch, before, few, ROLLOUT_WATCH_TIME - little, "undecided"),
        (Stage::Watch, before, few, ROLLOUT_WATCH_TIME, "trusted"),
    ];
    for (stage, before, newer, elapsed, expected) in rows {
        assert_eq!(judged(stage, pair(before, newer), elapsed), expected, "{stage:?} after {elapsed:?}");
    }
}

/// Bad news is not waited for.
#[test]
fn a_version_is_refused_before_its_time_is_over() {
    let pair = pair(sample(100, 0, 5), sample(2, 2, 5));
    assert!(judged(Stage::Trial, pair, Duration::ZERO).contains("2 of 2 calls failed"));
}
