//! Bounds of this crate. Each has a row in `docs/LIMITS.md` and a test that trips it.

/// Hosts that are listed as unable to take a group; where there are more they are counted: 10 hosts.
pub const OBSTACLES_LISTED_MAX: usize = 10;
