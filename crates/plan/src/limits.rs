//! Bounds of this crate. Each has a row in `docs/LIMITS.md` and a test that trips it.

/// Components in one composite, each copy of a middleware counted: 64 components.
pub const MEMBERS_MAX: usize = 64;
/// Hosts that are listed as unable to take a group; where there are more they are counted: 10 hosts.
pub const OBSTACLES_LISTED_MAX: usize = 10;
