//! An actor's log: whole lines, of bounded length, at a bounded rate.

use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use model::trace::Trace;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits;
use crate::logging::Level;

/// The log of one actor. Its lines are tracing events of the target `lath::actor`.
pub(crate) struct Log {
    actor: String,
    bytes_per_s: u64,
    gate: Mutex<Gate>,
}

/// Lets through what the rate allows; at most one second's worth at once.
struct Gate {
    bytes_left: f64,
    filled: Instant,
    suppressed: u64,
}

impl Log {
    pub(crate) fn new(actor: &str, bytes_per_s: u64) -> Arc<Self> {
        let gate = Gate { bytes_left: bytes_per_s as f64, filled: Instant::now(), suppressed: 0 };
        Arc::new(Self { actor: actor.to_owned(), bytes_per_s, gate: Mutex::new(gate) })
    }

    /// Whether a line of `bytes` may be logged now. What may not is counted, and told when something may again; what nobody
    /// would hear counts for nothing.
    pub(crate) fn admits(&self, level: tracing::Level, bytes: usize) -> bool {
        is_heard(level) && self.has_room(bytes)
    }

    fn has_room(&self, bytes: usize) -> bool {
        let bytes = bytes.saturating_add(limits::LOG_LINE_COST_BYTES);
        let suppressed = {
            let mut gate = lock(&self.gate);
            gate.fill(self.bytes_per_s);
            if !gate.take(bytes, self.bytes_per_s) {
                gate.suppressed += 1;
                return false;
            }
            std::mem::take(&mut gate.suppressed)
        };
        self.tell(suppressed);
        true
    }

    fn line(&self, stream: &'static str, line: &[u8], trace: Option<&Trace>) {
        if self.admits(tracing::Level::INFO, line.len()) {
            let line = defused(&String::from_utf8_lossy(line), usize::MAX);
            let trace = recorded(trace);
            let traceparent = trace.as_deref();
            tracing::info!(target: "lath::actor", actor = self.actor, stream, traceparent, "{line}");
        }
    }

    /// Logs what a guest says by `wasi:logging`: one event, whatever it holds.
    pub(crate) fn event(&self, level: Level, context: &str, message: &str, trace: Option<&Trace>) {
        if !is_heard(level.into()) {
            return;
        }
        let actor = self.actor.as_str();
        let message = defused(message, limits::LOG_LINE_BYTES_MAX);
        let context = defused(context, limits::LOG_CONTEXT_BYTES_MAX);
        if !self.has_room(message.len().saturating_add(context.len())) {
            return;
        }
        let trace = recorded(trace);
        let traceparent = trace.as_deref();
        match level {
            Level::Trace => tracing::trace!(target: "lath::actor", actor, context, traceparent, "{message}"),
            Level::Debug => tracing::debug!(target: "lath::actor", actor, context, traceparent, "{message}"),
            Level::Info => tracing::info!(target: "lath::actor", actor, context, traceparent, "{message}"),
            Level::Warn => tracing::warn!(target: "lath::actor", actor, context, traceparent, "{message}"),
            Level::Error => tracing::error!(target: "lath::actor", actor, context, traceparent, "{message}"),
            Level::Critical => {
                tracing::error!(target: "lath::actor", actor, context, traceparent, critical = true, "{message}");
            }
        }
    }

    fn tell(&self, suppressed: u64) {
        if suppressed > 0 {
            tracing::warn!(target: "lath::actor", actor = self.actor, "{suppressed} lines suppressed");
        }
    }
}

/// Whether anybody hears lines of this level.
fn is_heard(level: tracing::Level) -> bool {
    use tracing::{Level, event_enabled};
    match level {
        Level::TRACE => event_enabled!(target: "lath::actor", Level::TRACE),
        Level::DEBUG => event_enabled!(target: "lath::actor", Level::DEBUG),
        Level::INFO => event_enabled!(target: "lath::actor", Level::INFO),
        Level::WARN => event_enabled!(target: "lath::actor", Level::WARN),
        Level::ERROR => event_enabled!(target: "lath::actor", Level::ERROR),
    }
}

/// The trace that a line belongs to, where it is recorded: else there is nothing to find by it.
fn recorded(trace: Option<&Trace>) -> Option<String> {
    trace.filter(|trace| trace.parent.is_sampled()).map(|trace| trace.parent.to_string())
}

