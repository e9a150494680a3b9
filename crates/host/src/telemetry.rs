//! What a host tells of itself to those who run it: metrics, traces, logs, and whether it is well.
//!
//! [`Telemetry`] is one host's; where it is off, nothing is counted and nothing costs anything. Metrics are counted in
//! `series`: links look theirs up once, when they are connected, so that a call only adds to numbers that its
//! thread shares with few others. Whatever somebody keeps anyway (instances, the lattice) is read when it is asked for
//! (`Source`). Spans and log lines leave by OTLP (`export`), through queues that never make anybody wait.
//!
//! docs/OBSERVABILITY.md lists every metric; a test compares.

mod collector;
mod export;
mod histogram;
mod lines;
mod meter;
mod metrics;
mod outgoing;
mod requests;
pub(crate) mod running;
mod sampler;
mod series;
mod settings;
mod span;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use engine::http::Requests;
use lattice::document::{Failing, Part};
use model::blueprint::LinkPlan;
use model::ids::{ActorName, AppName};
use provider::http::{Arrived, Watch};

pub use self::export::ExportError;
pub use self::histogram::{Histogram, Reading};
pub use self::lines::ActorLines;
pub use self::metrics::{Kind, METRICS, Metric};
pub use self::sampler::{Sampler, SamplerError};
pub use self::series::Room;
pub use self::settings::{Export, SettingError, Settings};

pub(crate) use self::meter::Meter;
pub(crate) use self::metrics::Samples;

use self::export::Exporter;
use self::series::Table;
use crate::limits::EXPORT_FLUSH_TIME_MAX;

/// What one host tells of itself. Cheap to clone; all clones are one. By default it tells nothing.
#[derive(Clone, Default)]
pub struct Telemetry(Option<Arc<Inner>>);

struct Inner {
    /// What is counted; nothing where metrics are off.
    table: Option<Table>,
    exporter: Option<Arc<Exporter>>,
    /// What is read when it is asked for; none before the host serves, and after.
    source: RwLock<Option<Arc<dyn Source>>>,
    begun: Instant,
    /// When the host's loop last ran: milliseconds since `begun`.
    beat_ms: AtomicU64,
    stall: Duration,
}

/// What somebody keeps anyway, and how the host is.
pub(crate) trait Source: Send + Sync {
    /// The values of this moment.
    fn sample(&self, samples: &mut Samples);

    /// What keeps the host from taking calls; nothing where it is ready.
    fn unready(&self) -> Vec<String>;

    /// What serves here, though what it needs fails it. It keeps the host from nothing.
    fn unwell(&self) -> Vec<Failing>;
}

impl Telemetry {
    /// Begins to observe, from inside a tokio runtime where anything is exported.
    ///
    /// # Errors
    ///
    /// Where an exporter does not start.
    pub fn start(settings: &Settings) -> Result<Self, ExportError> {
        let exporter = Exporter::start(&settings.export)?.map(Arc::new);
        if exporter.is_none() && !settings.metrics {
            return Ok(Self(None));
        }
        Ok(Self(Some(Arc::new(Inner {
            table: settings.metrics.then(|| Table::new(settings.room)),
            exporter,
            source: RwLock::default(),
            begun: Instant::now(),
            beat_ms: AtomicU64::new(0),
            stall: settings.stall,
        }))))
    }

    /// From now on lines of actors' logs are exported too.
    pub fn hear(&self, lines: &ActorLines) {
        if let Some(exporter) = self.0.as_ref().and_then(|inner| inner.exporter.as_ref()) {
            lines.lead_to(exporter);
        }
    }

    /// What measures the calls of a link.
    pub(crate) fn link(&self, application: &AppName, plan: &LinkPlan) -> Option<Arc<Meter>> {
        let inner = self.0.as_ref()?;
        Some(Arc::new(Meter::link(inner.table.as_ref(), inner.exporter.as_ref(), application, plan)))
    }

    /// What measures a call that came in over the lattice.
    pub(crate) fn served(&self, call: &lattice::call::Call) -> Option<Meter> {
        let inner = self.0.as_ref()?;
        Some(Meter::served(inner.table.as_ref(), inner.exporter.as_ref(), call))
    }

