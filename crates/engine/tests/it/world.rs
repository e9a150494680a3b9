//! What a guest sees of the world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::{ActorSettings, host_imports};

use crate::guest;
use crate::scene::{Nowhere, actor, ask, engine, lone, number, settings};

#[test]
fn the_list_of_host_imports_is_what_the_host_provides() {
    let (component, mut names) = guest::everything();
    names.sort();
    let listed: Vec<String> = host_imports().iter().map(|name| format!("{name}.0")).collect();
    assert_eq!(names, listed);
    let engine = engine();
    let component = engine.load(&component).unwrap().component;
    let settings = ActorSettings { receivers: Vec::new(), senders: Vec::new(), ..settings("all") };
    engine.actor(&component, settings, Arc::new(Nowhere)).unwrap();
}

#[tokio::test]
async fn clocks_and_randomness_are_real() {
    let actor = lone("clock");
    let (before, after) = (number(ask(&actor, "t", b"").await), number(ask(&actor, "t", b"").await));
    let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seconds = number(ask(&actor, "w", b"").await);
    assert!(seconds.abs_diff(system) <= 60, "{seconds}");
    // Two instances, each with a clock that starts with it.
    assert!(before < 60_000_000_000 && after < 60_000_000_000);
    assert_ne!(number(ask(&actor, "R", b"").await), number(ask(&actor, "R", b"").await));
}

#[tokio::test]
async fn the_environment_is_what_was_granted() {
    for (env, expected) in [(vec![], 0), (vec![("TZ", "UTC"), ("LANG", "C")], 2)] {
        let env: BTreeMap<_, _> = env.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let actor = actor(&engine(), ActorSettings { env, ..settings("granted") }, Nowhere);
        assert_eq!(number(ask(&actor, "E", b"").await), expected);
    }
}

#[tokio::test]
async fn files_and_sockets_are_denied() {
    let actor = lone("denied");
    assert_eq!(number(ask(&actor, "d", b"").await), 0);
    let socket = ask(&actor, "c", b"").await.unwrap();
    let (error, access_denied) = (1, 1);
    assert_eq!((socket[0], socket[4]), (error, access_denied));
}
