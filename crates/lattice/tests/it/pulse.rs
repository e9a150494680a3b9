//! Whether a process has been awake. Time is given in, but for the thread itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lattice::limits::{GAP_MAX, PULSE_INTERVAL};
use lattice::pulse::{Every, Pulse, Stamp};
use model::failure::Progress;

use crate::twin::until;

const MS: Duration = Duration::from_millis(1);

/// What a call is told.
fn told(stamp: &Stamp, now: Instant) -> String {
    match stamp.admits(now) {
        Ok(()) => "admitted".to_owned(),
        Err(failure) => {
            assert_eq!((failure.progress, failure.error.http_status()), (Progress::NotStarted, 503));
            failure.to_string()
        }
    }
}

const ASLEEP: &str = "transport: the process stood still for more than 1 s; call another";
const QUARANTINED: &str = "transport: the process has not rejoined the lattice since it stood still; call another";

#[test]
fn a_process_that_joins_admits_nothing_yet() {
    let now = Instant::now();
    let stamp = Stamp::new(now, false);
    assert_eq!(told(&stamp, now), QUARANTINED);
    assert!(stamp.release(stamp.gaps()));
    assert_eq!(told(&stamp, now), "admitted");
    assert_eq!(told(&Stamp::new(now, true), now), "admitted");
}

#[test]
fn an_old_stamp_admits_nothing() {
    let now = Instant::now();
    let stamp = Stamp::new(now, true);
    assert_eq!(told(&stamp, now + GAP_MAX), "admitted");
    assert_eq!(told(&stamp, now + GAP_MAX + MS), ASLEEP);
    assert_eq!(stamp.beat(now + GAP_MAX), None);
    assert_eq!(told(&stamp, now + GAP_MAX + MS), "admitted");
}

#[test]
fn after_a_gap_the_process_must_rejoin() {
    let now = Instant::now();
    let stamp = Stamp::new(now, true);
    let mut at = now;
    for _ in 0..100 {
        at += PULSE_INTERVAL;
        assert_eq!(stamp.beat(at), None);
    }
    at += GAP_MAX + MS;
    let gap = stamp.beat(at).unwrap();
    assert_eq!((gap.number, gap.length), (2, GAP_MAX + MS));
    assert_eq!(told(&stamp, at), QUARANTINED);
    // Another gap while it rejoins: what it did is not enough.
    at += Duration::from_secs(60);
    let second = stamp.beat(at).unwrap();
    assert!(!stamp.release(gap.number));
    assert_eq!(told(&stamp, at), QUARANTINED);
    assert!(!stamp.release(1));
    assert!(stamp.release(second.number));
    assert_eq!(told(&stamp, at), "admitted");
    // A promise for gaps to come counts for nothing.
    assert!(stamp.release(u64::MAX));
    at += Duration::from_secs(2);
    stamp.beat(at).unwrap();
    assert_eq!(told(&stamp, at), QUARANTINED);
}

#[test]
fn no_call_slips_through_while_a_gap_is_found() {
    let now = Instant::now();
    for _ in 0..200 {
        let stamp = Stamp::new(now, true);
        let woken = now + Duration::from_secs(5);
        std::thread::scope(|scope| {
            scope.spawn(|| stamp.beat(woken).unwrap());
            for _ in 0..50 {
                assert_ne!(told(&stamp, woken), "admitted");
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thread_ticks_until_it_is_dropped() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = ticks.clone();
    let tick = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    let pulse = Pulse::start(false, Box::new(tick)).unwrap();
    until("it ticks", || ticks.load(Ordering::SeqCst) >= 3).await;
    assert!(pulse.admits().is_err());
    // A machine that is very busy may make it find gaps: rejoin as often as it takes.
    let gaps = pulse.gaps();
    until("it has rejoined", || pulse.release(*gaps.borrow())).await;
    until("it admits", || pulse.admits().is_ok() || !pulse.release(*gaps.borrow())).await;
    let awake = pulse.awake();
    until("it is told", || pulse.release(*gaps.borrow()) && *awake.borrow()).await;
    drop(pulse);
    assert_eq!(Arc::strong_count(&ticks), 1, "the thread has ended");
}

#[test]
fn what_was_missed_is_not_made_up_for() {
    let now = Instant::now();
    let mut every = Every::new(Duration::from_millis(500), now);
    let mut due = |millis| every.is_due(now + Duration::from_millis(millis));
    assert!(due(0));
    assert!(!due(400));
    assert!(due(510));
    assert!(due(1_000), "it keeps its rhythm");
    assert!(due(9_200));
    assert!(!due(9_600));
    assert!(due(9_700));
}