    /// The same way of an actor's requests into the world, watched.
    pub(crate) fn outgoing(
        &self,
        application: &AppName,
        actor: &ActorName,
        requests: Arc<dyn Requests>,
    ) -> Arc<dyn Requests> {
        match &self.0 {
            Some(inner) => Arc::new(outgoing::Watched::new(inner, application, actor, requests)),
            None => requests,
        }
    }

    /// Whoever watches a request at the ingress.
    pub(crate) fn request(&self, request: &Arrived<'_>) -> Option<Box<dyn Watch>> {
        let inner = self.0.as_ref()?;
        Some(Box::new(requests::Watched::begin(inner, request)))
    }

    /// Nothing of the application runs here any more, and its series go.
    pub(crate) fn forget(&self, application: &AppName) {
        if let Some(table) = self.0.as_ref().and_then(|inner| inner.table.as_ref()) {
            table.forget(application.as_str());
        }
    }

    /// The host serves: from now on this is how it is.
    pub(crate) fn attend(&self, source: impl Source + 'static) {
        if let Some(inner) = &self.0 {
            self.beat();
            *inner.source.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(source));
        }
    }

    /// The host serves no longer.
    pub(crate) fn leave(&self) {
        if let Some(inner) = &self.0 {
            *inner.source.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// The host's loop runs.
    pub(crate) fn beat(&self) {
        if let Some(inner) = &self.0 {
            let now = u64::try_from(inner.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            inner.beat_ms.store(now, Ordering::Relaxed);
        }
    }

    /// How often [`beat`](Self::beat) is to be called, for a host that has no loop of its own.
    pub(crate) fn beat_interval(&self) -> Option<Duration> {
        self.0.as_ref().map(|inner| inner.stall / 5)
    }

    fn source(&self) -> Option<Arc<dyn Source>> {
        self.0.as_ref()?.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All metrics, as OpenMetrics text.
    pub fn metrics(&self) -> String {
        self.samples().into_text()
    }

    /// The names of the metrics that have values now.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.samples().names().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        let Some(inner) = &self.0 else { return samples };
        if let Some(table) = &inner.table {
            samples.add_series(table);
        }
        if let Some(exporter) = &inner.exporter {
            exporter.sample(&mut samples);
        }
        if let Some(source) = self.source() {
            source.sample(&mut samples);
        }
        if let Some(bytes) = resident_bytes() {
            samples.add("process.memory.usage", Vec::new(), bytes as f64);
        }
        samples.add("process.uptime", Vec::new(), inner.begun.elapsed().as_secs_f64());
        samples
    }

    /// How long the host's loop has stood still, where that is too long.
    pub fn stalled(&self) -> Option<Duration> {
        let inner = self.0.as_ref()?;
        // Before the host serves there is no loop.
        self.source()?;
        let beat = inner.begun + Duration::from_millis(inner.beat_ms.load(Ordering::Relaxed));
        let still = beat.elapsed();
        (still > inner.stall).then_some(still)
    }

    /// What keeps the host from taking calls; nothing where it is ready.
    pub fn unready(&self) -> Vec<String> {
        match self.source() {
            Some(source) => source.unready(),
            None => vec!["the host does not serve yet, or no longer".to_owned()],
        }
    }

    /// Which parts serve though what they need fails them, and why.
    pub fn unwell(&self) -> Vec<String> {
        let told = |unwell: Failing| match unwell.part {
            Some(Part::Actor(part)) => format!("application {}: {part}: {}", unwell.app, unwell.reason),
            Some(Part::Provider(part)) => format!("application {}: {part}: {}", unwell.app, unwell.reason),
            None => format!("application {}: {}", unwell.app, unwell.reason),
        };
        self.source().map(|source| source.unwell()).unwrap_or_default().into_iter().map(told).collect()
    }

    /// Exports what waits, within [`EXPORT_FLUSH_TIME_MAX`], and ends.
    pub async fn finish(&self) {
        let Some(exporter) = self.0.as_ref().and_then(|inner| inner.exporter.clone()) else { return };
        let finishing = tokio::task::spawn_blocking(move || exporter.finish(EXPORT_FLUSH_TIME_MAX));
        // Whoever hangs there any longer ends with the process.
        let _ = tokio::time::timeout(EXPORT_FLUSH_TIME_MAX, finishing).await;
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Telemetry(on)" } else { "Telemetry(off)" })
    }
}

/// The memory of this process that is in use, where the system tells.
fn resident_bytes() -> Option<u64> {
    const KIB: u64 = 1024;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(KIB)
}
