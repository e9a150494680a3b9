//! The caller of a running host, called over its bus.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use anyhow::{Context as _, Result, bail};
use host::telemetry::Telemetry;
use lattice::call::{Call, Trace};
use model::contract::Contract;
use testkit::application::{Running, run_observed};
use testkit::caller::call;

use crate::lab::{Lab, PATIENCE};
use crate::rounds::{Measure, per_call};

/// A host that runs the caller and the callee.
pub(crate) struct Called<'a> {
    lab: &'a Lab,
    running: Running,
    contract: Arc<Contract>,
    /// The trace that calls belong to.
    trace: Option<Arc<Trace>>,
}

impl<'a> Called<'a> {
    /// Runs the application in a folder.
    pub(crate) fn new(
        lab: &'a Lab,
        application: &Path,
        telemetry: Telemetry,
        trace: Option<Arc<Trace>>,
    ) -> Result<Self> {
        let running = lab.threads.block_on(run_observed(application, &application.join("data"), telemetry))?;
        let plan = running.application.plan(None).map_err(|problems| anyhow::anyhow!("{problems:#?}"))?;
        let caller = plan.blueprint.composites.get(&"caller".parse()?).context("the plan has no caller")?;
        let contract = caller.receivers.first().context("the caller has no receiver")?.contract.clone();
        Ok(Self { lab, running, contract, trace })
    }

    /// Lets the caller call so often, and gives its answer.
    pub(crate) fn call(&self, function: &str, calls: u32) -> Result<u64> {
        let call = Call {
            deadline: Instant::now() + PATIENCE,
            payload: payload(&self.contract, function, calls)?.into(),
            trace: self.trace.clone(),
            ..call("bench/caller".parse()?, &self.contract, function)
        };
        match self.lab.threads.block_on(self.running.send(call)) {
            Ok(reply) => answer(&self.contract, function, &reply),
            Err(failure) => bail!("`{function}` failed: {}", failure.error),
        }
    }

    /// Nanoseconds for one of the caller's calls.
    pub(crate) fn measure(&self, function: &'static str) -> Measure<'_, f64> {
        per_call(self.lab.slot, move |calls| self.call(function, calls).map(drop))
    }
}

/// What the caller is told: how often it is to call.
pub(crate) fn payload(contract: &Contract, function: &str, calls: u32) -> Result<Vec<u8>> {
    let signature = contract.functions.get(function).with_context(|| format!("no function `{function}`"))?;
    Ok(encode_params(signature, &[Value::U32(calls)])?)
}

/// What the caller answers: the sum of what it was answered.
pub(crate) fn answer(contract: &Contract, function: &str, reply: &[u8]) -> Result<u64> {
    let signature = contract.functions.get(function).with_context(|| format!("no function `{function}`"))?;
    let result = decode_result(signature, reply)?;
    if let Some(Value::Result(Ok(Some(value)))) = &result
        && let Value::U64(sum) = **value
    {
        return Ok(sum);
    }
    bail!("`{function}` gave {result:?}")
}
