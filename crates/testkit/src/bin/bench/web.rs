//! kvcounter over HTTP with the store in memory, beside a bare hyper server and the composite driven directly.

use anyhow::Result;

use crate::direct::Direct;
use crate::kvcounter;
use crate::lab::{Lab, REUSE};
use crate::load::{Served, load};
use crate::process::Server;
use crate::report::{Aim, Row, Section};
use crate::rounds::{Measure, Values, alternate_all};

pub(crate) const CONNECTIONS: usize = 64;

const FRESH_LEAST: f64 = 0.4;
const REUSED_LEAST: f64 = 0.5;

/// A value of each round.
pub(crate) fn values(served: &[Served], value: impl Fn(&Served) -> f64) -> Values {
    served.iter().map(value).collect()
}

/// A running host of kvcounter.
pub(crate) fn host(lab: &Lab, name: &str, store: &str, reuse: u32) -> Result<Server> {
    let application = kvcounter::application(lab, name, store, reuse)?;
    Server::lath(&application, &lab.folder(&format!("{name}-data"))?)
}

/// Loads a server over this many connections.
pub(crate) fn loaded<'a>(lab: &'a Lab, server: &'a Server, connections: usize) -> Measure<'a, Served> {
    Box::new(move || load(server, connections, lab.serving))
}

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let hyper = Server::hyper()?;
    let fresh = host(lab, "http-fresh", "keyvalue/memory", 1)?;
    let reused = host(lab, "http-reused", "keyvalue/memory", REUSE)?;
    let direct_fresh = Direct::new(lab, "direct-fresh", 1)?;
    let direct_reused = Direct::new(lab, "direct-reused", REUSE)?;
    let subjects = [
        loaded(lab, &hyper, CONNECTIONS),
        loaded(lab, &fresh, CONNECTIONS),
        loaded(lab, &reused, CONNECTIONS),
        Box::new(|| direct_fresh.run(lab, lab.serving / 3)),
        Box::new(|| direct_reused.run(lab, lab.serving / 3)),
    ];
    let served = alternate_all(lab.rounds.min(3), subjects)?;
    let mut rows = rates(&served);
    rows.extend(costs(&served));
    rows.extend(latencies(&served));
    let notes = vec![
        format!("{CONNECTIONS} keep-alive connections; the load generator has one thread on the same cores"),
        "processor time for requests a second counts the load generator's too, as it shares the cores".to_owned(),
        "direct: the engine on all cores, no HTTP, no host, a store that is one number".to_owned(),
    ];
    Ok(Section { rows, notes })
}

fn rates([hyper, fresh, reused, direct_fresh, direct_reused]: &[Vec<Served>; 5]) -> Vec<Row> {
    let rate = |served: &[Served]| values(served, |served| served.requests_per_s);
    // What one second of processor time is good for: the same where nothing else runs, and true where something does.
    let by_processor = |served: &[Served]| values(served, |served| 1e6 / served.both_cpu_us);
    let row = |what: &str, served: &[Served]| Row::new(what, "/s", &rate(served));
    let paid = |what: &str, served: &[Served]| Row::new(what, "/s", &by_processor(served));
    let lath = |what: &str, served: &[Served], least: f64, direct: &[Served]| {
        row(what, served).beside("bare hyper", &rate(hyper), Some(Aim::AtLeast(least))).beside(
            "the composite directly",
            &rate(direct),
            None,
        )
    };
    vec![
        row("requests: bare hyper", hyper),
        lath("requests: kvcounter, fresh instance", fresh, FRESH_LEAST, direct_fresh),
        lath("requests: kvcounter, reused instance", reused, REUSED_LEAST, direct_reused),
        row("calls: the composite directly, fresh", direct_fresh),
        row("calls: the composite directly, reused", direct_reused),
        paid("requests a second of processor time: bare hyper", hyper),
        paid("requests a second of processor time: kvcounter, fresh", fresh)
            .beside("bare hyper", &by_processor(hyper), Some(Aim::AtLeast(FRESH_LEAST)))
            .beside("the composite directly", &by_processor(direct_fresh), None),
        paid("requests a second of processor time: kvcounter, reused", reused)
            .beside("bare hyper", &by_processor(hyper), Some(Aim::AtLeast(REUSED_LEAST)))
            .beside("the composite directly", &by_processor(direct_reused), None),
    ]
}

fn costs([hyper, fresh, reused, direct_fresh, direct_reused]: &[Vec<Served>; 5]) -> Vec<Row> {
    let cost = |served: &[Served]| values(served, |served| served.cpu_us);
    let row = |what: &str, served: &[Served]| {
        Row::new(format!("processor time: {what}"), "µs", &cost(served)).beside("bare hyper", &cost(hyper), None)
    };
    vec![
        Row::new("processor time: bare hyper", "µs", &cost(hyper)),
        row("kvcounter, fresh", fresh),
        row("kvcounter, reused", reused),
        row("the composite directly, fresh", direct_fresh),
        row("the composite directly, reused", direct_reused),
    ]
}

fn latencies([hyper, fresh, reused, ..]: &[Vec<Served>; 5]) -> Vec<Row> {
    let subjects = [("bare hyper", hyper), ("kvcounter, fresh", fresh), ("kvcounter, reused", reused)];
    let rows = subjects.into_iter().flat_map(|(what, served)| {
        let middle = Row::new(format!("latency p50: {what}"), "µs", &values(served, |served| served.p50_us));
        [middle, Row::new(format!("latency p99: {what}"), "µs", &values(served, |served| served.p99_us))]
    });
    rows.collect()
}
