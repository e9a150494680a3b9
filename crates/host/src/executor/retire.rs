//! Ending parts: their calls finish first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Actor;
use futures_util::future::join_all;
use model::planted::Bug;
use provider::Provider;

use super::load::Part;
use crate::router::Outbox;

/// How often actors that leave are looked at: they may call each other, so all must be idle before one is closed.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Ends parts to which no new calls are taken, until `deadline`.
pub(super) async fn retire(parts: Vec<Part>, deadline: Instant) {
    let mut actors: Vec<(Actor, Arc<Outbox>)> = Vec::new();
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    for part in parts {
        match part {
            Part::Actor { actor, outbox, .. } => actors.push((actor, outbox)),
            Part::Provider { provider, .. } => providers.push(provider),
        }
    }
    let deadline = if Bug::SkipsDrain.is_planted() { Instant::now() } else { deadline };
    idle(&actors, deadline).await;
    for late in
        join_all(actors.iter().map(|(actor, _)| actor.drain(deadline))).await.into_iter().filter_map(Result::err)
    {
        tracing::warn!("{late}");
    }
    // Calls that are cut off must not keep actors alive in a circle.
    actors.iter().for_each(|(_, outbox)| outbox.disconnect());
    let drained = join_all(providers.iter().map(|provider| provider.drain()));
    if tokio::time::timeout_at(deadline.into(), drained).await.is_err() {
        tracing::warn!("a provider still had calls when its time to drain was over");
    }
}

/// Waits until all of them are idle at once.
async fn idle(actors: &[(Actor, Arc<Outbox>)], deadline: Instant) {
    let is_busy = |(actor, _): &(Actor, _)| {
        let stats = actor.stats();
        stats.running + stats.waiting > 0
    };
    while actors.iter().any(is_busy) && Instant::now() < deadline {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
