//! What deploying would change.

use super::lattice_world::{World, counter};

#[tokio::test]
async fn a_first_deployment_is_all_new() {
    let mut world = World::new();
    world.join("h1", &[]).await;
    let preview = world.operator.preview(&counter("", "keyvalue/embedded")).await.unwrap();
    assert_eq!((preview.standing, preview.is_same, preview.changes.len()), (None, false, 0));
    let moves: Vec<String> = preview.moves.iter().map(ToString::to_string).collect();
    assert_eq!(
        moves,
        ["counter/counter: new in version 1, joins h1", "counter/kv (provider): new in version 1, joins h1"]
    );
    assert!(preview.upload_bytes > 1000);
    assert!(world.objects.list().await.unwrap().is_empty());
    assert!(world.buckets.intent.keys("*").await.unwrap().is_empty());
}

#[tokio::test]
async fn changes_moves_and_what_finds_no_place_are_told() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    let first = counter("place = { replicas = 1 }", "keyvalue/nats");
    world.operator.up(&first, &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let same = world.operator.preview(&first).await.unwrap();
    assert!(same.is_same && same.changes.is_empty() && same.upload_bytes == 0, "{same:#?}");

    let more = counter("place = { replicas = 3 }\nlimits = { memory = \"32MiB\" }", "keyvalue/nats");
    let preview = world.operator.preview(&more).await.unwrap();
    let changes: Vec<String> = preview.changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["actors.counter.place changed: 1 host → 3 hosts", "actors.counter.limits changed"]);
    assert_eq!((preview.standing, preview.is_same), (Some(1), false));
    assert!(preview.moves[0].to_string().contains("version 1 → 2"), "{:?}", preview.moves);
    assert_eq!(preview.unplaced.len(), 1);
    assert!(preview.unplaced[0].to_string().contains("3"), "{}", preview.unplaced[0]);
}

/// Not how it begins, with the old beside the new, but what comes of it.
#[tokio::test]
async fn the_places_are_those_in_the_end() {
    let mut world = World::new();
    for host in ["h1", "h2"] {
        world.join(host, &[]).await;
    }
    let two = counter("place = { replicas = 2 }", "keyvalue/nats");
    world.operator.up(&two, &mut |_| {}).await.unwrap();
    world.plan().await;
    world.bring_up().await;
    let preview = world.operator.preview(&counter("place = { replicas = 1 }", "keyvalue/nats")).await.unwrap();
    let hosts: Vec<_> = preview.places.iter().map(|place| (place.before.len(), place.after.len())).collect();
    assert_eq!(hosts, [(2, 1), (2, 1)], "{:?}", preview.places);
    assert!(preview.moves.iter().all(|change| change.to_string().contains("leaves")), "{:?}", preview.moves);
}

#[tokio::test]
async fn parts_that_come_and_go_are_told_by_their_keys() {
    let world = World::new();
    world.operator.up(&counter("", "keyvalue/embedded"), &mut |_| {}).await.unwrap();
    let rows = [
        (counter("grants = { env = { TZ = \"UTC\" } }", "keyvalue/embedded"), vec!["actors.counter.grants changed"]),
        (counter("", "keyvalue/memory"), vec!["providers.kv changed: keyvalue/embedded → keyvalue/memory"]),
        (
            counter("place = { on = { tier = \"web\" } }", "keyvalue/embedded"),
            vec!["actors.counter.place changed: as many hosts as it needs → as many hosts as it needs on tier=web"],
        ),
        (
            counter(
                "[actors.other]\ncomponent = \"{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\nlinks.\"lath:keyvalue/counter\" = { to = \"kv\" }",
                "keyvalue/embedded",
            ),
            vec!["actors.other added"],
        ),
    ];
    for (application, expected) in rows {
        let preview = world.operator.preview(&application).await.unwrap();
        let changes: Vec<String> = preview.changes.iter().map(ToString::to_string).collect();
        assert_eq!(changes, expected);
    }
}
