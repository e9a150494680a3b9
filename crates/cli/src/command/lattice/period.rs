//! Periods, as `--expires` takes them, and moments.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use lattice::authority::UnixSeconds;

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// A whole number of seconds, minutes, hours or days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period(u64);

impl Period {
    /// The moment that far from `now`.
    pub(super) fn after(self, now: UnixSeconds) -> UnixSeconds {
        UnixSeconds(now.0.saturating_add(self.0))
    }

    /// What there is from `now` to `then`.
    pub(super) fn between(now: UnixSeconds, then: UnixSeconds) -> Self {
        Self(then.0.saturating_sub(now.0))
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |(unit, seconds): (&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds);
        let period = UNITS.into_iter().find_map(read).map(Self);
        period.ok_or_else(|| "write a whole number and its unit, such as 365d, 12h, 30m or 90s".to_owned())
    }
}

impl fmt::Display for Period {
    /// In the largest unit of which there are two at least, rounded up: what was granted for 30d a moment ago is told so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, seconds): &(&str, u64)| self.0 >= 2 * seconds;
        let (unit, seconds) = UNITS.into_iter().find(fits).unwrap_or(("s", 1));
        write!(f, "{}{unit}", self.0.div_ceil(seconds))
    }
}

/// The time now.
pub(super) fn now() -> UnixSeconds {
    // A clock before 1970 is as good as one in 1970: everything has expired or will.
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
