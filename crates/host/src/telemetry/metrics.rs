//! Every metric of a host, and how they are written.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Reading;
use super::series::{Family, Table};

/// How values of a metric behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, until the process or its application ends.
    Counter,
    /// They go up and down.
    Gauge,
    /// Many values, by size.
    Histogram,
}

/// A metric of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as OpenTelemetry writes names.
    pub name: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// What they are in, as UCUM has it: `s`, `By`, or what is counted, in braces; `1` where it is nothing.
    pub unit: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub meaning: &'static str,
}

const LINK_LABELS: &[&str] = &["lath_application", "lath_actor", "lath_link", "lath_contract", "lath_reach"];
const ACTOR: &[&str] = &["lath_application", "lath_actor"];
const PROVIDER: &[&str] = &["lath_application", "lath_provider"];

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, meaning }
}

/// All of them, in the order in which they are written.
pub const METRICS: &[Metric] = &[
    metric(
        "rpc.client.call.duration",
        Kind::Histogram,
        "s",
        &["lath_application", "lath_actor", "lath_link", "lath_contract", "lath_reach", "error_type"],
        "Calls that an actor made over a link, from its call to its answer, retries included",
    ),
    metric(
        "rpc.server.call.duration",
        Kind::Histogram,
        "s",
        &["lath_application", "lath_target", "lath_contract", "error_type"],
        "Calls that came in over the lattice",
    ),
    metric(
        "http.server.request.duration",
        Kind::Histogram,
        "s",
        &["lath_application", "http_request_method", "http_route", "http_response_status_code", "error_type"],
        "Requests at the ingress, until the head of their answer",
    ),
    metric(
        "http.client.request.duration",
        Kind::Histogram,
        "s",
        &[
            "lath_application",
            "lath_actor",
            "http_request_method",
            "server_address",
            "server_port",
            "http_response_status_code",
            "error_type",
        ],
        "Requests of actors into the world, until the head of their answer",
    ),
    metric("lath.link.retries", Kind::Counter, "{try}", LINK_LABELS, "Tries of calls after their first"),
    metric(
        "lath.actor.instances",
        Kind::Gauge,
        "{instance}",
        &["lath_application", "lath_actor", "lath_state"],
        "Instances that serve a call (running) or wait for one (idle)",
    ),
    metric("lath.actor.calls.queued", Kind::Gauge, "{call}", ACTOR, "Calls that wait for an instance"),
    metric("lath.actor.calls", Kind::Counter, "{call}", ACTOR, "Calls that reached the actor"),
    metric("lath.actor.calls.refused", Kind::Counter, "{call}", ACTOR, "Calls refused before they reached the actor"),
    metric(
        "lath.actor.calls.stopped",
        Kind::Counter,
        "{call}",
        &["lath_application", "lath_actor", "lath_reason"],
        "Calls that ended in a trap, at a limit or at their deadline",
    ),
    metric("lath.engine.instances", Kind::Gauge, "{instance}", &[], "Instances alive, of all actors"),
    metric(
        "lath.provider.well",
        Kind::Gauge,
        "1",
        PROVIDER,
        "1 where a provider of this host is well, 0 where what it needs fails it",
    ),
    metric("lath.lattice.connected", Kind::Gauge, "1", &[], "1 where the lattice can be reached"),
    metric("lath.lattice.generation", Kind::Gauge, "1", &[], "The generation of the blueprint that the host is at"),
    metric("lath.lattice.reconnects", Kind::Counter, "{connection}", &[], "Connections to the lattice after the first"),
    metric(
        "lath.lattice.messages",
        Kind::Counter,
        "{message}",
        &["network_io_direction"],
        "Messages to and from the lattice",
    ),
    metric("lath.lattice.io", Kind::Counter, "By", &["network_io_direction"], "Bytes to and from the lattice"),
    metric("lath.lattice.calls.running", Kind::Gauge, "{call}", &[], "Calls from the lattice that run here"),
    metric(
        "lath.lattice.calls.dropped",
        Kind::Counter,
        "{message}",
        &["lath_reason"],
        "Messages from the lattice that were not served: replayed, forged, garbage, or cancelled by their caller",
    ),
    metric("lath.lattice.ejections", Kind::Counter, "{host}", &[], "Hosts that this one stopped calling"),
    metric(
        "lath.lattice.ejections.wrongful",
        Kind::Counter,
        "{host}",
        &[],
        "Those of them that had been sending all the while",
    ),
    metric("process.memory.usage", Kind::Gauge, "By", &[], "Memory of the process that is in use"),
    metric("process.uptime", Kind::Gauge, "s", &[], "How long telemetry has been running"),
    metric("lath.telemetry.series", Kind::Gauge, "{series}", &[], "Sets of labels that are held"),
    metric(
        "lath.telemetry.series.collapsed",
        Kind::Counter,
        "{series}",
        &[],
        "Times that a set of labels had no room and counted as `other`",
    ),
    metric(
        "lath.telemetry.exported",
        Kind::Counter,
        "{record}",
        &["lath_signal", "lath_outcome"],
        "Spans and log lines that a collector took (taken), that it did not take (failed), or that found no room \
         (dropped)",
    ),
];

