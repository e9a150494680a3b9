//! What every bucket does. Each case has keys of its own.

use std::sync::Arc;
use std::time::Instant;

use lattice::store::{Bucket, Buckets, KeyPage, Revision, StoreError};

use super::{PATIENCE, all_told, bytes, text, told};

/// Every case, on the buckets of a fresh lattice.
pub(super) async fn all(buckets: &Buckets) {
    values_stand_until_they_are_changed(&buckets.state).await;
    a_replacement_needs_the_last_change(&buckets.state).await;
    what_was_deleted_can_be_created_again(&buckets.state).await;
    keys_are_listed_by_pattern(&buckets.state).await;
    for bucket in [&buckets.state, &buckets.intent] {
        keys_come_in_pages(bucket).await;
    }
    only_intent_has_a_history(buckets).await;
    a_watch_tells_in_order(&buckets.hosts).await;
    a_watch_of_nothing_is_current(&buckets.hosts).await;
    writers_in_a_race_lose_nothing(&buckets.state).await;
    what_is_not_a_key_is_refused(&buckets.state).await;
    a_lease_lapses(&buckets.leases).await;
}

async fn values_stand_until_they_are_changed(bucket: &Arc<dyn Bucket>) {
    assert_eq!(bucket.get("plain.a").await.unwrap(), None);
    let first = bucket.put("plain.a", bytes("1")).await.unwrap();
    let second = bucket.put("plain.a", bytes("")).await.unwrap();
    assert!(first < second);
    let entry = bucket.get("plain.a").await.unwrap().unwrap();
    assert_eq!((entry.key.as_str(), entry.value.clone(), entry.revision), ("plain.a", Some(bytes("")), second));
}

async fn a_replacement_needs_the_last_change(bucket: &Arc<dyn Bucket>) {
    let conflict = |result| matches!(result, Err(StoreError::Conflict { .. }));
    let first = bucket.replace("cas.a", bytes("1"), None).await.unwrap();
    assert!(conflict(bucket.replace("cas.a", bytes("x"), None).await));
    assert!(conflict(bucket.replace("cas.a", bytes("x"), Some(Revision(first.0 + 1000))).await));
    assert!(conflict(bucket.replace("cas.none", bytes("x"), Some(first)).await));
    assert!(conflict(bucket.replace("cas.none", bytes("x"), Some(Revision(0))).await));
    let second = bucket.replace("cas.a", bytes("2"), Some(first)).await.unwrap();
    assert!(conflict(bucket.replace("cas.a", bytes("x"), Some(first)).await));
    let entry = bucket.get("cas.a").await.unwrap().unwrap();
    assert_eq!((text(&entry).as_str(), entry.revision), ("2", second));
}

async fn what_was_deleted_can_be_created_again(bucket: &Arc<dyn Bucket>) {
    let first = bucket.put("gone.a", bytes("1")).await.unwrap();
    bucket.delete("gone.a").await.unwrap();
    assert_eq!(bucket.get("gone.a").await.unwrap(), None);
    let stale = bucket.replace("gone.a", bytes("x"), Some(first)).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    let again = bucket.replace("gone.a", bytes("2"), None).await.unwrap();
    assert!(again > first);
    assert_eq!(text(&bucket.get("gone.a").await.unwrap().unwrap()), "2");
    bucket.delete("gone.never").await.unwrap();
}

async fn keys_are_listed_by_pattern(bucket: &Arc<dyn Bucket>) {
    for key in ["list.b.1", "list.a.1", "list.a.2", "list.c"] {
        bucket.put(key, bytes("x")).await.unwrap();
    }
    bucket.delete("list.a.2").await.unwrap();
    for (pattern, expected) in [
        ("list.>", vec!["list.a.1", "list.b.1", "list.c"]),
        ("list.*.1", vec!["list.a.1", "list.b.1"]),
        ("list.c", vec!["list.c"]),
        ("list.a.2", vec![]),
        ("list.*", vec!["list.c"]),
    ] {
        assert_eq!(bucket.keys(pattern).await.unwrap(), expected, "{pattern}");
    }
}

async fn keys_come_in_pages(bucket: &Arc<dyn Bucket>) {
    for key in ["page.a", "page.b", "page.c", "page.d", "page.e", "page.f", "page.a", "paged"] {
        bucket.put(key, bytes("x")).await.unwrap();
    }
    bucket.delete("page.c").await.unwrap();
    let (mut keys, mut pages, mut after) = (Vec::new(), 0, Some(Revision(0)));
    while let Some(revision) = after {
        let page = bucket.page("page.*", revision, 2).await.unwrap();
        assert!(page.keys.len() <= 2 && page.next.is_none_or(|next| next > revision), "{page:?}");
        keys.extend(page.keys);
        pages += 1;
        after = page.next;
    }
    assert_eq!(keys, ["page.b", "page.d", "page.e", "page.f", "page.a"], "in the order of their last changes");
    assert_eq!(pages, 3);
    for (pattern, after) in [("page.*", u64::MAX), ("nothing.>", 0)] {
        assert_eq!(bucket.page(pattern, Revision(after), 2).await.unwrap(), KeyPage::default(), "{pattern}");
    }
    assert!(matches!(bucket.page("page..", Revision(0), 2).await, Err(StoreError::Refused { .. })));
}

