//! Which host a call goes to: two at random of those that are best, and of these the one with less load.

use std::cmp::Ordering;
use std::time::Instant;

use lattice::call::Target;
use model::ids::HostName;

use super::Phase;
use super::record::{Record, Standing};

/// What a call needs of a host.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The actor or provider called.
    pub target: &'a Target,
    /// The generation that placed it there.
    pub generation: u64,
}

/// How good a host is for a call; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// It answers and wants calls.
    Good,
    /// It answers, but is on its way out, or has not said yet that it knows of the placement.
    Fair,
    /// It beats, but gave no answers of late.
    Last,
}

/// The grade of a host for a call; none where the call would be in vain.
pub(super) fn grade(record: &Record, wanted: Wanted<'_>, now: Instant) -> Option<Grade> {
    let beat = &record.beat;
    if record.gone.is_some() || beat.phase == Phase::Joining || beat.not_ready.contains(wanted.target) {
        return None;
    }
    Some(match record.standing(now) {
        Standing::Missed => Grade::Last,
        Standing::Good | Standing::Trial if record.is_draining() || beat.generation < wanted.generation => Grade::Fair,
        Standing::Good | Standing::Trial => Grade::Good,
    })
}

/// The less loaded of two at random.
pub(super) fn choose<'a>(hosts: &[(&'a HostName, &Record)], seed: u64) -> Option<&'a HostName> {
    let count = u64::try_from(hosts.len()).ok().filter(|count| *count > 0)?;
    let at = |index: u64| usize::try_from(index).ok().and_then(|index| hosts.get(index));
    let first = mix(seed) % count;
    let (name, record) = at(first)?;
    if count == 1 {
        return Some(name);
    }
    let step = 1 + mix(seed.wrapping_add(1)) % (count - 1);
    let (other_name, other) = at((first + step) % count)?;
    Some(if compare(other, record) == Ordering::Less { other_name } else { name })
}

fn compare(a: &Record, b: &Record) -> Ordering {
    let ((a_running, a_capacity), (b_running, b_capacity)) = (a.load(), b.load());
    (a_running.saturating_mul(b_capacity)).cmp(&b_running.saturating_mul(a_capacity))
}

/// Scatters a number over all numbers (splitmix64, Steele, Lea and Flood 2014).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
