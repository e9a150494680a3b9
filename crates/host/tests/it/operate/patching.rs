//! Actors that are patched: what is refused, what becomes a version, what the next `up` makes of it.

use host::application::Piece;
use host::operate::status::Phase;
use host::operate::{Deployed, OperateError, Waited};
use model::placement::Refusal;
use tempfile::TempDir;
use testkit::application::root;
use testkit::versions::{Does, versioned};

use super::lattice_world::{World, app, counter};

const EXAMPLES: &str = "examples/kvcounter";

/// The example's component in another language: it has the same contracts.
fn other() -> Piece {
    read(&root().join(EXAMPLES).join("js/build/kvcounter.wasm"))
}

fn read(path: &std::path::Path) -> Piece {
    Piece::read(&"counter".parse().unwrap(), path).unwrap()
}

async fn patch(world: &World, piece: &Piece) -> Result<Deployed, OperateError> {
    world.operator.patch(&app(), &"counter".parse().unwrap(), piece, &mut |_| {}).await
}

async fn up(world: &World, provider: &str) -> Result<Deployed, OperateError> {
    world.operator.up(&counter("", provider), &mut |_| {}).await
}

#[tokio::test]
async fn a_patch_is_a_version_with_another_component() {
    let world = World::new();
    up(&world, "keyvalue/memory").await.unwrap();
    let patched = patch(&world, &other()).await.unwrap();
    assert_eq!((patched.version, patched.is_new), (2, true));
    assert!(patched.uploaded_bytes > other().bytes.len() as u64);
    let same = patch(&world, &other()).await.unwrap();
    assert_eq!((same.version, same.is_new, same.uploaded_bytes), (2, false, 0));
    let status = world.operator.status(Some(&app())).await.unwrap();
    assert_eq!(status.applications[0].patched, ["counter".parse().unwrap()].into());
    let back = world.operator.rollback(&app(), None).await.unwrap();
    assert_eq!((back.version, back.restored), (3, Some(1)));
}

#[tokio::test]
async fn what_cannot_be_patched_is_told_and_changes_nothing() {
    let world = World::new();
    let refused = async |app: &str, actor: &str, piece: &Piece| {
        let (app, actor) = (app.parse().unwrap(), actor.parse().unwrap());
        world.operator.patch(&app, &actor, piece, &mut |_| {}).await.unwrap_err()
    };
    assert_eq!(
        refused("counter", "counter", &other()).await.to_string(),
        "the lattice has no application counter; there are none"
    );
    up(&world, "keyvalue/memory").await.unwrap();
    assert_eq!(
        refused("counter", "cart", &other()).await.to_string(),
        "application counter has no actor cart; it has counter"
    );
    // It exports no handler of requests, which a route leads to.
    let tax = read(&root().join("examples/shop/tax/build/tax.wasm"));
    let OperateError::Unpatchable { problems, .. } = refused("counter", "counter", &tax).await else { panic!() };
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(world.operator.versions(&app()).await.unwrap().len(), 1);
    world.operator.down(&app()).await.unwrap();
    assert_eq!(
        refused("counter", "counter", &other()).await.to_string(),
        "application counter is down; bring it up with `lath up` or `lath rollback` before it is patched"
    );
}

#[tokio::test]
async fn a_patch_is_not_undone_unless_that_is_meant() {
    let world = World::new();
    up(&world, "keyvalue/memory").await.unwrap();
    patch(&world, &other()).await.unwrap();
    let preview = world.operator.preview(&counter("", "keyvalue/embedded")).await.unwrap();
    assert_eq!(preview.reverts, ["counter".parse().unwrap()].into());
    assert_eq!(
        up(&world, "keyvalue/embedded").await.unwrap_err().to_string(),
        "version 2 of counter has a patch of actor counter, which this would undo; build the patch from these sources, or undo it \
         with `--revert`"
    );
    let reverting = world.operator.clone().reverting();
    let reverted = reverting.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    assert_eq!((reverted.version, reverted.is_new), (3, true));
    let status = world.operator.status(Some(&app())).await.unwrap();
    assert!(status.applications[0].patched.is_empty());
}

