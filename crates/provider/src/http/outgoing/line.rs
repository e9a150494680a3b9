//! The connections of one actor: which carry a request, and which give way to those that are wanted now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};

use engine::http::HttpError;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected};

use super::super::inflow::{Fault, Sender};

/// All connections of one actor. As many as it may have, and those that have just ended.
#[derive(Default)]
pub(super) struct Lines(Mutex<Vec<Weak<Line>>>);

/// One connection, as far as others need to know of it.
pub(super) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    /// Requests whose answers are not out yet.
    uses: usize,
    /// It was made for a request, which has not taken it yet.
    is_fresh: bool,
    /// A request may have gone out that is not among the uses yet.
    is_written: bool,
    /// It is to end.
    is_asked: bool,
    reader: Option<Waker>,
}

impl Lines {
    /// A new connection.
    pub(super) fn add(&self) -> Arc<Line> {
        let line = Arc::new(Line(Mutex::new(State { is_fresh: true, ..State::default() })));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&line));
        line
    }

    /// Asks a connection without a request to end, if there is one that was not asked yet.
    pub(super) fn ask_one(&self) {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = lines.iter().filter_map(Weak::upgrade).any(|line| line.ask());
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> bool {
        let mut state = self.state();
        let is_idle = state.uses == 0 && !state.is_fresh && !state.is_written && !state.is_asked;
        if is_idle {
            state.is_asked = true;
            if let Some(reader) = state.reader.take() {
                reader.wake();
            }
        }
        is_idle
    }

    /// Whether it is to end, which whoever reads then sees as the server's end.
    pub(super) fn is_asked(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        state.reader = Some(cx.waker().clone());
        state.is_asked
    }

    /// Bytes go out, which may be a request. Where nobody has read that it is to end, it goes on.
    pub(super) fn written(&self) {
        let mut state = self.state();
        state.is_written = true;
        state.is_asked = false;
    }

    /// One request more.
    pub(super) fn enter(self: Arc<Self>) -> Use {
        let mut state = self.state();
        state.uses += 1;
        state.is_fresh = false;
        state.is_asked = false;
        drop(state);
        Use(self)
    }
}

/// A request on a connection, until its answer is out.
pub(super) struct Use(Arc<Line>);

impl Use {
    /// The request's place on the connection that it was given, if it was given one.
    pub(super) fn of(captured: &CaptureConnection) -> Option<Self> {
        captured.connection_metadata().as_ref().and_then(line).map(Line::enter)
    }

    /// Whether it is on this connection.
    pub(super) fn is_on(&self, line: &Arc<Line>) -> bool {
        Arc::ptr_eq(&self.0, line)
    }
}

fn line(connected: &Connected) -> Option<Arc<Line>> {
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    extras.remove()
}

/// A server, whose connection is free again once all has come.
impl Sender for Option<Use> {
    fn failed(&mut self, fault: Fault) -> HttpError {
        match fault {
            Fault::Large(bytes) => HttpError::AnswerSize(bytes),
            Fault::Slow => HttpError::BodyTimeout,
            Fault::Malformed(reason) => HttpError::Incomplete(reason),
        }
    }

    fn ended(&mut self) {
        *self = None;
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.uses = state.uses.saturating_sub(1);
        if state.uses == 0 {
            state.is_written = false;
        }
    }
}
