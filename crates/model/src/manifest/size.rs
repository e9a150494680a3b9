//! Numbers of bytes as the manifest writes them: `512KiB`, `64MiB`, `1GiB`.

use crate::ids::ByteSize;

const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Parses a whole number and a unit; `None` where it is anything else or does not fit.
pub fn parse(text: &str) -> Option<ByteSize> {
    let (digits, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    if !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit).map(ByteSize)
}
