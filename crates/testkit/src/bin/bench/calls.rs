//! Calls from one component to another: fused, over reach `host`, and in plain wasmtime.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use host::telemetry::Telemetry;
use model::contract::Contract;
use testkit::application::guest;

use crate::called::{Called, answer, payload};
use crate::lab::{self, Lab, Nowhere, PATIENCE, REUSE};
use crate::plain::{self, Plain};
use crate::report::{Aim, Row, Section};
use crate::rounds::{Measure, Values, alternate_all, per_call};

/// The caller's functions, and what each of their calls carries.
const WORK: [(&str, &str); 3] =
    [("drive-add", "(u32, u32)"), ("drive-total", "10 records"), ("drive-digest", "64 KiB")];
/// How many calls are compared before any are timed.
const CHECKED: u32 = 100;

const FUSED_MOST: f64 = 1.1;
const HOST_10_RECORDS_NS_MOST: f64 = 2_500.0;

/// Everything that calls.
struct Callers<'a> {
    lab: &'a Lab,
    plain: [Plain; 2],
    fused: engine::Actor,
    host_fresh: Called<'a>,
    host_reused: Called<'a>,
    contract: Arc<Contract>,
}

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let callers = Callers::new(lab)?;
    let mut section = Section::default();
    for (function, what) in WORK {
        callers.compare(function)?;
        let subjects = [
            callers.plain(function, 0)?,
            callers.plain(function, 1)?,
            callers.fused(function),
            callers.host_fresh.measure(function),
            callers.host_reused.measure(function),
        ];
        section.rows.extend(rows(what, &alternate_all(lab.rounds, subjects)?));
    }
    section
        .notes
        .push("epochs stop a guest that spins; Lath has them on, plain wasmtime once with and once without".into());
    section.notes.push("times are processor times of one thread's loop: what passes where nothing else runs".into());
    section.notes.push("host: sender, router, receiver; the callee's instance fresh for each call, or reused".into());
    Ok(section)
}

/// A `host` call of 10 records to a reused callee, in nanoseconds, for comparison with other ways.
pub(crate) fn host_10_records(lab: &Lab) -> Result<Values> {
    let callers = Callers::new(lab)?;
    let [host] = alternate_all(lab.rounds, [callers.host_reused.measure("drive-total")])?;
    Ok(host)
}

fn rows(what: &str, [bare, epochs, fused, fresh, reused]: &[Values; 5]) -> Vec<Row> {
    let aim = (what == "10 records").then_some(Aim::AtMost(HOST_10_RECORDS_NS_MOST));
    let host = |name: &str, values: &Values| {
        let row = Row::new(format!("{what}: host, {name}"), "ns", values).beside("fused", fused, None);
        aim.into_iter().fold(row, Row::aim)
    };
    vec![
        Row::new(format!("{what}: plain wasmtime, no epochs"), "ns", bare),
        Row::new(format!("{what}: plain wasmtime, epochs"), "ns", epochs),
        Row::new(format!("{what}: fused"), "ns", fused)
            .beside("plain, epochs", epochs, Some(Aim::AtMost(FUSED_MOST)))
            .beside("plain, no epochs", bare, None),
        host("fresh callee", fresh),
        host("reused callee", reused),
    ]
}

/// The manifest of the caller and the callee.
pub(crate) fn manifest(reach: &str, reuse: u32) -> String {
    let guests = "{root}/crates/testkit/guests/target/wasm32-wasip2/release";
    format!(
        "manifest = 1\napplication = {{ name = \"bench\", deadline = \"{patience}s\" }}\n\
         [actors.caller]\ncomponent = \"{guests}/bench_caller.wasm\"\nlimits = {{ execution = \"{patience}s\" }}\n\
         links.\"test:bench/target\" = {{ to = \"callee\", reach = \"{reach}\" }}\n\
         [actors.callee]\ncomponent = \"{guests}/bench_callee.wasm\"\nlimits = {{ reuse = {reuse} }}\n",
        patience = PATIENCE.as_secs(),
    )
}

impl<'a> Callers<'a> {
    fn new(lab: &'a Lab) -> Result<Self> {
        let read = |name| std::fs::read(guest("wasm32-wasip2", name)).context("run `cargo x guests` first");
        let plugged = plain::plug(read("bench_caller")?, read("bench_callee")?)?;
        let plain = [false, true].map(|epochs| Plain::new(&plain::engine(epochs)?, &plugged));
        let [bare, epochs] = plain;
        let fused = lab::open(&lab.application("fused", &manifest("fused", 1))?)?;
        let fused = lab::compose(&fused, "caller")?;
        let contract = fused.plan.receivers.first().context("the caller has no receiver")?.contract.clone();
        let host = |name: &str, reuse| {
            let application = lab.application(name, &manifest("host", reuse))?;
            Called::new(lab, &application, Telemetry::default(), None)
        };
        Ok(Self {
            lab,
            plain: [bare?, epochs?],
            fused: fused.actor(&lab::engine(None)?, Arc::new(Nowhere))?,
            host_fresh: host("host-fresh", 1)?,
            host_reused: host("host-reused", REUSE)?,
            contract,
        })
    }

    /// All ways give the same answers, or the comparison is void.
    fn compare(&self, function: &str) -> Result<()> {
        let [bare, _] = &self.plain;
        let expected = self.lab.threads.block_on(async {
            let (mut store, drive) = bare.driver(function).await?;
            let (answer,) = drive.call_async(&mut store, (CHECKED,)).await?;
            answer.map_err(anyhow::Error::msg)
        })?;
        let fused = self.call_fused(function, CHECKED)?;
        ensure!(fused == expected, "`{function}` fused gives {fused}, in plain wasmtime {expected}");
        for host in [&self.host_fresh, &self.host_reused] {
            let found = host.call(function, CHECKED)?;
            ensure!(found == expected, "`{function}` over `host` gives {found}, in plain wasmtime {expected}");
        }
        Ok(())
    }

    fn plain(&self, function: &str, which: usize) -> Result<Measure<'_, f64>> {
        let plain = self.plain.get(which).context("there are two yardsticks")?;
        let (mut store, drive) = self.lab.threads.block_on(plain.driver(function))?;
        Ok(per_call(self.lab.slot, move |calls| {
            let (answer,) = self.lab.threads.block_on(drive.call_async(&mut store, (calls,)))?;
            answer.map(drop).map_err(anyhow::Error::msg)
        }))
    }

    fn fused(&self, function: &'static str) -> Measure<'_, f64> {
        per_call(self.lab.slot, move |calls| self.call_fused(function, calls).map(drop))
    }

    fn call_fused(&self, function: &str, calls: u32) -> Result<u64> {
        let payload = payload(&self.contract, function, calls)?;
        let reply = self.lab.threads.block_on(self.fused.call(0, function, &payload, &lab::context()))?;
        answer(&self.contract, function, &reply)
    }
}
