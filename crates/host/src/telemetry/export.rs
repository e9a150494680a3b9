//! Spans and log lines on their way to a collector: bounded queues, batches, and counts of what became of them.
//!
//! The queues and batches are those of the OpenTelemetry SDK, on threads of their own. What is put into them never waits:
//! where there is no room it is dropped and counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use model::destination::OriginError;
use opentelemetry::KeyValue;
use opentelemetry::logs::{Logger as _, LoggerProvider as _};
use opentelemetry_otlp::{LogExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{self, LogBatch, SdkLogRecord, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, SpanData, SpanProcessor as _};
use tokio::runtime::Handle;

use super::collector::Collector;
use super::metrics::Samples;
use super::sampler::Sampler;
use super::settings::Export;

/// What spans and log lines say they come from.
pub(super) const SCOPE: &str = "lath";

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The address of the collector.
    #[error("the collector's address cannot be used")]
    Address(#[from] OriginError),
    /// The exporter.
    #[error("the exporter cannot be made: check the variables `OTEL_EXPORTER_OTLP_…`")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// There is no runtime.
    #[error("telemetry is exported from inside a tokio runtime: this is a fault of Lath, please report it")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
}

/// Takes spans and log lines to a collector.
#[derive(Debug)]
pub(super) struct Exporter {
    spans: Option<(BatchSpanProcessor, Arc<Queue>)>,
    lines: Option<(SdkLoggerProvider, SdkLogger, Arc<Queue>)>,
    pub(super) sampler: Sampler,
}

/// A queue, as its counts show it.
#[derive(Debug)]
struct Queue {
    room: usize,
    waiting: AtomicUsize,
    taken: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Exporter {
    /// Begins to export; none where there is nowhere to.
    pub(super) fn start(settings: &Export) -> Result<Option<Self>, ExportError> {
        if settings.traces.is_none() && settings.logs.is_none() {
            return Ok(None);
        }
        let runtime = Handle::try_current()?;
        let attributes = settings.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let spans =
            settings.traces.as_ref().map(|address| spans(settings, address, &resource, &runtime)).transpose()?;
        let lines = settings.logs.as_ref().map(|address| lines(settings, address, resource, &runtime)).transpose()?;
        Ok(Some(Self { spans, lines, sampler: settings.sampler }))
    }

    /// Whether spans are exported.
    pub(super) fn takes_spans(&self) -> bool {
        self.spans.is_some()
    }

    /// Exports a span, once there is time.
    pub(super) fn span(&self, span: SpanData) {
        if let Some((processor, queue)) = &self.spans
            && queue.enter()
        {
            processor.on_end(span);
        }
    }

    /// Exports a line of a log, once there is time.
    pub(super) fn line(&self, write: impl FnOnce(&mut SdkLogRecord)) {
        if let Some((_, logger, queue)) = &self.lines
            && queue.enter()
        {
            let mut record = logger.create_log_record();
            write(&mut record);
            logger.emit(record);
        }
    }

    /// Exports what waits, within `patience`, and ends. It blocks.
    pub(super) fn finish(&self, patience: Duration) {
        let deadline = std::time::Instant::now() + patience;
        let remaining = || deadline.saturating_duration_since(std::time::Instant::now());
        // What cannot be exported is told by the collector's own note, and counted.
        if let Some((spans, _)) = &self.spans {
            let _ = spans.shutdown_with_timeout(remaining());
        }
        if let Some((lines, _, _)) = &self.lines {
            let _ = lines.shutdown_with_timeout(remaining());
        }
    }

    /// What became of everything so far.
    pub(super) fn sample(&self, samples: &mut Samples) {
        let spans = self.spans.as_ref().map(|(_, queue)| ("traces", queue));
        let lines = self.lines.as_ref().map(|(_, _, queue)| ("logs", queue));
        for (signal, queue) in spans.into_iter().chain(lines) {
            for (outcome, count) in [("taken", &queue.taken), ("failed", &queue.failed), ("dropped", &queue.dropped)] {
                let labels = vec![("lath_signal", signal.to_owned()), ("lath_outcome", outcome.to_owned())];
                samples.add("lath.telemetry.exported", labels, count.load(Ordering::Relaxed) as f64);
            }
        }
    }
}

impl Queue {
    fn new(room: usize) -> Arc<Self> {
        let count = || AtomicU64::new(0);
        Arc::new(Self { room, waiting: AtomicUsize::new(0), taken: count(), failed: count(), dropped: count() })
    }

    /// Whether there is room for one more, which then has it.
    fn enter(&self) -> bool {
        let more = |waiting: usize| (waiting < self.room).then_some(waiting + 1);
        let entered = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if !entered {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    fn leave(&self, count: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        let counted = if result.is_ok() { &self.taken } else { &self.failed };
        counted.fetch_add(count as u64, Ordering::Relaxed);
    }
}

fn spans(
    settings: &Export,
    address: &Uri,
    resource: &Resource,
    runtime: &Handle,
) -> Result<(BatchSpanProcessor, Arc<Queue>), ExportError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(address, settings.timeout, runtime.clone())?)
        .with_endpoint(address.to_string())
        .with_timeout(settings.timeout)
        .with_headers(headers(settings))
        .build()?;
    let queue = Queue::new(settings.spans);
    let batches = trace::BatchConfigBuilder::default()
        .with_max_queue_size(settings.spans)
        .with_max_export_batch_size(settings.batch.min(settings.spans))
        .with_scheduled_delay(settings.interval)
        .build();
    let counted = Counted { exporter, queue: Arc::clone(&queue) };
    let mut processor = BatchSpanProcessor::builder(counted).with_batch_config(batches).build();
    processor.set_resource(resource);
    Ok((processor, queue))
}

fn lines(
    settings: &Export,
    address: &Uri,
    resource: Resource,
    runtime: &Handle,
) -> Result<(SdkLoggerProvider, SdkLogger, Arc<Queue>), ExportError> {
    let exporter = LogExporter::builder()
        .with_http()
        .with_http_client(Collector::new(address, settings.timeout, runtime.clone())?)
        .with_endpoint(address.to_string())
        .with_timeout(settings.timeout)
        .with_headers(headers(settings))
        .build()?;
    let queue = Queue::new(settings.lines);
    let batches = logs::BatchConfigBuilder::default()
        .with_max_queue_size(settings.lines)
        .with_max_export_batch_size(settings.batch.min(settings.lines))
        .with_scheduled_delay(settings.interval)
        .build();
    let counted = Counted { exporter, queue: Arc::clone(&queue) };
    let processor = logs::BatchLogProcessor::builder(counted).with_batch_config(batches).build();
    let provider = SdkLoggerProvider::builder().with_resource(resource).with_log_processor(processor).build();
    let logger = provider.logger(SCOPE);
    Ok((provider, logger, queue))
}

fn headers(settings: &Export) -> HashMap<String, String> {
    settings.headers.iter().cloned().collect()
}

/// An exporter that counts.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    queue: Arc<Queue>,
}

impl trace::SpanExporter for Counted<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.queue.leave(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl logs::LogExporter for Counted<LogExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        let result = self.exporter.export(batch).await;
        self.queue.leave(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
