//! Asking an actor whether it is ready.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::Codec;
use adapter::text::{self, Notation};
use adapter::value::Value;
use engine::{Actor, CallContext};
use model::blueprint::CompositePlan;
use model::contract::{Contract, Function};
use model::ids::ActorName;
use model::wire::WireVersion;

use super::load::LoadError;
use crate::limits::READY_PAUSE;
use crate::router::call_id;

/// What an actor is asked, until it says that it is ready.
pub(super) struct Question {
    name: ActorName,
    actor: Actor,
    receiver: usize,
    contract: Arc<Contract>,
    function: String,
    wire: WireVersion,
    within: Duration,
}

impl Question {
    /// What a composite is to be asked; none where that is nothing.
    pub(super) fn of(name: &ActorName, actor: &Actor, plan: &CompositePlan) -> Option<Self> {
        let ready = plan.ready.as_ref()?;
        let receiver = plan.receivers.iter().position(|receiver| receiver.label == ready.receiver)?;
        let planned = plan.receivers.get(receiver)?;
        Some(Self {
            name: name.clone(),
            actor: actor.clone(),
            receiver,
            contract: Arc::clone(&planned.contract),
            function: ready.function.clone(),
            wire: planned.adapter.version()?,
            within: ready.within,
        })
    }

    /// Asks until the answer is yes.
    ///
    /// # Errors
    ///
    /// It was not, as long as was waited.
    pub(super) async fn ask(self) -> Result<(), LoadError> {
        let deadline = Instant::now() + self.within;
        loop {
            let Err(reason) = self.once(deadline).await else { return Ok(()) };
            if Instant::now() + READY_PAUSE >= deadline {
                let call = format!("{}#{}", self.contract.name, self.function);
                return Err(LoadError::Unready { actor: self.name, within: self.within, call, reason });
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
    }

    async fn once(&self, deadline: Instant) -> Result<(), String> {
        let Some(function) = self.contract.functions.get(&self.function) else {
            return Err("is not a function of its contract".to_owned());
        };
        let payload = Codec(self.wire).encode_params(function, &[]).map_err(|error| error.to_string())?;
        let call = CallContext::new(call_id(), deadline);
        let answer = self.actor.call(self.receiver, &self.function, &payload, &call).await;
        let answer = answer.map_err(|failure| format!("failed: {}", failure.error))?;
        let value = Codec(self.wire).decode_result(function, &answer);
        let value = value.map_err(|error| format!("gave an answer that is none: {error}"))?;
        if value.as_ref().is_none_or(is_yes) { Ok(()) } else { Err(told(function, value.as_ref())) }
    }
}

/// What says neither no nor error says yes.
fn is_yes(answer: &Value) -> bool {
    match answer {
        Value::Bool(answer) => *answer,
        Value::Result(Ok(answer)) => answer.as_deref().is_none_or(is_yes),
        Value::Result(Err(_)) => false,
        _ => true,
    }
}

fn told(function: &Function, answer: Option<&Value>) -> String {
    let shown = text::result_to(Notation::Wave, function, answer);
    shown.map_or_else(|_| "said no".to_owned(), |shown| format!("answered {shown}"))
}
