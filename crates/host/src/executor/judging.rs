//! Whether a new version of an actor is as good as the one before it, by what both did.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Actor, Latencies};
use model::ids::ActorName;
use model::planted::Bug;

use super::state::{PartId, Stage};
#[cfg(doc)]
use crate::limits::ROLLOUT_MEMORY;
use crate::limits::{
    ROLLOUT_CALLS, ROLLOUT_COLD_CALLS, ROLLOUT_FAILED_MIN, ROLLOUT_SLOW_CALLS, ROLLOUT_SLOW_FACTOR, ROLLOUT_SLOW_MIN,
    ROLLOUT_STALL_MIN, ROLLOUT_STALL_UNKNOWN, ROLLOUT_STALLED_CALLS, ROLLOUT_TIME_MAX, ROLLOUT_TIME_MIN,
    ROLLOUT_WATCH_TIME,
};

/// What a composite did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Calls that reached the guest.
    pub calls: u64,
    /// Those of them that ended in a trap, at a limit or at their deadline.
    pub failed: u64,
    /// Calls that have not ended.
    pub running: usize,
    /// Instances that wait for a call.
    pub idle: usize,
    /// How long calls took that have ended, as far as they were measured.
    pub latencies: Latencies,
}

/// What composites had done a while ago: a version is judged by what the one before did of late, not by what it ever did.
#[derive(Clone, Debug, Default)]
pub struct Past(BTreeMap<PartId, [Sample; 2]>);

/// What the composites of an actor did, that of the version before and that of the newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The version before, of late.
    pub before: Sample,
    /// How long calls of the version before took that were ever measured: of use where it had none of late.
    pub ever: Latencies,
    /// The newer one.
    pub newer: Sample,
    /// Since when no call of the newer one has ended, while some run.
    pub stalled: Duration,
    /// Its calls that began since then.
    pub pending: u64,
}

/// What is thought of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not enough is known yet.
    Undecided,
    /// It is as good as the one before, as far as could be seen.
    Trusted,
    /// It is worse: in words, with the actor.
    Refused(String),
}

impl Sample {
    /// What was done since it had done `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            failed: self.failed.saturating_sub(earlier.failed),
            running: self.running,
            idle: self.idle,
            latencies: self.latencies.since(&earlier.latencies),
        }
    }

    /// What `actor` did.
    pub fn of(actor: &Actor) -> Self {
        let stats = actor.stats();
        let failed = stats.traps.saturating_add(stats.limited).saturating_add(stats.late);
        Self { calls: stats.calls, failed, running: stats.running, idle: stats.idle, latencies: actor.latencies() }
    }
}

impl Past {
    /// Takes up what all that run have done by now. Due every [`ROLLOUT_MEMORY`].
    pub fn turn(&mut self, running: impl IntoIterator<Item = (PartId, Sample)>) {
        let turned = running.into_iter().map(|(id, now)| (id, [self.0.get(&id).map(|[_, last]| *last), Some(now)]));
        self.0 = turned.map(|(id, samples)| (id, samples.map(Option::unwrap_or_default))).collect();
    }

    /// What a composite had done one to two times [`ROLLOUT_MEMORY`] ago.
    pub fn of(&self, id: PartId) -> Sample {
        self.0.get(&id).map(|[before, _]| *before).unwrap_or_default()
    }
}

/// Judges a version that has had its part of the calls for `elapsed`.
pub fn judge(stage: Stage, pairs: &BTreeMap<ActorName, Pair>, elapsed: Duration) -> Verdict {
    let faults = pairs.iter().filter_map(|(actor, pair)| Some(format!("actor {actor}: {}", fault(pair)?)));
    let faults: Vec<String> = faults.collect();
    if !faults.is_empty() && !Bug::NeverJudges.is_planted() {
        return Verdict::Refused(faults.join("; "));
    }
    let is_over = match stage {
        Stage::Trial => elapsed >= ROLLOUT_TIME_MAX || (elapsed >= ROLLOUT_TIME_MIN && pairs.values().all(is_seen)),
        Stage::Watch => elapsed >= ROLLOUT_WATCH_TIME,
    };
    if is_over { Verdict::Trusted } else { Verdict::Undecided }
}

/// True where the newer composite has answered enough calls, or nobody calls the actor.
fn is_seen(pair: &Pair) -> bool {
    let is_idle = pair.before.latencies.calls() == 0 && pair.before.running == 0 && pair.newer.calls == 0;
    is_idle || pair.newer.latencies.calls() >= ROLLOUT_CALLS
}

fn fault(pair: &Pair) -> Option<String> {
    failing(pair).or_else(|| stalling(pair)).or_else(|| slow(pair))
}

/// More than one in a hundred calls failed, and twice as many as before.
fn failing(Pair { before, newer, .. }: &Pair) -> Option<String> {
    let share = u128::from(newer.failed) * u128::from(before.calls.max(1));
    let twice_before = 2 * u128::from(before.failed) * u128::from(newer.calls);
    let is_worse =
        newer.failed >= ROLLOUT_FAILED_MIN && newer.failed.saturating_mul(100) > newer.calls && share > twice_before;
    is_worse.then(|| {
        format!(
            "{} of {} calls failed, of the version before {} of {}",
            newer.failed, newer.calls, before.failed, before.calls
        )
    })
}

/// Calls do not end, one after the other, and the version before ends most of its own in an eighth of the time. A few that go on
/// for long, as those do which stream, say nothing; neither do any where those of the version before go on as well.
fn stalling(pair: &Pair) -> Option<String> {
    let Pair { before, newer, stalled, pending, .. } = pair;
    let usual = usual(pair).within(900);
    let bound = match usual {
        Some(usual) => ROLLOUT_STALL_MIN.max(usual.saturating_mul(8)),
        None if before.running > 0 => return None,
        None => ROLLOUT_STALL_UNKNOWN,
    };
    let is_stalled = newer.running > 0 && *pending >= ROLLOUT_STALLED_CALLS && *stalled >= bound;
    is_stalled.then(|| {
        let secs = stalled.as_secs_f64();
        let known = match usual {
            Some(usual) => format!("of the version before 9 of 10 end within {usual:?}"),
            None => "of the version before none was measured".to_owned(),
        };
        format!("no call has ended for {secs:.1} s, {known}")
    })
}

/// Half of the calls take several times as long, and longer than nearly all took before: a machine that is busy for a
/// moment makes some calls of both slow. The first call of each instance is slow in any version.
fn slow(pair: &Pair) -> Option<String> {
    let before = usual(pair);
    let cold =
        ROLLOUT_COLD_CALLS.max(u64::try_from(pair.newer.running.saturating_add(pair.newer.idle)).unwrap_or(u64::MAX));
    let newer = pair.newer.latencies.without_slowest(cold);
    let is_known = |latencies: &Latencies| latencies.calls() >= ROLLOUT_SLOW_CALLS;
    let (usual, now) = (before.within(500)?, newer.within(500)?);
    let bound = usual.saturating_mul(ROLLOUT_SLOW_FACTOR).saturating_add(ROLLOUT_SLOW_MIN);
    let bound = bound.max(before.within(990)?);
    let is_slow = is_known(&before) && is_known(&newer) && now > bound;
    is_slow.then(|| format!("half of the calls take {now:?} or longer, of the version before {usual:?}"))
}

/// How long calls of the version before take: of late, where that is known of enough of them.
fn usual(pair: &Pair) -> Latencies {
    if pair.before.latencies.calls() >= ROLLOUT_SLOW_CALLS { pair.before.latencies } else { pair.ever }
}
