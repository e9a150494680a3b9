//! Buckets: the one inside a process and the one in JetStream behave alike; and what only servers can do to one.

mod cases;
mod faults;
mod twins;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::store::{Bucket, Change, Entry, Watch};

/// Long enough for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn bytes<T: ToString + Copy>(text: T) -> Bytes {
    Bytes::from(text.to_string())
}

/// The value of an entry as text; `-` for a deletion.
pub(crate) fn text(entry: &Entry) -> String {
    entry.value.as_ref().map_or_else(|| "-".to_owned(), |value| String::from_utf8(value.to_vec()).unwrap())
}

/// The next change as text; none where the watch has ended.
pub(crate) async fn told(watch: &mut Watch) -> Option<String> {
    let change = tokio::time::timeout(PATIENCE, watch.next()).await.expect("a change within the deadline");
    change.map(|change| match change {
        Change::Entry(entry) => format!("{}={}", entry.key, text(&entry)),
        Change::Current => "current".to_owned(),
    })
}

/// As many changes.
pub(crate) async fn all_told(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(told(watch).await.expect("the watch stands"));
    }
    all
}

/// Tries until it succeeds: what follows a fault takes its time.
pub(crate) async fn put_at_last(bucket: &Arc<dyn Bucket>, key: &str, value: &str) {
    let begun = Instant::now();
    while let Err(error) = bucket.put(key, bytes(value)).await {
        assert!(begun.elapsed() < PATIENCE, "{error}");
    }
}
