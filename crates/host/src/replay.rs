//! Replays: a component runs against a [`Recording`] of an actor, with no lattice and no network, and has to do what that did.
//!
//! `stage` composes the component with adapters for what the recording has; `playback` is the world that it sees: clocks, random
//! numbers and replies out of the recording, and a look at each message that it sends. The first difference ends a replay.

mod difference;
mod playback;
mod stage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use adapter::codec::Codec;
use adapter::compose::ComposeError;
use adapter::source::SourceError;
use adapter::text::{params_from_json, result_from_json};
use adapter::value::Value;
use engine::{Actor, CallContext, Engine, EngineError, EngineSettings};
use model::contract::Function;
use model::failure::Failure;
use model::wire::WireVersion;

pub use self::difference::{Difference, What};

use self::difference::{Found, answer, call, result};
use self::playback::Playback;
use self::stage::Stage;
use crate::limits::{REPLAY_CALL_TIME_MAX, REPLAY_TIME_MAX};
use crate::record::Recording;
use crate::record::line::Outcome;
use crate::record::reading::{Life, Served};

/// What a replayed component speaks: its adapters are made for the replay.
const CODEC: Codec = Codec(WireVersion::V1);

/// Instances alive at once: one, and the one before it that is being given back.
const REPLAY_INSTANCES: u32 = 4;

