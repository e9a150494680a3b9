//! Actors that crash, as a host tells of them.

use std::time::{Duration, Instant};

use engine::ActorStats;
use host::limits::{CRASH_MEMORY, CRASHES_MIN};
use host::router::crashes::{CRASHING, Crashes};
use testkit::http::get;
use testkit::lattice::Lattice;

use crate::scene::FAULTY_HTTP;

/// One actor, by what it has done at each look, a second apart; true where it is said to crash.
fn looks(stats: &[ActorStats]) -> Vec<bool> {
    let (mut crashes, begun) = (Crashes::default(), Instant::now());
    let look = |(second, stats): (u64, &ActorStats)| {
        let actor = ("shop".parse().unwrap(), "cart".parse().unwrap(), *stats);
        !crashes.look(begun + Duration::from_secs(second), [actor]).is_empty()
    };
    (0..).zip(stats).map(look).collect()
}

fn done(calls: u64, traps: u64) -> ActorStats {
    ActorStats { calls, traps, ..ActorStats::default() }
}

#[test]
fn an_actor_whose_calls_crash_is_not_well_until_they_go_well() {
    let long = done(1_000_000, 7);
    let after = |calls, traps| done(long.calls + calls, long.traps + traps);
    let few = CRASHES_MIN - 1;
    let rows = [
        (vec![long, after(few, few), after(CRASHES_MIN, CRASHES_MIN)], vec![false, false, true], "however well it did"),
        (vec![done(3, 3)], vec![true], "before anybody looked"),
        (vec![long, after(40, 3), after(80, 6)], vec![false, false, false], "one of many"),
        (vec![long, after(6, 3), after(7, 3)], vec![false, true, false], "most go well again"),
        // It never came up, so no call reached it.
        (vec![long, after(0, 3)], vec![false, true], "instances do not come up"),
        (vec![done(9, 0), done(3, 3)], vec![false, true], "another composite"),
        (vec![done(9, 0), done(5, 0), done(8, 3)], vec![false, false, true], "another composite, later"),
        (vec![long, ActorStats { running: 8, ..after(11, 3) }], vec![false, true], "what runs has not gone well yet"),
        (vec![long, ActorStats { limited: 3, ..after(3, 0) }], vec![false, true], "limits"),
        (vec![long, ActorStats { late: 3, ..after(3, 0) }], vec![false, false], "what it calls may be slow"),
    ];
    for (stats, expected, why) in rows {
        assert_eq!(looks(&stats), expected, "{why}");
    }
}

#[test]
fn an_actor_that_crashed_is_well_once_nobody_calls_it() {
    let seconds = usize::try_from(CRASH_MEMORY.as_secs()).unwrap();
    let mut stats = vec![done(0, 0)];
    stats.extend(vec![done(3, 3); seconds + 1]);
    let told = looks(&stats);
    assert_eq!((told[1], told[seconds], told[seconds + 1]), (true, true, false));
}

/// Told with `lath status`, while the neighbours of the actor serve on, until its calls go well.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_tells_of_an_actor_that_crashes() {
    let mut lattice = Lattice::new();
    lattice.join("a", |_| {}).await.unwrap();
    let version = lattice.up_text(&manifest()).await.unwrap();
    lattice.running("test", version, 1).await.unwrap();
    lattice.answer("a", "/fine").await.unwrap();
    let status = async |path| get(&lattice.host("a").unwrap().url(path).unwrap()).await.unwrap().status;
    for _ in 0..CRASHES_MIN {
        assert_eq!(status("/panic").await, 502);
    }
    assert_eq!(told(&lattice, 1).await, ["cart"]);
    assert_eq!(status("/fine").await, 200);
    // Its instances are as good as ever: these calls do not crash.
    for _ in 0..=CRASHES_MIN * 2 {
        assert_eq!(status("/next/fine").await, 200);
    }
    assert_eq!(told(&lattice, 0).await, [""; 0]);
}

/// `cart`, which does as it is told, and `neighbour`, which it calls.
fn manifest() -> String {
    let actor = |name: &str| {
        format!(
            "[actors.{name}]\ncomponent = \"{FAULTY_HTTP}\"\n\
             links.\"lath:httpserver/handler\" = {{ to = \"neighbour\" }}\n"
        )
    };
    let routes = "[[routes]]\npath = \"/*\"\nto = \"cart\"\n[[routes]]\npath = \"/fine\"\nto = \"neighbour\"\n";
    format!("[application]\nname = \"test\"\n{}{}{routes}", actor("cart"), actor("neighbour"))
}

/// The actors that `status` tells are not well, once there are so many.
async fn told(lattice: &Lattice, count: usize) -> Vec<String> {
    let operator = lattice.operator();
    let asking = async {
        loop {
            let status = operator.status(None).await.unwrap();
            let actors = status.applications[0].actors.iter();
            let unwell = actors.filter(|actor| actor.unwell.values().any(|why| why == CRASHING));
            let unwell: Vec<String> = unwell.map(|actor| actor.name.clone()).collect();
            if unwell.len() == count {
                return unwell;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is never told so")
}
