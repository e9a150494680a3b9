//! Calls that come to a process: whether they may run, and on what.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::{Actor, CallContext};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lattice::call::Call;
use lattice::calls::Handler;
use lattice::pulse::Stamp;
use model::blueprint::WIRE_1;
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::HostName;

/// What answers calls, where they may be answered.
pub(super) struct Desk {
    actor: Actor,
    offered: ContractName,
    stamp: Arc<Stamp>,
}

impl Desk {
    /// `actor` answers on `offered` while the process is awake, by `stamp`.
    pub(super) fn new(actor: Actor, offered: ContractName, stamp: Arc<Stamp>) -> Self {
        Self { actor, offered, stamp }
    }

    /// What any call must pass, whoever sent it.
    fn check(&self, call: &Call) -> Result<(), Failure> {
        let now = Instant::now();
        self.stamp.admits(now)?;
        let refused = |error| Err(Failure::not_started(error));
        if call.deadline <= now {
            return refused(RpcError::DeadlineExceeded("the deadline had passed when the call came".to_owned()));
        }
        let contract = call.contract.as_str().parse::<ContractName>();
        let offered = &self.offered;
        if !contract.is_ok_and(|contract| contract == *offered || offered.serves(&contract)) {
            let text =
                format!("contract `{}` is not served here, `{offered}` is: link to a provider of it", call.contract);
            return refused(RpcError::InvalidParameter(text));
        }
        if call.wire.as_str() != WIRE_1 {
            let text = format!("payloads in `{}` are not read here, only in `{WIRE_1}`", call.wire);
            return refused(RpcError::Deser(text));
        }
        Ok(())
    }

    async fn answer(&self, call: &Call) -> Result<Bytes, Failure> {
        self.check(call)?;
        let context = CallContext::new(call.chain, call.deadline).at_depth(call.depth).traced(call.trace.clone());
        // A function that panics fails its own call, and no other.
        let called = AssertUnwindSafe(self.actor.call(0, call.method.as_str(), &call.payload, &context));
        let answer = called.catch_unwind().await.unwrap_or_else(|_| {
            let text = "the provider's function panicked; its log says where".to_owned();
            Err(Failure::unknown(RpcError::ActorHandler(text)))
        });
        answer.map(Bytes::from)
    }
}

impl Handler for Desk {
    fn admit(&self, _from: &HostName, call: &Call) -> Result<(), Failure> {
        self.check(call)
    }

    fn call<'a>(&'a self, _from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move { self.answer(&call).await })
    }
}
