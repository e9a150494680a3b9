//! What a version of the wire costs and saves: lists of numbers in each, and an instance that answers in two.

use std::sync::Arc;

use adapter::codec::Codec;
use adapter::value::Value;
use anyhow::{Context as _, Result, bail, ensure};
use engine::Actor;
use model::wire::{WireVersion, Wires};

use crate::lab::{self, Lab, Nowhere, REUSE};
use crate::report::{Row, Section};
use crate::rounds::{Measure, alternate_all, per_call};

/// The elements of each list.
const ELEMENTS: u16 = 16_384;

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let numbers = Value::List((0..ELEMENTS).map(|number| Value::S64(i64::from(number) * 1_000_003)).collect());
    let floats = Value::List((0..ELEMENTS).map(|number| Value::F32(f32::from(number) / 3.0)).collect());
    let one = [WireVersion::V1].as_slice();
    let both = WireVersion::ALL.as_slice();
    let list = |function, value: &Value, wire| calls(lab, (both, REUSE), (function, value.clone()), wire);
    let subjects = [
        list("echo-numbers", &numbers, WireVersion::V1)?,
        list("echo-numbers", &numbers, WireVersion::V2)?,
        list("echo-floats", &floats, WireVersion::V1)?,
        list("echo-floats", &floats, WireVersion::V2)?,
        calls(lab, (one, 1), ("echo-u32", Value::U32(1)), WireVersion::V1)?,
        calls(lab, (both, 1), ("echo-u32", Value::U32(1)), WireVersion::V1)?,
    ];
    let [numbers_1, numbers_2, floats_1, floats_2, accepts_1, accepts_2] = alternate_all(lab.rounds, subjects)?;
    let rows = vec![
        Row::new("list<s64> of 16,384 there and back, version 1", "ns", &numbers_1),
        Row::new("the same, version 2", "ns", &numbers_2).beside("version 1", &numbers_1, None),
        Row::new("list<f32> of 16,384 there and back, version 1", "ns", &floats_1),
        Row::new("the same, version 2", "ns", &floats_2).beside("version 1", &floats_1, None),
        Row::new("fresh instance that accepts version 1", "ns", &accepts_1),
        Row::new("fresh instance that accepts both", "ns", &accepts_2).beside("version 1 alone", &accepts_1, None),
    ];
    let notes = vec!["calls of an actor's receiver; the copies between components are the same in both".to_owned()];
    Ok(Section { rows, notes })
}

/// Calls of `function` of an actor that accepts these versions, in one of them.
fn calls<'a>(
    lab: &'a Lab,
    (accept, reuse): (&[WireVersion], u32),
    (function, value): (&'static str, Value),
    wire: WireVersion,
) -> Result<Measure<'a, f64>> {
    let component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/typed.wasm";
    let manifest = format!(
        "manifest = 1\napplication = {{ name = \"bench\" }}\n\
         [actors.typed]\ncomponent = \"{component}\"\nlimits = {{ reuse = {reuse} }}\n"
    );
    let name = format!("wires-{function}-{}-{reuse}-{}", wire.number(), accept.len());
    let application = lab::open(&lab.application(&name, &manifest)?)?;
    let application = application.speaking(Wires::new(WireVersion::V1, accept.iter().copied()));
    let composed = lab::compose(&application, "typed")?;
    let known = composed.plan.receivers.iter().position(|one| one.adapter.version() == Some(wire));
    let index = known.context("the actor does not accept the version")?;
    let receiver = composed.plan.receivers.get(index).context("the actor has no receiver")?;
    let signature = receiver.contract.functions.get(function).context("the actor has no such function")?.clone();
    let payload = Codec(wire).encode_params(&signature, &[value])?;
    let actor = composed.actor(&lab::engine(None)?, Arc::new(Nowhere))?;
    Ok(per_call(lab.slot, move |calls| lab.threads.block_on(repeat(&actor, index, (function, &payload), calls))))
}

async fn repeat(actor: &Actor, index: usize, (function, payload): (&str, &[u8]), calls: u32) -> Result<()> {
    for _ in 0..calls {
        match actor.call(index, function, payload, &lab::context()).await {
            Ok(answer) => ensure!(answer.len() == payload.len(), "`{function}` does not give back what it got"),
            Err(failure) => bail!("`{function}` failed: {}", failure.error),
        }
    }
    Ok(())
}
