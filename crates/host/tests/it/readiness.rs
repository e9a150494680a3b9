//! Actors that are asked whether they are ready before they take calls.

use std::time::{Duration, Instant};

use host::application::Piece;
use host::operate::Waited;
use model::ids::{ActorName, AppName};
use tempfile::TempDir;
use testkit::application::{Running, folder, run};
use testkit::counting::READY;
use testkit::http::get;
use testkit::lattice::Lattice;
use testkit::versions::{Does, versioned};

/// A counter that does this, and is asked within this time.
fn counting(does: Does, within: &str) -> TempDir {
    let ready = READY.replace("2s", within);
    let manifest = format!(
        "[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"one.wasm\"\n{ready}\
         links.\"lath:keyvalue\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/memory\" }}\n\
         [[routes]]\npath = \"/count\"\nto = \"counter\"\n"
    );
    let folder = folder(&format!("manifest = 1\n{manifest}")).unwrap();
    std::fs::write(folder.path().join("one.wasm"), versioned("one", does).unwrap()).unwrap();
    folder
}

async fn started(does: Does, within: &str) -> Result<Running, String> {
    run(counting(does, within).path()).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_is_asked_until_it_is_ready() {
    // It finds that out by calls over its link.
    let running = started(Does::Warms, "30s").await.unwrap();
    let response = get(&running.url("/count").unwrap()).await.unwrap();
    assert_eq!(response.body, "{\"counter\":1,\"version\":\"one\"}\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_is_never_ready_is_not_served() {
    let refused = started(Does::Unready, "300ms").await.err().unwrap();
    let said = "actor counter was not ready within 300ms: `test:versioned/health@0.1.0#ready` answered err(\"it never will be\")";
    assert!(refused.contains(said), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_does_not_say_is_given_up() {
    let refused = started(Does::Dozes, "300ms").await.err().unwrap();
    let said = "actor counter was not ready within 300ms: `test:versioned/health@0.1.0#ready` failed: ";
    assert!(refused.contains(said), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_not_ready_has_no_calls_and_is_gone_back_from() {
    let (lattice, counting) = (Lattice::of(&["h1", "h2"]).await.unwrap(), counting(Does::Warms, "5s"));
    let version = lattice.up(counting.path()).await.unwrap();
    lattice.running("count", version, 1).await.unwrap();
    let (app, actor): (AppName, ActorName) = ("count".parse().unwrap(), "counter".parse().unwrap());
    let (operator, path) = (lattice.operator(), counting.path().join("two.wasm"));
    std::fs::write(&path, versioned("two", Does::Unready).unwrap()).unwrap();
    let piece = Piece::read(&actor, &path).unwrap();
    let patched = operator.patch(&app, &actor, &piece, &mut |_| {}).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let waited = operator.wait(&app, patched.version, deadline, &mut |_| {}).await.unwrap();
    let Waited::RolledBack(status) = waited else { panic!("{waited:?}") };
    let reason = status.rolled_back.unwrap().reason;
    assert!(reason.contains("actor counter was not ready within 5s"), "{reason}");
    assert_eq!(lattice.answer("h1", "/count").await.unwrap().body, "{\"counter\":1,\"version\":\"one\"}\n");
}