/// Why a component cannot be replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is no component.
    #[error(transparent)]
    Component(#[from] SourceError),
    /// It imports what no recording holds.
    #[error("the component imports `{import}`, and a recording holds no answers of that: {reason}")]
    Import {
        /// The import.
        import: String,
        /// Why.
        reason: String,
    },
    /// It cannot be composed.
    #[error("the component cannot be linked")]
    Compose(#[from] ComposeError),
    /// It cannot be run.
    #[error("the component cannot be run")]
    Engine(#[from] EngineError),
    /// What hosts offer is not known.
    #[error("the contracts of this host cannot be read; this is a fault of Lath, please report it")]
    Inventory(#[from] provider::ProviderError),
    /// The recording names an actor by what is no name.
    #[error("the recording is of `{actor}`, which is no name of an actor; record again")]
    Name {
        /// What it says.
        actor: String,
    },
    /// It takes too long.
    #[error("{calls} calls were replayed within {} s, and there are more; make a shorter recording", REPLAY_TIME_MAX.as_secs())]
    Late {
        /// The calls that were.
        calls: u64,
    },
    /// A task ended early.
    #[error("a task of the replay ended before its work was done; this is a fault of Lath, please report it")]
    Gone,
}

/// How a replay went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The calls that were replayed, the one that differs as well.
    pub calls: u64,
    /// Those that could not be: their end is not in the recording, or is of time and limits alone.
    pub skipped: u64,
    /// Where the component first did something else; none where it did all the same.
    pub difference: Option<Difference>,
}

/// Runs the component in `bytes` against the recording. Compiled code is kept in `cache`, where there is one.
///
/// # Errors
///
/// Where it cannot be run as the actor at all, or takes too long.
pub async fn replay(cache: Option<PathBuf>, recording: &Recording, bytes: &[u8]) -> Result<Verdict, ReplayError> {
    let stage = Arc::new(Stage::build(recording, bytes)?);
    let settings =
        EngineSettings { cache_dir: cache, memories_per_instance: stage.memories, ..EngineSettings::default() };
    let engine = Engine::new(EngineSettings { instances_max: REPLAY_INSTANCES, ..settings })?;
    let (loading, composite) = (engine.clone(), stage.composite.clone());
    let loaded =
        tokio::task::spawn_blocking(move || loading.load(&composite)).await.map_err(|_| ReplayError::Gone)??;
    let deadline = Instant::now() + REPLAY_TIME_MAX;
    let mut verdict = Verdict { calls: 0, skipped: 0, difference: None };
    for (number, life) in &recording.instances {
        let playback = Arc::new(Playback::new(Arc::clone(&stage), recording.masks.clone()));
        let settings = stage.settings(&recording.head, &playback);
        let actor = engine.actor(&loaded.component, settings, playback.clone())?;
        let performance = Performance { stage: &stage, recording, life, actor, playback };
        if let Some((served, found)) = performance.run(&mut verdict, deadline).await? {
            verdict.difference = Some(found.at(served, *number));
            break;
        }
    }
    Ok(verdict)
}

/// One instance, as it is replayed.
struct Performance<'a> {
    stage: &'a Stage,
    recording: &'a Recording,
    life: &'a Life,
    actor: Actor,
    playback: Arc<Playback>,
}

impl<'a> Performance<'a> {
    /// Replays the calls of the instance, up to the first that differs.
    async fn run(self, verdict: &mut Verdict, until: Instant) -> Result<Option<(&'a Served, Found)>, ReplayError> {
        for (index, served) in self.life.calls.iter().enumerate() {
            let Some(expected) =
                served.answer.as_ref().filter(|outcome| served.message.params.is_some() && !is_of_time(outcome))
            else {
                verdict.skipped += 1;
                continue;
            };
            if Instant::now() >= until {
                return Err(ReplayError::Late { calls: verdict.calls });
            }
            verdict.calls += 1;
            if let Err(found) = self.call(index, served, expected).await {
                return Ok(Some((served, found)));
            }
        }
        Ok(None)
    }

    async fn call(&self, index: usize, served: &Served, expected: &Outcome) -> Result<(), Found> {
        let message = &served.message;
        let (receiver, function) = self.stage.receiver(&message.contract, &message.function).ok_or_else(|| {
            let got = "the component exports no such function".to_owned();
            Found { what: What::Call, expected: Some(call(message, None)), got: Some(got) }
        })?;
        let misfit = |why: String| Found { what: What::Call, expected: Some(call(message, None)), got: Some(why) };
        let params = params_from_json(&function, message.params.as_deref().unwrap_or_default());
        let params = params.map_err(|error| misfit(error.to_string()))?;
        let payload = CODEC.encode_params(&function, &params).map_err(|error| misfit(error.to_string()))?;
        let birth = (index == 0).then_some(&self.life.birth);
        self.playback.enter(served, birth);
        let context = CallContext::new(0, Instant::now() + REPLAY_CALL_TIME_MAX);
        let answered = self.actor.call(receiver, &message.function, &payload, &context).await;
        // What the call did comes before how it ended: the end may follow from that.
        self.playback.leave()?;
        self.compare(&function, served, expected, answered)
    }

    fn compare(
        &self,
        function: &Function,
        served: &Served,
        expected: &Outcome,
        answered: Result<Vec<u8>, Failure>,
    ) -> Result<(), Found> {
        let differs =
            |got: String| Found { what: What::Answer, expected: Some(answer(function, expected)), got: Some(got) };
        match (expected, answered) {
            (Outcome::Failure { case, .. }, Err(failure)) if failure.error.parts().0 == case => Ok(()),
            (_, Err(failure)) => Err(differs(format!("failure {failure}"))),
            (Outcome::Failure { .. }, Ok(payload)) => Err(differs(match CODEC.decode_result(function, &payload) {
                Ok(value) => result(function, value.as_ref()),
                Err(error) => error.to_string(),
            })),
            (Outcome::Result(text), Ok(payload)) => {
                let value = CODEC.decode_result(function, &payload).map_err(|error| differs(error.to_string()))?;
                let masked = self.masked(function, served, value);
                let wanted = result_from_json(function, text).map_err(|error| differs(error.to_string()))?;
                if wanted == masked { Ok(()) } else { Err(differs(result(function, masked.as_ref()))) }
            }
        }
    }

    fn masked(&self, function: &Function, served: &Served, mut value: Option<Value>) -> Option<Value> {
        if let Some(contract) = self.stage.exported(&served.message.contract) {
            self.recording.masks.result(contract, &served.message.function, function, value.as_mut());
        }
        value
    }
}

/// Whether a call ended for reasons of time or of limits, which no replay could repeat.
fn is_of_time(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failure { case, .. } if matches!(&**case, "deadline-exceeded" | "timeout" | "host-error"))
}