impl Drop for Log {
    fn drop(&mut self) {
        let suppressed = lock(&self.gate).suppressed;
        self.tell(suppressed);
    }
}

impl Gate {
    fn fill(&mut self, bytes_per_s: u64) {
        let now = Instant::now();
        let seconds = now.duration_since(std::mem::replace(&mut self.filled, now)).as_secs_f64();
        self.bytes_left = (self.bytes_left + seconds * bytes_per_s as f64).min(bytes_per_s as f64);
    }

    /// What is larger than a second's worth costs just that.
    fn take(&mut self, bytes: usize, bytes_per_s: u64) -> bool {
        let cost = (bytes as u64).min(bytes_per_s) as f64;
        let fits = bytes_per_s > 0 && self.bytes_left >= cost;
        if fits {
            self.bytes_left -= cost;
        }
        fits
    }
}

/// A guest's text as part of one line, `bytes_max` at most: what would begin another line, move the cursor of a terminal
/// or turn the direction of writing is shown as an escape.
pub(crate) fn defused(text: &str, bytes_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(bytes_max));
    for (at, c) in text.char_indices() {
        if line.len() >= bytes_max {
            let _ = write!(line, "… ({} bytes more)", text.len() - at);
            break;
        }
        match c {
            '\t' => line.push(c),
            c if c.is_control() || is_direction(c) => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// A backtrace, `bytes_max` at most, whose names of functions and files are a guest's text. Its own lines all begin with
/// a space; other ends of lines are shown as an escape.
pub(crate) fn defused_backtrace(text: &str, bytes_max: usize) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let ours = lines.is_empty() || line.starts_with(' ');
        lines.push_str(if lines.is_empty() {
            ""
        } else if ours {
            "\n"
        } else {
            "\\n"
        });
        if lines.len() >= bytes_max {
            lines.push('…');
            break;
        }
        lines.push_str(&defused(line, bytes_max - lines.len()));
    }
    lines
}

/// Separators of lines and paragraphs, and marks that turn the direction of writing.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Collects one output stream of one instance into lines.
pub(crate) struct Lines {
    log: Arc<Log>,
    stream: &'static str,
    unfinished: Mutex<Vec<u8>>,
    /// The trace of the call that the instance serves.
    trace: Mutex<Option<Arc<Trace>>>,
}

impl Lines {
    pub(crate) fn new(log: &Arc<Log>, stream: &'static str, trace: Option<Arc<Trace>>) -> Arc<Self> {
        Arc::new(Self { log: Arc::clone(log), stream, unfinished: Mutex::default(), trace: Mutex::new(trace) })
    }

    /// From now on the instance serves a call of this trace.
    pub(crate) fn enter(&self, trace: Option<Arc<Trace>>) {
        *lock(&self.trace) = trace;
    }

    fn log(&self, line: &[u8]) {
        self.log.line(self.stream, line, lock(&self.trace).as_deref());
    }

    /// Logs the lines that `bytes` completes.
    fn push(&self, bytes: &[u8]) {
        let mut unfinished = lock(&self.unfinished);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            self.extend(&mut unfinished, text);
            if ends {
                self.log(&unfinished);
                unfinished.clear();
            }
        }
    }

    /// Adds to a line; a line that is too long becomes several.
    fn extend(&self, line: &mut Vec<u8>, mut text: &[u8]) {
        while line.len() + text.len() > limits::LOG_LINE_BYTES_MAX {
            let (head, rest) = text.split_at(limits::LOG_LINE_BYTES_MAX - line.len());
            line.extend_from_slice(head);
            self.log(line);
            line.clear();
            text = rest;
        }
        line.extend_from_slice(text);
    }

    /// Logs an unfinished line.
    pub(crate) fn finish(&self) {
        let mut unfinished = lock(&self.unfinished);
        if !unfinished.is_empty() {
            self.log(&unfinished);
            unfinished.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `stdout` or `stderr` as the guest sees it.
#[derive(Clone)]
pub(crate) struct Output(Arc<Lines>);

impl Output {
    pub(crate) fn new(lines: &Arc<Lines>) -> Self {
        Self(Arc::clone(lines))
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::LOG_WRITE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
