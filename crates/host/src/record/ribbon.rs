//! The tape of an instance that is recorded: what it sees becomes lines.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Outgoing, Randomness, Tape};
use model::failure::Failure;

use super::Inner;
use super::line::{Event, Line};

/// The tape of one instance.
pub(super) struct Ribbon {
    inner: Arc<Inner>,
    number: u64,
    at: Mutex<At>,
}

/// Where an instance is.
#[derive(Default)]
struct At {
    seq: u64,
    /// The call that it serves: the receiver, and the function.
    call: Option<(usize, String)>,
    /// The message that it waits for an answer of.
    sent: Option<(usize, String)>,
}

impl Ribbon {
    pub(super) fn new(inner: Arc<Inner>, number: u64) -> Self {
        Self { inner, number, at: Mutex::default() }
    }

    fn at(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, at: &mut At, event: Event) {
        at.seq = at.seq.saturating_add(1);
        self.inner.add(&Line { instance: self.number, seq: at.seq, event });
    }
}

impl Tape for Ribbon {
    fn begins(&self, receiver: usize, method: &str, payload: &[u8]) {
        let Some(spoken) = self.inner.receivers.get(receiver) else { return };
        let message = spoken.message(&self.inner.masks, None, method, payload);
        let mut at = self.at();
        at.call = Some((receiver, method.to_owned()));
        self.add(&mut at, Event::Call(message));
    }

    fn ends(&self, answer: Result<&[u8], &Failure>) {
        let mut at = self.at();
        let Some((receiver, function)) = at.call.take() else { return };
        let Some(spoken) = self.inner.receivers.get(receiver) else { return };
        let outcome = spoken.outcome(&self.inner.masks, &function, answer);
        self.add(&mut at, Event::Answer(outcome));
    }

    fn sends(&self, sender: usize, message: &Outgoing) {
        let Some((import, spoken)) = self.inner.senders.get(sender) else { return };
        let sent = spoken.message(&self.inner.masks, Some(import), &message.method, &message.payload);
        let mut at = self.at();
        at.sent = Some((sender, message.method.clone()));
        self.add(&mut at, Event::Send(sent));
    }

    fn returns(&self, answer: Result<&[u8], &Failure>) {
        let mut at = self.at();
        let Some((sender, function)) = at.sent.take() else { return };
        let Some((_, spoken)) = self.inner.senders.get(sender) else { return };
        let outcome = spoken.outcome(&self.inner.masks, &function, answer);
        self.add(&mut at, Event::Reply(outcome));
    }

    fn wall(&self, now: Duration) -> Duration {
        self.add(&mut self.at(), Event::Wall { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() });
        now
    }

    fn monotonic(&self, now: u64) -> u64 {
        self.add(&mut self.at(), Event::Monotonic { nanoseconds: now });
        now
    }

    fn random(&self, kind: Randomness, bytes: &mut [u8]) {
        self.add(&mut self.at(), Event::Random { of: kind.into(), bytes: STANDARD.encode(bytes) });
    }
}
