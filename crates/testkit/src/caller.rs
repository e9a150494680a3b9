//! Calls of a running actor over the bus, as another host would make them.

use std::path::Path;
use std::time::Duration;

use adapter::codec;
use adapter::source::Source;
use adapter::value::Value;
use anyhow::{Context as _, Result};
use lattice::call::{Call, request};
use lattice::subject::Subject;
use model::blueprint::WIRE_1;
use model::contract::Contract;
use model::failure::{Failure, RpcError};

use crate::application::Running;

/// Longer than anything that is not meant to be late.
pub const AMPLE: Duration = Duration::from_secs(60);

/// The contract called `name` of the component at `path`.
pub fn contract(path: &Path, name: &str) -> Result<Contract> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Source::from_wasm(&path.display().to_string(), &bytes)?.contract(name)?)
}

/// Calls one contract of one actor.
#[derive(Clone)]
pub struct Caller<'a> {
    running: &'a Running,
    actor: String,
    contract: Contract,
}

impl Running {
    /// A caller of `actor`, on `contract`.
    pub fn caller(&self, actor: &str, contract: Contract) -> Caller<'_> {
        let actor = format!("{}/{actor}", self.application.manifest().application);
        Caller { running: self, actor, contract }
    }

    /// Sends a call to the host as it is, and waits for the answer.
    pub async fn send(&self, call: Call) -> Result<Vec<u8>, Failure> {
        let subject = Subject::call("local", "here", "test")
            .map_err(|error| Failure::not_started(RpcError::Rpc(error.to_string())))?;
        request(&*self.bus, subject, call).await.map(Vec::from)
    }
}

impl Caller<'_> {
    /// Calls `function`; what cannot be encoded or decoded fails as it does in a sender.
    pub async fn call(&self, function: &str, params: &[Value]) -> Result<Option<Value>, Failure> {
        let Some(known) = self.contract.functions.get(function) else {
            return Err(Failure::not_started(RpcError::MethodNotHandled(function.to_owned())));
        };
        let payload = codec::encode_params(known, params)
            .map_err(|error| Failure::not_started(RpcError::Ser(error.to_string())))?;
        let reply = self.running.send(self.message(function, payload)).await?;
        codec::decode_result(known, &reply).map_err(|error| Failure::unknown(RpcError::Deser(error.to_string())))
    }

    /// The message that calls `method` with `payload`, whatever those are.
    pub fn message(&self, method: &str, payload: Vec<u8>) -> Call {
        Call {
            actor: self.actor.clone(),
            contract: self.contract.name.to_string(),
            method: method.to_owned(),
            wire: WIRE_1.to_owned(),
            remaining: AMPLE,
            payload: payload.into(),
        }
    }
}