/// The labels of one value.
pub(crate) type LabelPairs = Vec<(&'static str, String)>;

/// Values of metrics at one moment.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<(&'static str, LabelPairs, Value)>);

#[derive(Debug)]
enum Value {
    Number(f64),
    Durations(Reading),
}

impl Samples {
    /// A value of a metric.
    pub(crate) fn add(&mut self, name: &'static str, labels: LabelPairs, value: f64) {
        self.0.push((name, labels, Value::Number(value)));
    }

    /// What was counted for series.
    pub(super) fn add_series(&mut self, table: &Table) {
        let families = [
            (Family::Links, "rpc.client.call.duration"),
            (Family::Served, "rpc.server.call.duration"),
            (Family::Requests, "http.server.request.duration"),
            (Family::Outgoing, "http.client.request.duration"),
        ];
        for (family, name) in families {
            for (labels, series) in table.all(family) {
                let names = family.labels().iter().copied();
                let own = names.zip(&labels).filter(|(_, label)| !label.is_empty());
                let own: LabelPairs = own.map(|(name, label)| (name, label.to_string())).collect();
                if family == Family::Links {
                    let retries = series.retries.load(std::sync::atomic::Ordering::Relaxed);
                    self.add("lath.link.retries", own.clone(), retries as f64);
                }
                for (kind, reading) in series.read() {
                    let kind = kind.map(|kind| ("error_type", kind.to_owned()));
                    let labels = own.iter().cloned().chain(kind).collect();
                    self.0.push((name, labels, Value::Durations(reading)));
                }
            }
        }
        self.add("lath.telemetry.series", Vec::new(), table.count() as f64);
        let collapsed = table.collapsed.load(std::sync::atomic::Ordering::Relaxed);
        self.add("lath.telemetry.series.collapsed", Vec::new(), collapsed as f64);
    }

    /// The names of the metrics that have values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _, _)| *name)
    }

    /// All of them as OpenMetrics text.
    pub(crate) fn into_text(self) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(self));
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

impl Metric {
    /// Its name in Prometheus, without the suffix of counters.
    fn stem(&self) -> String {
        self.name.replace('.', "_")
    }

    fn prometheus_unit(&self) -> Option<Unit> {
        match self.unit {
            "s" => Some(Unit::Seconds),
            "By" => Some(Unit::Bytes),
            _ => None,
        }
    }

    /// Its name in Prometheus.
    pub fn prometheus(&self) -> String {
        let unit = self.prometheus_unit().map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.stem())
    }

    fn encode(&self, samples: &Samples, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut own = samples.0.iter().filter(|(name, _, _)| *name == self.name).peekable();
        if own.peek().is_none() {
            return Ok(());
        }
        let (stem, unit) = (self.stem(), self.prometheus_unit());
        let kind = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(&stem, self.meaning, unit.as_ref(), kind)?;
        for (_, labels, value) in own {
            if labels.is_empty() {
                self.encode_value(value, &mut metric)?;
            } else {
                self.encode_value(value, &mut metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_value(&self, value: &Value, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match value {
            Value::Number(number) if self.kind == Kind::Counter => {
                encoder.encode_counter::<Unlabelled, f64, f64>(number, None::<&Exemplar<Unlabelled, f64>>)
            }
            Value::Number(number) => encoder.encode_gauge(number),
            Value::Durations(Reading { sum_s, count, buckets }) => {
                encoder.encode_histogram::<Unlabelled>(*sum_s, *count, buckets, None)
            }
        }
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        METRICS.iter().try_for_each(|metric| metric.encode(self, &mut encoder))
    }
}

/// No labels.
type Unlabelled = [(&'static str, &'static str); 0];

/// Says at compile time that labels can be written.
#[allow(dead_code, reason = "it is only checked")]
fn labels_can_be_written(labels: &LabelPairs) -> &impl EncodeLabelSet {
    labels
}
