//! Providers that are processes of their own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::CallContext;
use lattice::call::{Answer, Call, Origin, Target, WordError};
use lattice::calls::Heard;
use lattice::process::{Calls, JSON, ProcessCall};
use lattice::subject::Token;
use model::contract::{Contract, ContractName};
use model::failure::{Failure, RpcError};
use model::ids::{AppName, ProviderName};
use model::wire::WireVersion;

use super::far::Outside;
use crate::outside::json::Named;
use crate::outside::processes::Chosen;
use crate::retry::{Budget, Tries};
use crate::telemetry::Meter;

/// A provider that is a process of its own, as one link reaches it.
pub(crate) struct External {
    pub(super) provider: (AppName, ProviderName),
    /// The contract as the caller sees it, under the name that the link says.
    pub(super) contract: Arc<Contract>,
    pub(super) name: ContractName,
    /// What the caller's payloads are written in.
    pub(super) wire: String,
    pub(super) caller: Target,
    /// The way out; none on a host that is in no lattice.
    pub(super) outside: Option<Outside>,
    /// Functions that may run twice.
    pub(super) idempotent: BTreeSet<String>,
    pub(super) budget: Arc<Budget>,
    pub(super) meter: Option<Arc<Meter>>,
}

impl External {
    /// Calls `method` of one process, and of another where that fails and may be tried again.
    pub(crate) async fn call(
        &self,
        method: &str,
        payload: Vec<u8>,
        call: &CallContext,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let Some(outside) = &self.outside else {
            let text = "this host is in no lattice, where processes of their own could be; run it with `lath up`";
            return Err(Failure::not_started(RpcError::Transport(text.to_owned())));
        };
        let processes = &outside.processes;
        self.budget.earn();
        let mut tries = Tries::new(self.idempotent.contains(method));
        let payload = Bytes::from(payload);
        let mut failed: Vec<Token> = Vec::new();
        let mut last = None;
        loop {
            let chosen = processes.choose(&self.provider, &self.name, &failed, Instant::now());
            let Some(chosen) = chosen.filter(|_| Instant::now() < deadline) else {
                return Err(tries.verdict(last.unwrap_or_else(|| self.nobody())));
            };
            failed.push(chosen.instance.clone());
            // A host that stood still calls nobody in its name.
            outside.admits()?;
            let now = Instant::now();
            let elsewhere = processes.has_other(&self.provider, &self.name, &failed, now);
            let until = now + tries.patience(deadline.saturating_duration_since(now), elsewhere);
            match self.send(outside, &chosen, method, &payload, call, until).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if tries.again(&failure, &self.budget, elsewhere && Instant::now() < deadline) => {
                    if let Some(meter) = &self.meter {
                        meter.retried();
                    }
                    last = Some(failure);
                }
                Err(failure) => return Err(tries.verdict(failure)),
            }
        }
    }

    async fn send(
        &self,
        outside: &Outside,
        chosen: &Chosen,
        method: &str,
        payload: &Bytes,
        call: &CallContext,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let wire = chosen.announcement.wire.as_str();
        let named = self.named(method)?;
        let payload = match wire {
            JSON => Bytes::from(named.params_to_json(payload)?),
            wire if wire == self.wire => payload.clone(),
            other => return Err(self.other_wire(&chosen.instance, other)),
        };
        let heard = Heard::default();
        let result = match chosen.announcement.calls {
            Calls::Host => {
                let message = self.as_to_host(chosen, method, payload, call, deadline)?;
                let to = outside.processes.callee(&self.provider, &chosen.instance);
                outside.processes.caller().call_callee(&to, message, &heard).await
            }
            Calls::Headers => {
                let message = self.message(chosen, method, payload, call, deadline)?;
                self.ask(outside, &chosen.instance, &message, &heard).await
            }
        };
        // Had this host stood still meanwhile, the silence would be its own.
        let missed = heard.nobody() || !heard.answer() && Instant::now() >= deadline && outside.admits().is_ok();
        if missed {
            outside.processes.missed(&self.provider, &chosen.instance, Instant::now());
        }
        let answer = result?;
        if wire == JSON { named.result_from_json(&answer) } else { Ok(answer.into()) }
    }

    /// One message, and the one that answers it.
    async fn ask(
        &self,
        outside: &Outside,
        instance: &Token,
        message: &ProcessCall,
        heard: &Heard,
    ) -> Result<Bytes, Failure> {
        let subject = outside.processes.subject(&self.provider, instance);
        let callee = Token::pair(&self.provider.0, &self.provider.1);
        let deadline = message.deadline;
        let message = message.to_message(subject, Instant::now());
        read(&outside.processes.caller().request(message, &callee, deadline, heard).await?)
    }

    fn named<'a>(&'a self, method: &'a str) -> Result<Named<'a>, Failure> {
        let function = self.contract.functions.get(method);
        let function = function.ok_or_else(|| {
            let text = format!("contract `{}` has no function `{method}`", self.name);
            Failure::not_started(RpcError::MethodNotHandled(text))
        })?;
        // What a hand-written adapter says is for nobody else to read.
        let wire = WireVersion::of_id(&self.wire).unwrap_or_default();
        Ok(Named { name: method, function, wire })
    }

    fn message(
        &self,
        chosen: &Chosen,
        method: &str,
        payload: Bytes,
        call: &CallContext,
        deadline: Instant,
    ) -> Result<ProcessCall, Failure> {
        let method = method.parse();
        let method = method.map_err(|error| Failure::not_started(RpcError::MethodNotHandled(format!("{error}"))))?;
        Ok(ProcessCall {
            contract: self.name.clone(),
            method,
            wire: chosen.announcement.wire.clone(),
            deadline,
            caller: self.caller.clone(),
            chain: call.call_id(),
            depth: call.depth(),
            trace: call.trace().cloned(),
            payload,
        })
    }

    /// The same for a process that is called as hosts are.
    fn as_to_host(
        &self,
        chosen: &Chosen,
        method: &str,
        payload: Bytes,
        call: &CallContext,
        deadline: Instant,
    ) -> Result<Call, Failure> {
        let ProcessCall { method, wire, caller, chain, depth, trace, payload, .. } =
            self.message(chosen, method, payload, call, deadline)?;
        let contract = self.name.to_string().parse();
        let contract = contract.map_err(|error: WordError| Failure::not_started(RpcError::Rpc(error.to_string())))?;
        Ok(Call {
            target: Target::provider(&self.provider.0, &self.provider.1),
            origin: Origin::Actor(caller),
            link: None,
            contract,
            method,
            wire,
            deadline,
            chain,
            depth,
            // What a provider answers does not depend on where anything is placed.
            generation: 0,
            trace,
            payload,
        })
    }

    fn other_wire(&self, instance: &Token, found: &str) -> Failure {
        let (application, provider) = &self.provider;
        let text = format!(
            "process {instance} of provider {application}/{provider} speaks `{found}`, its caller `{}`; it may announce \
             `{JSON}` or `{}`",
            self.wire, self.wire
        );
        Failure::not_started(RpcError::Transport(text))
    }

    fn nobody(&self) -> Failure {
        let (application, provider) = &self.provider;
        let text = format!(
            "no process of provider {application}/{provider} that serves `{}` was heard of late; start one",
            self.name
        );
        Failure::not_started(RpcError::Transport(text))
    }
}

fn read(message: &lattice::bus::Message) -> Result<Bytes, Failure> {
    match Answer::from_message(message) {
        Ok(Answer::Whole(result)) => result,
        Ok(Answer::Chunks(_)) => {
            let text = "a process of a provider answers in one message, not in chunks".to_owned();
            Err(Failure::unknown(RpcError::Rpc(text)))
        }
        Err(error) => Err(Failure::unknown(RpcError::Rpc(error.to_string()))),
    }
}
