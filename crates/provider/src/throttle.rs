//! Log lines that callers can cause at will, held to a rate.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::FAILURES_LOGGED_PER_S_MAX;

/// Lets through a number of lines a second, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    begun: Option<Instant>,
    lines: usize,
    left_out: usize,
}

impl Throttle {
    /// Whether a line may be logged now; if so, how many were left out before it, if any.
    pub(crate) fn admit(&self) -> Option<Option<usize>> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.is_none_or(|begun| begun.elapsed() >= Duration::from_secs(1)) {
            window.begun = Some(Instant::now());
            window.lines = 0;
        }
        if window.lines == FAILURES_LOGGED_PER_S_MAX {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        let left_out = std::mem::take(&mut window.left_out);
        Some((left_out > 0).then_some(left_out))
    }
}
