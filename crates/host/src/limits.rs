//! Bounds. Each has a row in `docs/LIMITS.md` and a test that trips it.

use std::time::Duration;

/// The longest that a build command may run: 30 min.
pub const BUILD_TIME_MAX: Duration = Duration::from_secs(1800);

/// What is kept of the end of each stream of a build command: 8192 bytes.
pub const BUILD_OUTPUT_MAX: usize = 8192;

/// Files looked at to tell whether a component is stale: 100000.
pub const WATCHED_FILES_MAX: usize = 100_000;

/// The largest component or adapter file: 268435456 bytes.
pub const COMPONENT_BYTES_MAX: u64 = 268_435_456;

/// The longest that draining may take: 30 s. What still runs then is cut off.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Calls from the bus that a host serves at once: 1024; more are refused.
pub const BUS_CALLS_MAX: usize = 1024;

/// Events that may wait for a host's loop: 64. Their senders wait.
pub const EVENTS_MAX: usize = 64;
