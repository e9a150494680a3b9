//! What a guest sees of the world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::{ActorSettings, host_imports};
use model::folder::Folder;
use model::secret::{SecretValue, Setting};

use crate::guest;
use crate::scene::{Nowhere, actor, ask, engine, lone, number, settings};

#[test]
fn the_list_of_host_imports_is_what_the_host_provides() {
    let (component, mut names) = guest::everything();
    names.sort();
    // What else there is, real components of it show: `wasi:http` and the 0.3 track.
    let of_track = |name: &&&str| name.ends_with("@0.2") && !name.starts_with("wasi:http/");
    let listed: Vec<String> = host_imports().iter().filter(of_track).map(|name| format!("{name}.0")).collect();
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

/// Answers with the value of the method; with nothing where there is none.
const CONFIGURED: &str = r#"(module
    (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
    (import "wasi:config/store@0.2.0-rc.1" "get-all" (func $all (param i32)))
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (func (export "receive0#receive") (param $m i32) (param $ml i32) (param i32 i32) (result i32)
        (i64.store (i32.const 64) (i64.const 0))
        (i64.store (i32.const 72) (i64.const 0))
        ;; all: as many bytes as there are values
        (if (i32.eqz (local.get $ml)) (then
            (call $all (i32.const 128))
            (i32.store (i32.const 68) (i32.const 4096))
            (i32.store (i32.const 72) (i32.load (i32.const 136)))
            (return (i32.const 64))))
        (call $get (local.get $m) (local.get $ml) (i32.const 128))
        (if (i32.load8_u (i32.const 132)) (then
            (i32.store (i32.const 68) (i32.load (i32.const 136)))
            (i32.store (i32.const 72) (i32.load (i32.const 140)))))
        (i32.const 64))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get 3)))))"#;

#[tokio::test]
async fn the_configuration_is_what_was_given() {
    let world = "package test:guest;
        world guest {
            import wasi:config/store@0.2.0-rc.1;
            export receive0: lath:wasmbus/receiver@0.1.0;
        }
        package wasi:config@0.2.0-rc.1 {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
        }";
    let engine = engine();
    let component = engine.load(&guest::in_world(CONFIGURED, world)).unwrap().component;
    let actor = |config: BTreeMap<String, Setting<SecretValue>>| {
        let settings = ActorSettings { senders: Vec::new(), config, ..settings("configured") };
        engine.actor(&component, settings, Arc::new(Nowhere)).unwrap()
    };
    let pairs = [("currency", "EUR"), ("motto", "süß")].map(|(key, value)| (key.to_owned(), value.into()));
    let given = actor(pairs.into());
    for (key, value) in [("currency", "EUR"), ("motto", "süß"), ("Currency", ""), ("no", "")] {
        assert_eq!(ask(&given, key, b"").await.unwrap(), value.as_bytes(), "{key}");
    }
    assert_eq!(ask(&given, "", b"").await.unwrap().len(), 2);
    assert_eq!(ask(&actor(BTreeMap::new()), "", b"").await.unwrap().len(), 0);
}

#[tokio::test]
async fn folders_and_sockets_are_what_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    let granted = Folder { path: folder.path().to_owned(), seen_at: "/data".to_owned(), is_writable: false };
    let network = vec!["tcp://10.0.0.1:1".parse().unwrap()];
    let settings = ActorSettings { folders: vec![granted], network, ..settings("granted") };
    let actor = actor(&engine(), settings, Nowhere);
    assert_eq!(number(ask(&actor, "d", b"").await), 1);
    assert_eq!(ask(&actor, "c", b"").await.unwrap()[0], 0);
}

#[test]
fn a_folder_that_is_not_there_is_no_actor() {
    let granted = Folder { path: "/nowhere/at/all".into(), seen_at: "/data".to_owned(), is_writable: false };
    let engine = engine();
    let component = engine.load(&guest::PLAIN).unwrap().component;
    let settings = ActorSettings { folders: vec![granted], ..settings("granted") };
    let refused = engine.actor(&component, settings, Arc::new(Nowhere)).unwrap_err();
    assert!(refused.to_string().contains("/nowhere/at/all, which cannot be opened"), "{refused}");
}

#[tokio::test]
async fn files_and_sockets_are_denied() {
    let actor = lone("denied");
    assert_eq!(number(ask(&actor, "d", b"").await), 0);
    let socket = ask(&actor, "c", b"").await.unwrap();
    let (error, access_denied) = (1, 1);
    assert_eq!((socket[0], socket[4]), (error, access_denied));
}