/// What was refused changed the store as well.
#[tokio::test]
async fn a_patch_is_of_what_runs() {
    let mut world = running().await;
    up(&world, "keyvalue/embedded").await.unwrap();
    go_back(&mut world).await;
    let patched = patch(&world, &other()).await.unwrap();
    assert_eq!((patched.version, patched.is_new), (3, true));
    let changes = world.operator.preview(&counter("", "keyvalue/memory")).await.unwrap().changes;
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["actors.counter.component"], "the store is that of the version which runs");
}

#[tokio::test]
async fn a_patch_that_was_refused_is_not_reverted() {
    let mut world = running().await;
    patch(&world, &other()).await.unwrap();
    go_back(&mut world).await;
    let preview = world.operator.preview(&counter("", "keyvalue/memory")).await.unwrap();
    assert!(preview.reverts.is_empty() && !preview.is_same, "{preview:?}");
    assert_eq!(up(&world, "keyvalue/memory").await.unwrap().version, 3);
}

#[tokio::test]
async fn a_version_that_was_rolled_back_is_told_and_may_be_tried_again() {
    let (mut world, folder) = (running().await, TempDir::new().unwrap());
    let path = folder.path().join("bad.wasm");
    std::fs::write(&path, versioned("bad", Does::Traps).unwrap()).unwrap();
    let patched = patch(&world, &read(&path)).await.unwrap();
    go_back(&mut world).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let waited = world.operator.wait(&app(), patched.version, deadline, &mut |_| {}).await.unwrap();
    let Waited::RolledBack(status) = waited else { panic!("{waited:?}") };
    let back = status.rolled_back.unwrap();
    assert_eq!((status.phase, status.version, back.to), (Phase::RolledBack, 2, 1));
    assert_eq!(back.reason, "on h1: it traps");
    assert!(status.patched.is_empty(), "what runs was not patched");
    // The same again is a version, since what stands does not run.
    assert_eq!(patch(&world, &read(&path)).await.unwrap().version, 3);
}

#[tokio::test]
async fn a_rollback_to_what_was_refused_tries_it_again() {
    let mut world = running().await;
    patch(&world, &other()).await.unwrap();
    go_back(&mut world).await;
    let again = world.operator.rollback(&app(), Some(2)).await.unwrap();
    assert_eq!((again.version, again.is_new, again.restored), (3, true, Some(2)));
}

/// Two in a row were bad: the one before the newest is no better.
#[tokio::test]
async fn a_rollback_of_what_was_refused_keeps_what_runs() {
    let mut world = running().await;
    patch(&world, &other()).await.unwrap();
    world.plan().await;
    let reverting = world.operator.clone().reverting();
    reverting.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    go_back(&mut world).await;
    let back = world.operator.rollback(&app(), None).await.unwrap();
    assert_eq!((back.version, back.is_new, back.restored), (4, true, Some(1)));
    world.plan().await;
    world.bring_up().await;
    let status = world.operator.status(Some(&app())).await.unwrap();
    assert_eq!((status.applications[0].phase, &status.applications[0].rolled_back), (Phase::Ready, &None));
}

/// A host that runs the first version.
async fn running() -> World {
    let mut world = World::new();
    world.join("h1", &[]).await;
    up(&world, "keyvalue/memory").await.unwrap();
    world.plan().await;
    world.bring_up().await;
    world
}

/// A planner goes back from the newest version to the first.
async fn go_back(world: &mut World) {
    let placement = world.plan().await;
    let mut placed = placement.applications[&app()].as_ref().clone();
    let before = placed.before.unwrap();
    assert_eq!(before.version, 1);
    placed.generation += 1;
    placed.refused = Some(Refusal { version: placed.version, reason: "on h1: it traps".to_owned() });
    (placed.version, placed.intent, placed.before) = (before.version, before.intent, None);
    world.agree_to(placement.generation + 1, placed).await;
    world.bring_up().await;
}
