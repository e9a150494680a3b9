//! Calls of a running actor over the bus, as another host would make them.

use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use adapter::codec;
use adapter::source::Source;
use adapter::value::Value;
use anyhow::{Context as _, Result};
use lattice::call::{Call, Origin, Target, Word};
use model::blueprint::WIRE_1;
use model::contract::Contract;
use model::failure::{Failure, RpcError};

use crate::application::{HOST, Running};

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
    target: Target,
    contract: Contract,
}

impl Running {
    /// A caller of `actor`, on `contract`.
    ///
    /// # Panics
    ///
    /// `actor` is no name.
    pub fn caller(&self, actor: &str, contract: Contract) -> Caller<'_> {
        let target = word(&format!("{}/{actor}", self.application.manifest().application));
        Caller { running: self, target, contract }
    }

    /// Sends a call to the host as it is, and waits for the answer.
    pub async fn send(&self, call: Call) -> Result<Vec<u8>, Failure> {
        self.peer.call(&word(HOST), call).await.map(Vec::from)
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
    ///
    /// # Panics
    ///
    /// `method` cannot be written into a call.
    pub fn message(&self, method: &str, payload: Vec<u8>) -> Call {
        Call { payload: payload.into(), ..call(self.target.clone(), &self.contract, method) }
    }
}

/// A call of `method` without parameters, as a person at the command line makes it.
///
/// # Panics
///
/// `method` cannot be written into a call.
pub fn call(target: Target, contract: &Contract, method: &str) -> Call {
    Call {
        target,
        origin: Origin::Operator,
        link: None,
        contract: word::<Word>(&contract.name.to_string()),
        method: word(method),
        wire: word(WIRE_1),
        deadline: Instant::now() + AMPLE,
        chain: 0,
        depth: 0,
        generation: 0,
        trace: None,
        payload: Vec::new().into(),
    }
}

/// A name or a word that is known to be good.
///
/// # Panics
///
/// It is not.
#[expect(clippy::panic, reason = "for tests, which then fail")]
pub fn word<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not what it should be"))
}