async fn only_intent_has_a_history(buckets: &Buckets) {
    for version in 1..=70 {
        buckets.intent.put("shop", bytes(version)).await.unwrap();
        buckets.intent.put("other", bytes(version)).await.unwrap();
    }
    let history = buckets.intent.history("shop").await.unwrap();
    let versions: Vec<String> = history.iter().map(text).collect();
    assert_eq!(versions, (7..=70).map(|version| version.to_string()).collect::<Vec<_>>());
    assert!(history.is_sorted_by_key(|entry| entry.revision));
    buckets.intent.delete("shop").await.unwrap();
    let history = buckets.intent.history("shop").await.unwrap();
    assert_eq!((history.len(), text(history.last().unwrap()).as_str()), (64, "-"));

    for version in 1..=3 {
        buckets.hosts.put("histories.h1", bytes(version)).await.unwrap();
    }
    let history = buckets.hosts.history("histories.h1").await.unwrap();
    assert_eq!(history.iter().map(text).collect::<Vec<_>>(), ["3"]);
    assert_eq!(buckets.hosts.history("histories.none").await.unwrap(), []);
}

async fn a_watch_tells_in_order(bucket: &Arc<dyn Bucket>) {
    for (key, value) in [("watch.a", "1"), ("watch.b", "1"), ("watch.c", "1"), ("watch.a", "2"), ("apart", "1")] {
        bucket.put(key, bytes(value)).await.unwrap();
    }
    bucket.delete("watch.c").await.unwrap();
    let mut watch = bucket.watch("watch.>").await.unwrap();
    assert_eq!(all_told(&mut watch, 3).await, ["watch.b=1", "watch.a=2", "current"]);

    bucket.delete("watch.b").await.unwrap();
    bucket.put("apart", bytes("2")).await.unwrap();
    for number in 0..600 {
        bucket.put(&format!("watch.many.{number}"), bytes(number)).await.unwrap();
    }
    let rest = all_told(&mut watch, 601).await;
    assert_eq!(rest.first().map(String::as_str), Some("watch.b=-"));
    let expected = (0..600).map(|number| format!("watch.many.{number}={number}"));
    assert!(rest.into_iter().skip(1).eq(expected));

    // Of one key the last change is told, whatever is left out before.
    for number in 0..100 {
        bucket.put("watch.one", bytes(number)).await.unwrap();
    }
    let mut numbers = Vec::new();
    while numbers.last() != Some(&99) {
        let told = told(&mut watch).await.expect("the watch stands");
        numbers.push(told.strip_prefix("watch.one=").expect("this key").parse::<u32>().unwrap());
    }
    assert!(numbers.is_sorted(), "{numbers:?}");
}

async fn a_watch_of_nothing_is_current(bucket: &Arc<dyn Bucket>) {
    let mut watch = bucket.watch("nobody.*").await.unwrap();
    assert_eq!(told(&mut watch).await.as_deref(), Some("current"));
    bucket.put("nobody.here", bytes("1")).await.unwrap();
    assert_eq!(told(&mut watch).await.as_deref(), Some("nobody.here=1"));
}

async fn writers_in_a_race_lose_nothing(bucket: &Arc<dyn Bucket>) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 25;
    let write = |bucket: Arc<dyn Bucket>| async move {
        let mut won = Vec::new();
        while won.len() < usize::try_from(EACH).unwrap() {
            let entry = bucket.get("race").await.unwrap();
            let value = entry.as_ref().map_or(0, |entry| text(entry).parse::<u64>().unwrap());
            let expected = entry.map(|entry| entry.revision);
            match bucket.replace("race", bytes(value + 1), expected).await {
                Ok(revision) => won.push((value + 1, revision)),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        won
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(bucket.clone()))).collect();
    let mut won = Vec::new();
    for writer in writers {
        won.extend(writer.await.unwrap());
    }
    won.sort_unstable();
    assert!(won.iter().map(|(value, _)| *value).eq(1..=WRITERS * EACH), "one writer wins each time: {won:?}");
    assert!(won.windows(2).all(|pair| pair[0].1 < pair[1].1), "{won:?}");
}

async fn what_is_not_a_key_is_refused(bucket: &Arc<dyn Bucket>) {
    let long = "x".repeat(lattice::limits::KEY_BYTES_MAX + 1);
    for key in ["", ".", "a.", ".a", "a..b", "a b", "a*", "a.>", "ä", "a\n", long.as_str()] {
        let results = [
            bucket.put(key, bytes("1")).await.map(drop),
            bucket.replace(key, bytes("1"), None).await.map(drop),
            bucket.get(key).await.map(drop),
            bucket.delete(key).await,
            bucket.history(key).await.map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(StoreError::Refused { .. })), "`{key}`: {result:?}");
        }
    }
    for pattern in ["", "a.>.b", ">.a", "a.**", "a b.>", long.as_str()] {
        assert!(matches!(bucket.keys(pattern).await, Err(StoreError::Refused { .. })), "`{pattern}`");
        assert!(matches!(bucket.watch(pattern).await, Err(StoreError::Refused { .. })), "`{pattern}`");
    }
    let most = vec![b'x'; lattice::limits::VALUE_BYTES_MAX];
    let refused = bucket.put("large", [most.as_slice(), b"x"].concat().into()).await.unwrap_err();
    assert!(refused.to_string().contains("1048577 bytes, 1048576 are the most"), "{refused}");
}

async fn a_lease_lapses(bucket: &Arc<dyn Bucket>) {
    let first = bucket.put("h1", bytes("1")).await.unwrap();
    let second = bucket.put("h1", bytes("2")).await.unwrap();
    assert!(first < second);
    let begun = Instant::now();
    while bucket.get("h1").await.unwrap().is_some() {
        assert!(begun.elapsed() < PATIENCE, "the lease stands");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(bucket.keys(">").await.unwrap(), [""; 0]);
    let mut watch = bucket.watch("h1").await.unwrap();
    assert_eq!(told(&mut watch).await.as_deref(), Some("current"));
    bucket.replace("h1", bytes("3"), None).await.unwrap();
    assert_eq!(told(&mut watch).await.as_deref(), Some("h1=3"));
}
