//! Requests of HTTP that come from the ingress of another host, for actors that take them as they come.

use std::time::Instant;

use lattice::call::Call;
use lattice::stream::{Incoming, Streamed};
use model::blueprint::Target;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, HostName};
use tokio::sync::Semaphore;

use super::{Reception, Trust, unanswered};
use crate::authority::Granted;
use crate::exchange;
use crate::ingress::chain_in;
use crate::router::Open;

impl Reception {
    /// Takes the request to its actor. Nothing of its body is read before the actor runs.
    pub(super) async fn exchange(
        &self,
        from: &HostName,
        call: Call,
        body: Incoming,
        room: &Semaphore,
    ) -> Result<Streamed, Failure> {
        self.check(&call)?;
        let actor = match &self.trust {
            Trust::Everyone => call.target.name().parse().ok(),
            Trust::Agreement { knowledge, health, requests } => {
                let granted = self.granted(from, &call, knowledge, (health, requests), room).await?;
                // The host may have stood still while the call waited.
                self.check(&call)?;
                named(granted)
            }
        };
        let actor = actor.and_then(|actor| self.open(&call, &actor));
        let actor = actor.ok_or_else(|| {
            let text = format!("{} here; call another host, or again", unanswered(&call));
            Failure::not_started(RpcError::Transport(text))
        })?;
        let request = exchange::arrive(call.payload.clone(), body)
            .map_err(|error| Failure::not_started(RpcError::Deser(error.to_string())))?;
        let context = self.context(&call);
        let meter = self.switchboard.telemetry().served(&call);
        let begun = meter.as_ref().map(|meter| meter.begin(&context, call.method.as_str(), Instant::now()));
        let (measured, own) = begun.unzip();
        let answered = actor.handle(request, own.flatten().as_deref().unwrap_or(&context)).await;
        let answered = answered.map_err(|unanswered| unanswered.failure);
        if let Some(measured) = measured {
            measured.ended(&answered);
        }
        Ok(exchange::answer(answered?))
    }

    /// The actor of a streamed call, where it runs here and is called by `wasi:http`.
    fn open(&self, call: &Call, actor: &ActorName) -> Option<Open> {
        let is_request = exchange::is_contract(call.contract.as_str()) && call.wire.as_str() == exchange::WIRE;
        let table = self.switchboard.table();
        table.get(call.target.app()).filter(|_| is_request)?.open(actor, &chain_in(call)?)
    }
}

fn named(granted: Granted) -> Option<ActorName> {
    match granted.target {
        Target::Actor { actor, .. } => Some(actor),
        Target::Provider(_) => None,
    }
}
