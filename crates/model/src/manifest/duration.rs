//! Lengths of time as the manifest writes them: `800ms`, `2s`, `1m`, `1h`.

use std::fmt;
use std::time::Duration;

/// A length of time and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WrittenDuration(pub(super) Duration);

/// Milliseconds of each unit, shortest first.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Parses a whole number and a unit; `None` where it is anything else or does not fit.
pub(super) fn parse(text: &str) -> Option<WrittenDuration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits)?;
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    if !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(WrittenDuration(Duration::from_millis(number.checked_mul(millis)?)))
}

impl fmt::Display for WrittenDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let whole = |(_, unit): &(&str, u64)| millis > 0 && millis.is_multiple_of(u128::from(*unit));
        match UNITS.iter().rev().find(|unit| whole(unit)) {
            Some((name, unit)) => write!(f, "{}{name}", millis / u128::from(*unit)),
            None => write!(f, "{millis}ms"),
        }
    }
}
