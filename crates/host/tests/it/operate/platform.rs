//! Platform code: which versions of applications come of a change, and who keeps what.

use std::time::{Duration, Instant};

use adapter::generate::generate_in;
use adapter::source::{Source, WitFile};
use host::application::Application;
use host::operate::platform::{NewAdapter, NewGenerator, Patched, PlatformPatch, Rolled};
use host::operate::{OperateError, Operator};
use lattice::document::{Document as _, IntentDocument};
use lattice::limits::INTENT_BYTES_MAX;
use model::contract::Contract;
use model::placement::Refusal;
use model::wire::{Side, WireVersion, Wires};
use tempfile::TempDir;
use testkit::generators;

use super::lattice_world::{World, app, counter, opened};

use WireVersion::{V1, V2};

const CONTRACT: &str = "lath:keyvalue/counter@0.1.0";

/// A host that runs the first version.
async fn running() -> World {
    let mut world = World::new();
    world.join("h1", &[]).await;
    up(&world.operator, &counter("", "keyvalue/memory")).await;
    world.plan().await;
    world.bring_up().await;
    world
}

async fn up(operator: &Operator, application: &Application) -> u64 {
    operator.up(application, &mut |_| {}).await.unwrap().version
}

/// The same application under another name.
fn named(name: &str, provider: &str) -> Application {
    let text = counter("", provider).text().replace("name = \"counter\"", &format!("name = \"{name}\""));
    opened(&text.replace("path = \"/*\"", &format!("path = \"/{name}\"")))
}

/// Changes platform code while a planner and the host go on, and somebody does something else now and then.
async fn patched(
    world: &mut World,
    patch: &PlatformPatch,
    mut meanwhile: impl AsyncFnMut(&mut World),
) -> Result<Patched, OperateError> {
    let operator = world.other("operator.olga");
    let deadline = Instant::now() + Duration::from_secs(600);
    let mut ignored = |_: &_, _: &_| {};
    let patching = operator.patch_platform(patch, deadline, &mut ignored);
    tokio::pin!(patching);
    loop {
        tokio::select! {
            patched = &mut patching => return patched,
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                world.live("h1").await;
                meanwhile(world).await;
            }
        }
    }
}

async fn go_on(world: &mut World) {
    world.plan().await;
    world.bring_up().await;
}

async fn document(world: &World, version: u64) -> IntentDocument {
    let versions = world.operator.versions(&app()).await.unwrap();
    let digest = versions.iter().find(|known| known.version == version).unwrap().document.unwrap();
    let bytes = world.objects.get(digest, INTENT_BYTES_MAX as u64).await.unwrap().unwrap();
    IntentDocument::decode(&bytes).unwrap()
}

fn contract(text: &str) -> Contract {
    let file = |path: &str, text: &str| vec![WitFile { path: path.to_owned(), text: text.to_owned() }];
    let types = std::fs::read_to_string(testkit::application::root().join("wit/lath-rpc/types.wit")).unwrap();
    Source::from_wit("the test's", &file("it.wit", text), &[file("types.wit", &types)])
        .unwrap()
        .contract("counter")
        .unwrap()
}

/// A sender of the example's contract that differs from the built-in one.
fn sender(folder: &TempDir, functions: &str) -> NewAdapter {
    let text = format!(
        "package lath:keyvalue@0.1.0;\ninterface counter {{ use lath:rpc/types@1.0.0.{{rpc-error}};\n{functions} }}"
    );
    let bytes = generate_in(&contract(&text), Side::Sender, V1).unwrap();
    let path = folder.path().join("sender.wasm");
    std::fs::write(&path, [bytes.as_slice(), b"\0\x0c\x07made-byhand"].concat()).unwrap();
    NewAdapter::read(&CONTRACT.parse().unwrap(), Side::Sender, &path).unwrap()
}

const INCREMENT: &str = "increment: func(key: string, value: s32) -> result<s32, rpc-error>;";

