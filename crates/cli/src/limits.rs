//! Bounds and defaults. Each has a row in `docs/LIMITS.md` and a test that trips it. What travels and what runs is bounded by
//! the crates that do it.

use std::time::Duration;

/// Lines that may wait for whoever reads what a serving program tells; beyond, lines are counted and lost: 1,024 lines.
pub const EVENT_LINES_MAX: usize = 1_024;

/// How long the last lines are waited for at the end: 1 s.
pub const EVENT_FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// How long `lath call` waits for the answer of a lattice, where `--wait` does not say: 60 s.
pub const ANSWER_TIME_DEFAULT: Duration = Duration::from_secs(60);

/// Commands that may talk to one `lath run` at once: 8.
pub const LOCAL_CLIENTS_MAX: usize = 8;

/// The longest line that a `lath run` takes from another command: 64 KiB, in bytes.
pub const LOCAL_LINE_BYTES_MAX: u64 = 64 << 10;

/// How long commands on one machine wait for each other to take a line or, beyond what was asked for, to answer: 10 s.
pub const LOCAL_TIME_MAX: Duration = Duration::from_secs(10);

/// How long an actor that is to be recorded may take to start anew: 60 s.
pub const RECORD_START_TIME_MAX: Duration = Duration::from_secs(60);

/// The longest time that `--wait` takes: 24 hours.
pub const WAIT_TIME_MAX: Duration = Duration::from_secs(24 * 3600);
