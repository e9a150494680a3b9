//! Actors whose calls crash one after the other.

use std::collections::BTreeMap;
use std::time::Instant;

use engine::ActorStats;
use model::ids::{ActorName, AppName};

use crate::limits::{CRASH_MEMORY, CRASHES_MIN};

/// What is told of such an actor. It says no number: a text that stays the same is told once.
pub const CRASHING: &str = "its calls end in traps or at limits, one after the other; its log says where";

/// Which actors crash. A crash is a trap or a limit, of a call or while an instance comes up.
#[derive(Debug, Default)]
pub struct Crashes(BTreeMap<(AppName, ActorName), Seen>);

/// An actor, since most of its calls last went well.
#[derive(Debug)]
struct Seen {
    /// What it had done by then.
    since: ActorStats,
    crashes: u64,
    /// When it was last seen to have crashed.
    at: Instant,
}

impl Crashes {
    /// Looks at all actors that serve, and says which of them crash: [`CRASHES_MIN`] times at least, and not more of their
    /// calls go well. One that does not crash for [`CRASH_MEMORY`] is thought to be well.
    pub fn look(
        &mut self,
        now: Instant,
        actors: impl IntoIterator<Item = (AppName, ActorName, ActorStats)>,
    ) -> Vec<(AppName, ActorName)> {
        let looked = actors.into_iter().map(|(app, actor, stats)| {
            let name = (app, actor);
            let seen = self.0.remove(&name).unwrap_or_else(|| Seen::new(ActorStats::default(), now));
            (name, seen.look(stats, now))
        });
        self.0 = looked.collect();
        let crashing = self.0.iter().filter(|(_, seen)| seen.crashes >= CRASHES_MIN);
        crashing.map(|(name, _)| name.clone()).collect()
    }
}

impl Seen {
    fn new(since: ActorStats, at: Instant) -> Self {
        Self { since, crashes: 0, at }
    }

    fn look(self, stats: ActorStats, now: Instant) -> Self {
        // Another composite counts from nothing.
        let since = if stats.calls < self.since.calls { ActorStats::default() } else { self.since };
        let crashes = crashes(&stats).saturating_sub(crashes(&since));
        let running = u64::try_from(stats.running).unwrap_or(u64::MAX);
        let ended = stats.calls.saturating_sub(since.calls).saturating_sub(running);
        let at = if crashes == self.crashes { self.at } else { now };
        let is_forgotten = now.saturating_duration_since(at) >= CRASH_MEMORY;
        if is_forgotten || ended > crashes.saturating_mul(2) {
            return Self::new(stats, now);
        }
        Self { since, crashes, at }
    }
}

fn crashes(stats: &ActorStats) -> u64 {
    stats.traps.saturating_add(stats.limited)
}
