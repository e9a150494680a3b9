//! Bounds and defaults. Each has a row in `docs/LIMITS.md` and a test that trips it. What travels and what runs is bounded by
//! the crates that do it.

use std::time::Duration;

/// Lines that may wait for whoever reads what a serving program tells; beyond, lines are counted and lost: 1,024 lines.
pub const EVENT_LINES_MAX: usize = 1_024;

/// How long the last lines are waited for at the end: 1 s.
pub const EVENT_FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// How long `lath call` waits for the answer of a lattice, where `--wait` does not say: 60 s.
pub const ANSWER_TIME_DEFAULT: Duration = Duration::from_secs(60);

/// The longest time that `--wait` takes: 24 hours.
pub const WAIT_TIME_MAX: Duration = Duration::from_secs(24 * 3600);
