//! What a fresh instance costs: the smallest composite, called once and dropped.

use std::sync::Arc;

use adapter::codec::encode_params;
use adapter::value::Value;
use anyhow::{Context as _, Result, bail};
use engine::Actor;
use testkit::application::guest;

use crate::lab::{self, Lab, Nowhere, REUSE};
use crate::plain::{self, Plain};
use crate::report::{Row, Section};
use crate::rounds::{Measure, alternate_all, per_call};

const METHOD: &str = "add";

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let bytes = std::fs::read(guest("wasm32-wasip2", "bench_callee")).context("run `cargo x guests` first")?;
    let plain = Plain::new(&plain::engine(true)?, &bytes)?;
    let plain: Measure<'_, f64> = per_call(lab.slot, |calls| lab.threads.block_on(plain.add_fresh(calls)));
    let subjects = [plain, calls(lab, "instances-fresh", 1)?, calls(lab, "instances-reused", REUSE)?];
    let [plain, fresh, reused] = alternate_all(lab.rounds, subjects)?;
    let rows = vec![
        Row::new("plain wasmtime: instantiate, call, drop", "ns", &plain),
        Row::new("composite: fresh instance, call, drop", "ns", &fresh).beside("plain wasmtime", &plain, None),
        Row::new("composite: call of a reused instance", "ns", &reused).beside("a fresh one", &fresh, None),
    ];
    let notes = vec![
        "one actor and its receiver: two memories; plain wasmtime has the actor alone, with the same pool".to_owned(),
    ];
    Ok(Section { rows, notes })
}

fn calls<'a>(lab: &'a Lab, name: &str, reuse: u32) -> Result<Measure<'a, f64>> {
    let component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/bench_callee.wasm";
    let manifest = format!(
        "manifest = 1\napplication = {{ name = \"bench\" }}\n\
         [actors.callee]\ncomponent = \"{component}\"\nlimits = {{ reuse = {reuse} }}\n"
    );
    let composed = lab::compose(&lab::open(&lab.application(name, &manifest)?)?, "callee")?;
    let receiver = composed.plan.receivers.first().context("the callee has no receiver")?;
    let function = receiver.contract.functions.get(METHOD).context("the callee has no function `add`")?;
    let payload = encode_params(function, &[Value::U32(1), Value::U32(2)])?;
    let actor = composed.actor(&lab::engine(None)?, Arc::new(Nowhere))?;
    Ok(per_call(lab.slot, move |calls| lab.threads.block_on(repeat(&actor, &payload, calls))))
}

async fn repeat(actor: &Actor, payload: &[u8], calls: u32) -> Result<()> {
    for _ in 0..calls {
        if let Err(failure) = actor.call(0, METHOD, payload, &lab::context()).await {
            bail!("`{METHOD}` failed: {}", failure.error);
        }
    }
    Ok(())
}
