//! The world of a replayed instance, out of a recording.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adapter::text::{params_from_json, result_from_json};
use engine::{CallContext, Outbound, Outgoing, Randomness, SendFuture, Tape, Tapes};
use model::contract::{Contract, Function};
use model::failure::{Failure, RpcError};

use super::CODEC;
use super::difference::{Found, What, call, params};
use super::stage::Stage;
use crate::record::Masks;
use crate::record::line::{Message, Outcome};
use crate::record::reading::{Served, Told};

/// What one instance is told, and what is looked for in what it sends.
pub(super) struct Playback {
    stage: Arc<Stage>,
    masks: Masks,
    now: Mutex<Now>,
}

/// The call that is replayed.
#[derive(Default)]
struct Now {
    told: Told,
    /// What the clocks showed last: they stand where a component looks at them more often than was recorded.
    wall: Duration,
    monotonic: u64,
    sent: VecDeque<(Message, Option<Outcome>)>,
    found: Option<Found>,
}

impl Playback {
    pub(super) fn new(stage: Arc<Stage>, masks: Masks) -> Self {
        Self { stage, masks, now: Mutex::default() }
    }

    /// From now on it is this call; the instance's first comes with what was before it.
    pub(super) fn enter(&self, served: &Served, birth: Option<&Told>) {
        let mut now = self.now();
        now.told = birth.cloned().unwrap_or_default();
        now.told.wall.extend(&served.told.wall);
        now.told.monotonic.extend(&served.told.monotonic);
        for (kind, bytes) in &served.told.random {
            now.told.random.entry(*kind).or_default().extend(bytes);
        }
        now.sent = served.sent.iter().cloned().collect();
        now.found = None;
    }

    /// What the call did otherwise, now that it has ended.
    pub(super) fn leave(&self) -> Result<(), Found> {
        let mut now = self.now();
        if let Some(found) = now.found.take() {
            return Err(found);
        }
        match now.sent.pop_front() {
            Some((message, _)) => Err(Found { what: What::Message, expected: Some(self.shown(&message)), got: None }),
            None => Ok(()),
        }
    }

    /// What came back for a message, if it is the one that was recorded.
    fn reply(&self, sender: usize, message: &Outgoing) -> Result<Vec<u8>, Failure> {
        let mut now = self.now();
        let expected = now.sent.pop_front();
        let replied = match self.stage.senders.get(sender) {
            Some((_, import, contract)) => self.replied(import, contract, message, expected),
            None => Err(Found { what: What::Message, expected: None, got: Some(message.method.clone()) }),
        };
        replied.unwrap_or_else(|found| {
            now.found.get_or_insert(found);
            let text = "the replay is over: this is not what was recorded".to_owned();
            Err(Failure::unknown(RpcError::Other(text)))
        })
    }

    fn replied(
        &self,
        import: &str,
        contract: &Contract,
        message: &Outgoing,
        expected: Option<(Message, Option<Outcome>)>,
    ) -> Result<Result<Vec<u8>, Failure>, Found> {
        let shown = expected.as_ref().map(|(message, _)| self.shown(message));
        let differs = |got: String| Found { what: What::Message, expected: shown.clone(), got: Some(got) };
        let name = format!("{}#{}", contract.name, message.method);
        let function = contract.functions.get(&message.method).ok_or_else(|| differs(name.clone()))?;
        let decoded = CODEC.decode_params(function, &message.payload);
        let mut values = decoded.map_err(|error| differs(format!("{name}: {error}")))?;
        self.masks.params(contract, &message.method, function, &mut values);
        let is_it = expected.as_ref().is_some_and(|(wanted, _)| {
            let text = wanted.params.as_deref().unwrap_or_default();
            let is_function = wanted.function == message.method && meets(wanted, import);
            is_function && params_from_json(function, text).is_ok_and(|wanted| wanted == values)
        });
        match expected.filter(|_| is_it) {
            Some((_, outcome)) => read(function, &name, outcome),
            None => Err(differs(format!("{name}{}", params(function, &values)))),
        }
    }

    /// A recorded message in WAVE.
    fn shown(&self, message: &Message) -> String {
        let sender = self.stage.senders.iter().find(|(_, import, _)| meets(message, import));
        call(message, sender.and_then(|(_, _, contract)| contract.functions.get(&message.function)))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a recorded message went by this import; versions apart, which the payload's types stand for.
fn meets(message: &Message, import: &str) -> bool {
    let bare = |label: &str| label.split_once('@').map_or(label, |(name, _)| name).to_owned();
    message.import.as_deref().is_some_and(|recorded| bare(recorded) == bare(import))
}

/// A recorded reply, as the sender's adapter is to get it.
fn read(function: &Function, name: &str, outcome: Option<Outcome>) -> Result<Result<Vec<u8>, Failure>, Found> {
    let misfit = |text: &str, why: String| Found {
        what: What::Reply,
        expected: Some(text.to_owned()),
        got: Some(format!("{name} cannot return that: {why}")),
    };
    match outcome {
        Some(Outcome::Result(text)) => {
            let value = result_from_json(function, &text).map_err(|error| misfit(&text, error.to_string()))?;
            let bytes = CODEC.encode_result(function, value.as_ref());
            Ok(Ok(bytes.map_err(|error| misfit(&text, error.to_string()))?))
        }
        Some(outcome) => {
            outcome.failure().map(Err).ok_or_else(|| misfit("failure", "there is no such failure".to_owned()))
        }
        None => Err(misfit("nothing", "the recording ends before it".to_owned())),
    }
}

impl Outbound for Playback {
    fn send<'a>(&'a self, sender: usize, message: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        Box::pin(std::future::ready(self.reply(sender, &message)))
    }
}

/// Shows a playback to an actor's instances, of which there is one at a time.
#[derive(Debug)]
pub(super) struct Screen(pub(super) Arc<Playback>);

impl Tapes for Screen {
    fn instance(&self) -> Arc<dyn Tape> {
        self.0.clone()
    }
}

impl Tape for Playback {
    fn begins(&self, _: usize, _: &str, _: &[u8]) {}

    fn ends(&self, _: Result<&[u8], &Failure>) {}

    fn sends(&self, _: usize, _: &Outgoing) {}

    fn returns(&self, _: Result<&[u8], &Failure>) {}

    fn wall(&self, _: Duration) -> Duration {
        let mut now = self.now();
        now.wall = now.told.wall.pop_front().unwrap_or(now.wall);
        now.wall
    }

    fn monotonic(&self, _: u64) -> u64 {
        let mut now = self.now();
        now.monotonic = now.told.monotonic.pop_front().unwrap_or(now.monotonic);
        now.monotonic
    }

    fn random(&self, kind: Randomness, bytes: &mut [u8]) {
        let mut now = self.now();
        let recorded = now.told.random.entry(kind).or_default();
        let is_short = recorded.len() < bytes.len();
        for byte in bytes {
            *byte = recorded.pop_front().unwrap_or_default();
        }
        // The seed is drawn whether the component asks for it or not.
        if is_short && kind != Randomness::Seed {
            let got = Some("more random numbers than were recorded".to_owned());
            now.found.get_or_insert(Found { what: What::Random, expected: None, got });
        }
    }
}

impl fmt::Debug for Playback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Playback")
    }
}