#[tokio::test(start_paused = true)]
async fn the_wire_changes_in_steps_that_meet() {
    let mut world = running().await;
    let done = patched(&mut world, &PlatformPatch::Wire(V2), go_on).await.unwrap();
    assert!(done.is_kept && matches!(done.applications[&app()], Rolled::Done(4)), "{done:?}");
    let mut wires = Vec::new();
    for version in 1..=4 {
        wires.push(document(&world, version).await.wires);
    }
    let steps = [Wires::default(), Wires::new(V1, [V1, V2]), Wires::new(V2, [V1, V2]), Wires::new(V2, [V2])];
    assert_eq!(wires, steps);
    assert!(steps.windows(2).all(|pair| pair[0].meets(&pair[1])) && !steps[0].meets(&steps[3]));

    // Owners know nothing of it: the same sources are the same, others keep the wire, a rollback too.
    assert_eq!(up(&world.operator, &counter("", "keyvalue/memory")).await, 4);
    assert!(world.operator.preview(&counter("", "keyvalue/memory")).await.unwrap().is_same);
    let edited = up(&world.operator, &counter("", "keyvalue/embedded")).await;
    let back = world.operator.rollback(&app(), Some(1)).await.unwrap();
    assert_eq!((edited, back.version, back.restored), (5, 6, Some(1)));
    for version in [5, 6] {
        assert_eq!(document(&world, version).await.wires, steps[3], "version {version}");
    }
    // A step before is understood as it was.
    let back = world.operator.rollback(&app(), Some(3)).await.unwrap();
    assert_eq!((back.version, document(&world, 7).await.wires), (7, steps[2].clone()));

    up(&world.operator, &named("late", "keyvalue/memory")).await;
    let derived = world.operator.view(None).await.unwrap().derived;
    assert_eq!(derived[&"late".parse().unwrap()].as_ref().unwrap().blueprint.wire, V2, "it was never anything else");
    let again = patched(&mut world, &PlatformPatch::Wire(V2), go_on).await.unwrap();
    assert!(matches!(again.applications[&app()], Rolled::Done(8)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn an_adapter_takes_the_place_of_generated_ones_until_it_is_reset() {
    let (mut world, folder) = (running().await, TempDir::new().unwrap());
    up(&world.operator, &named("other", "keyvalue/memory")).await;
    let patch = PlatformPatch::Adapters(vec![sender(&folder, INCREMENT)]);
    let done = patched(&mut world, &patch, go_on).await.unwrap();
    assert_eq!(done.applications.len(), 2, "{done:?}");
    assert!(done.is_kept && matches!(done.applications[&app()], Rolled::Done(2)), "{done:?}");
    assert_eq!(document(&world, 2).await.substitutes.len(), 1);
    let same = patched(&mut world, &patch, go_on).await.unwrap();
    assert!(matches!(same.applications[&app()], Rolled::Same), "{same:?}");
    assert_eq!(up(&world.operator, &counter("", "keyvalue/memory")).await, 2);
    let reset = patched(&mut world, &PlatformPatch::Reset(CONTRACT.parse().unwrap()), go_on).await.unwrap();
    assert!(reset.is_kept && document(&world, 3).await.substitutes.is_empty(), "{reset:?}");
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_does_not_fit_changes_nothing() {
    let (mut world, folder) = (running().await, TempDir::new().unwrap());
    let other = sender(&folder, "decrement: func(key: string) -> result<s32, rpc-error>;");
    let error = patched(&mut world, &PlatformPatch::Adapters(vec![other]), go_on).await.unwrap_err();
    assert!(matches!(error, OperateError::Misfit { .. }), "{error}");
    assert_eq!(world.operator.versions(&app()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_one_application_goes_back_from_is_for_no_new_one() {
    let (mut world, folder) = (running().await, TempDir::new().unwrap());
    let patch = PlatformPatch::Adapters(vec![sender(&folder, INCREMENT)]);
    let mut is_refused = false;
    let refuse = async |world: &mut World| {
        if is_refused {
            return;
        }
        let placement = world.plan().await;
        let placed = placement.applications[&app()].as_ref().clone();
        if placed.version != 2 {
            return world.bring_up().await;
        }
        is_refused = true;
        let refused = Some(Refusal { version: 2, reason: "on h1: it traps".to_owned() });
        let before = placed.before.unwrap();
        let (version, intent) = (before.version, before.intent);
        let placed = model::placement::AppPlacement { version, intent, refused, before: None, ..placed };
        world.agree_to(placement.generation + 1, placed).await;
        world.bring_up().await;
    };
    let back = patched(&mut world, &patch, refuse).await.unwrap();
    assert!(!back.is_kept && matches!(back.applications[&app()], Rolled::RolledBack(_)), "{back:?}");
    // Neither the next version of this one has it, nor another application.
    let edited = up(&world.operator, &counter("", "keyvalue/embedded")).await;
    assert!(document(&world, edited).await.substitutes.is_empty());
    up(&world.operator, &named("late", "keyvalue/memory")).await;
    let derived = world.operator.view(None).await.unwrap().derived;
    assert!(derived[&"late".parse().unwrap()].as_ref().unwrap().intent.substitutes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn owners_who_deploy_again_and_again_are_told_of() {
    let mut world = running().await;
    let mut turn = 0;
    let deploy = async |world: &mut World| {
        turn += 1;
        let provider = if turn % 2 == 0 { "keyvalue/memory" } else { "keyvalue/embedded" };
        up(&world.operator, &counter("", provider)).await;
    };
    let folder = TempDir::new().unwrap();
    let patch = PlatformPatch::Adapters(vec![sender(&folder, INCREMENT)]);
    let busy = patched(&mut world, &patch, deploy).await.unwrap();
    assert!(!busy.is_kept && matches!(busy.applications[&app()], Rolled::Busy), "{busy:?}");
}

/// The built-in generator as a component makes what is inside `lath`: nothing changes. Another one's adapters are stored.
#[tokio::test]
async fn a_generator_changes_what_it_makes_otherwise() {
    let mut world = running().await;
    let cache = Some(testkit::application::root().join("target/tools/compiled"));
    for (name, adapters) in [("generator", 0), ("marking_generator", 2)] {
        let generator = NewGenerator::of(generators::component(name).unwrap(), cache.clone()).await.unwrap();
        let done = patched(&mut world, &PlatformPatch::Generator(generator), go_on).await.unwrap();
        assert!(done.is_kept, "{done:?}");
        let version = world.operator.versions(&app()).await.unwrap().last().unwrap().version;
        assert_eq!(document(&world, version).await.substitutes.len(), adapters, "{name}");
    }
}
