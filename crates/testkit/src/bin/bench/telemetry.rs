//! What it costs to be observed: host calls and kvcounter over HTTP, with metrics, and with a collector of traces as well.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host::telemetry::{Settings, Telemetry};
use lattice::call::{Trace, TraceParent};

use crate::called::Called;
use crate::calls::manifest;
use crate::kvcounter;
use crate::lab::{Lab, REUSE};
use crate::load::Served;
use crate::process::Server;
use crate::report::{Row, Section};
use crate::rounds::{Values, alternate_all};
use crate::web::{CONNECTIONS, loaded, values};

/// What is observed of a host.
#[derive(Clone, Copy)]
pub(crate) enum Observed {
    Nothing,
    Metrics,
    /// Metrics, and the traces go to this collector.
    Traces(SocketAddr),
}

const NOTHING: &str = "nothing";
const METRICS: &str = "metrics";

/// The subjects, the first of which the others are compared with.
const CALLS: [&str; 4] = ["not observed", "metrics", "metrics and a collector, not recorded", "each call recorded"];
const HTTP: [&str; 3] = ["not observed", "metrics", "metrics, each request recorded"];

impl Observed {
    /// What observes so, from inside a runtime.
    pub(crate) fn start(self) -> Result<Telemetry> {
        let mut settings = Settings { metrics: !matches!(self, Self::Nothing), ..Settings::default() };
        if let Self::Traces(collector) = self {
            settings.export.traces = Some(format!("http://{collector}/v1/traces").parse()?);
        }
        Ok(Telemetry::start(&settings)?)
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str(NOTHING),
            Self::Metrics => f.write_str(METRICS),
            Self::Traces(collector) => collector.fmt(f),
        }
    }
}

impl FromStr for Observed {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            NOTHING => Ok(Self::Nothing),
            METRICS => Ok(Self::Metrics),
            address => Ok(Self::Traces(address.parse().with_context(|| format!("`{address}` is no address"))?)),
        }
    }
}

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let sink = Server::sink()?;
    let mut rows = calls(lab, sink.address)?;
    rows.extend(http(lab, sink.address)?);
    let notes = vec![
        "recorded: every call is a span; the collector is a process of its own on the same cores".to_owned(),
        "spans that the collector does not take in time are dropped and counted, as in production".to_owned(),
    ];
    Ok(Section { rows, notes })
}

fn calls(lab: &Lab, sink: SocketAddr) -> Result<Vec<Row>> {
    let trace = |is_sampled| Some(Arc::new(Trace { parent: TraceParent::root(1, 1, is_sampled), state: None }));
    let host = |name: &str, observed: Observed, trace| {
        let application = lab.application(&format!("telemetry-{name}"), &manifest("host", REUSE))?;
        Called::new(lab, &application, lab.threads.block_on(async { observed.start() })?, trace)
    };
    let hosts = [
        host("off", Observed::Nothing, None)?,
        host("metrics", Observed::Metrics, None)?,
        host("silent", Observed::Traces(sink), trace(false))?,
        host("recorded", Observed::Traces(sink), trace(true))?,
    ];
    let [off, observed @ ..] = alternate_all(lab.rounds, hosts.each_ref().map(|host| host.measure("drive-total")))?;
    Ok(rows("host call, 10 records", "ns", &CALLS, &off, &observed))
}

fn http(lab: &Lab, sink: SocketAddr) -> Result<Vec<Row>> {
    let server = |name: &str, observed| {
        let application = kvcounter::application(lab, &format!("telemetry-{name}"), "keyvalue/memory", REUSE)?;
        Server::observed(&application, &lab.folder(&format!("telemetry-{name}-data"))?, observed)
    };
    let servers = [
        server("http-off", Observed::Nothing)?,
        server("http-metrics", Observed::Metrics)?,
        server("http-recorded", Observed::Traces(sink))?,
    ];
    let subjects = servers.each_ref().map(|server| loaded(lab, server, CONNECTIONS));
    let [off, observed @ ..] = alternate_all(lab.rounds.min(3), subjects)?;
    let table = |what: &str, unit, value: fn(&Served) -> f64| {
        let observed = observed.each_ref().map(|served| values(served, value));
        rows(what, unit, &HTTP, &values(&off, value), &observed)
    };
    let mut rows = table("requests", "/s", |served| served.requests_per_s);
    rows.extend(table("processor time of a request", "µs", |served| served.cpu_us));
    Ok(rows)
}

fn rows(what: &str, unit: &'static str, subjects: &[&str], off: &Values, observed: &[Values]) -> Vec<Row> {
    let row = |(subject, values): (&&str, &Values)| {
        let row = Row::new(format!("{what}: {subject}"), unit, values);
        if std::ptr::eq(values, off) { row } else { row.beside("not observed", off, None) }
    };
    subjects.iter().zip(std::iter::once(off).chain(observed)).map(row).collect()
}
