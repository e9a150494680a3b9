//! The composite without a host: what the engine alone costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use adapter::codec::{encode_params, encode_result};
use adapter::value::Value;
use anyhow::{Context as _, Result, bail};
use engine::{Actor, CallContext, Outbound, Outgoing, SendFuture};
use model::blueprint::WireTo;
use model::contract::Function;
use model::failure::{Failure, RpcError};
use provider::http::METHOD;

use crate::kvcounter::{self, PATH};
use crate::lab::{self, Composed, Lab};
use crate::load::Served;
use crate::report::cores;
use crate::rounds::processor_time;

/// kvcounter in the engine, with a store that is one number.
pub(crate) struct Direct {
    actor: Actor,
    payload: Vec<u8>,
}

/// Answers every increment by the next number.
struct OneNumber {
    increment: Function,
    count: AtomicI32,
}

impl Outbound for OneNumber {
    fn send<'a>(&'a self, _: usize, _: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let reply = encode_result(&self.increment, Some(&Value::ok(Some(Value::S32(count)))));
        let reply = reply.map_err(|error| Failure::unknown(RpcError::Ser(error.to_string())));
        Box::pin(std::future::ready(reply))
    }
}

impl Direct {
    pub(crate) fn new(lab: &Lab, name: &str, reuse: u32) -> Result<Self> {
        let application = lab::open(&kvcounter::application(lab, name, "keyvalue/memory", reuse)?)?;
        let composed = lab::compose(&application, "counter")?;
        let store = OneNumber { increment: increment(&composed)?, count: AtomicI32::new(0) };
        let actor = composed.actor(&lab::engine(None)?, Arc::new(store))?;
        Ok(Self { actor, payload: payload(&composed)? })
    }

    /// Calls on all cores at once for `time`; latencies are not taken.
    pub(crate) fn run(&self, lab: &Lab, time: Duration) -> Result<Served> {
        let (cpu_before, begun) = (processor_time(), Instant::now());
        let end = begun + time;
        let tasks: Vec<_> =
            (0..cores()).map(|_| lab.threads.spawn(repeat(self.actor.clone(), self.payload.clone(), end))).collect();
        let mut calls = 0;
        for task in tasks {
            calls += lab.threads.block_on(task)??;
        }
        let (elapsed_s, calls) = (begun.elapsed().as_secs_f64(), f64::from(calls));
        let cpu_us = (processor_time() - cpu_before).as_secs_f64() * 1e6 / calls;
        Ok(Served { requests_per_s: calls / elapsed_s, cpu_us, both_cpu_us: cpu_us, p50_us: 0.0, p99_us: 0.0 })
    }
}

async fn repeat(actor: Actor, payload: Vec<u8>, end: Instant) -> Result<u32> {
    let mut calls = 0;
    while Instant::now() < end {
        if let Err(failure) = actor.call(0, METHOD, &payload, &lab::context()).await {
            bail!("kvcounter failed: {}", failure.error);
        }
        calls += 1;
    }
    Ok(calls)
}

fn increment(composed: &Composed) -> Result<Function> {
    let wires = composed.plan.members.iter().flat_map(|member| &member.wires);
    let mut senders = wires.filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => Some(sender),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    });
    let sender = senders.next().context("kvcounter sends nothing")?;
    sender.contract.functions.get("increment").cloned().context("the contract of the store has no `increment`")
}

/// The call that the ingress makes of the load generator's request.
fn payload(composed: &Composed) -> Result<Vec<u8>> {
    let receiver = composed.plan.receivers.first().context("kvcounter has no receiver")?;
    let function = receiver.contract.functions.get(METHOD).context("kvcounter does not handle requests")?;
    let text = |text: &str| Value::String(text.to_owned());
    let host = Value::Tuple(vec![text("host"), text("127.0.0.1:50000")]);
    let request = vec![text("GET"), text(PATH), text(""), Value::List(vec![host]), Value::Bytes(Vec::new())];
    Ok(encode_params(function, &[Value::Record(request)])?)
}
