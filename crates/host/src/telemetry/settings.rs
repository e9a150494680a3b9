//! What is observed and where it goes, as the host's file and the environment say.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use model::host_file::ObserveTable;

use super::sampler::{Sampler, SamplerError};
use super::series::Room;
use crate::limits::{COLLECTOR_HEADERS_MAX, EXPORT_BATCH_MAX, LOGS_QUEUED_MAX, LOOP_STALL_MAX, SPANS_QUEUED_MAX};

/// How long a collector may take for one request, unless it is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often what waits is exported.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is observed, and where it goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether metrics are counted.
    pub metrics: bool,
    /// Where spans and log lines are exported to.
    pub export: Export,
    /// How many series there may be.
    pub room: Room,
    /// How long the host's loop may stand still.
    pub stall: Duration,
}

/// Where spans and log lines go, by OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct Export {
    /// Where spans go; nowhere where absent.
    pub traces: Option<Uri>,
    /// Where log lines go; nowhere where absent.
    pub logs: Option<Uri>,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// The time for one request.
    pub timeout: Duration,
    /// Which traces are recorded.
    pub sampler: Sampler,
    /// What the host is called: `service.name` and further attributes of the resource.
    pub resource: Vec<(String, String)>,
    /// How often what waits is exported.
    pub interval: Duration,
    /// Spans that may wait.
    pub spans: usize,
    /// Log lines that may wait.
    pub lines: usize,
    /// Spans or lines in one request.
    pub batch: usize,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// An address.
    #[error("{name} is `{text}`, not the address of a collector: write for instance `http://127.0.0.1:4318`")]
    Endpoint {
        /// The variable or key.
        name: &'static str,
        /// What it says.
        text: String,
    },
    /// A protocol that is not spoken.
    #[error("{name} is `{text}`, which is not spoken here: write `http/protobuf`, or leave it out")]
    Protocol {
        /// The variable.
        name: &'static str,
        /// What it says.
        text: String,
    },
    /// A time.
    #[error("{name} is `{text}`, not a number of milliseconds from 1: write for instance `10000`")]
    Time {
        /// The variable.
        name: &'static str,
        /// What it says.
        text: String,
    },
    /// An exporter that is not there.
    #[error("{name} is `{text}`: write `otlp` or `none`")]
    Exporter {
        /// The variable.
        name: &'static str,
        /// What it says.
        text: String,
    },
    /// Pairs of a name and a value. They may be secret.
    #[error("{name} is not a list such as `name=value,other=value`, of {COLLECTOR_HEADERS_MAX} at most: correct it")]
    Pairs {
        /// The variable.
        name: &'static str,
    },
    /// The sampler.
    #[error("the sampler of traces is not right")]
    Sampler(#[from] SamplerError),
}

impl Default for Settings {
    /// Nothing is observed.
    fn default() -> Self {
        let export = Export {
            traces: None,
            logs: None,
            headers: Vec::new(),
            timeout: TIMEOUT,
            sampler: Sampler::default(),
            resource: vec![("service.name".to_owned(), "lath".to_owned())],
            interval: INTERVAL,
            spans: SPANS_QUEUED_MAX,
            lines: LOGS_QUEUED_MAX,
            batch: EXPORT_BATCH_MAX,
        };
        Self { metrics: false, export, room: Room::default(), stall: LOOP_STALL_MAX }
    }
}

impl Settings {
    /// What the `[observe]` table of a host's file says, and what the variables of the environment say, which go before.
    /// Metrics are counted where there is an address to read them at.
    ///
    /// # Errors
    ///
    /// Where one of them says what cannot be done.
    pub fn read(file: &ObserveTable, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let mut settings = Self { metrics: file.listen.is_some(), ..Self::default() };
        if variable("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(settings);
        }
        let export = &mut settings.export;
        let common = variable(ENDPOINT).map(|text| (ENDPOINT, text));
        let common = common.or_else(|| file.endpoint.clone().map(|text| ("observe.endpoint", text)));
        export.traces = endpoint(variable, &TRACES, common.as_ref())?;
        export.logs = endpoint(variable, &LOGS, common.as_ref())?;
        if let Some(text) = variable(HEADERS) {
            export.headers = headers(&text).ok_or(SettingError::Pairs { name: HEADERS })?;
        }
        if let Some(text) = variable(TIMEOUT_MS) {
            let millis = text.parse().ok().filter(|millis| *millis > 0);
            let wrong = || SettingError::Time { name: TIMEOUT_MS, text: text.clone() };
            export.timeout = Duration::from_millis(millis.ok_or_else(wrong)?);
        }
        let sampler = variable("OTEL_TRACES_SAMPLER").or_else(|| file.sampler.clone());
        let argument = variable("OTEL_TRACES_SAMPLER_ARG").or_else(|| file.sampler_argument.clone());
        if let Some(sampler) = sampler {
            export.sampler = Sampler::parse(&sampler, argument.as_deref())?;
        }
        export.resource = resource(file, variable)?;
        Ok(settings)
    }
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TIMEOUT_MS: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What is exported by itself.
struct Signal {
    exporter: &'static str,
    endpoint: &'static str,
    path: &'static str,
}

const TRACES: Signal =
    Signal { exporter: "OTEL_TRACES_EXPORTER", endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", path: "v1/traces" };
const LOGS: Signal =
    Signal { exporter: "OTEL_LOGS_EXPORTER", endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", path: "v1/logs" };

/// Where a signal goes: its own address as it is, or the common one with the signal's path.
fn endpoint(
    variable: &dyn Fn(&str) -> Option<String>,
    signal: &Signal,
    common: Option<&(&'static str, String)>,
) -> Result<Option<Uri>, SettingError> {
    match variable(signal.exporter).as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(text) => return Err(SettingError::Exporter { name: signal.exporter, text: text.to_owned() }),
    }
    let (name, text, whole) = match (variable(signal.endpoint), common) {
        (Some(text), _) => (signal.endpoint, text.clone(), text),
        (None, Some((name, text))) => (*name, text.clone(), format!("{}/{}", text.trim_end_matches('/'), signal.path)),
        (None, None) => return Ok(None),
    };
    if let Some(text) = variable(PROTOCOL).filter(|protocol| protocol != "http/protobuf") {
        return Err(SettingError::Protocol { name: PROTOCOL, text });
    }
    let uri: Option<Uri> = whole.parse().ok();
    let speaks = |uri: &Uri| {
        let is_known = uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme));
        // Who is meant by `user@host` is not always the same to everyone who reads it.
        is_known && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    };
    uri.filter(speaks).map(Some).ok_or_else(|| SettingError::Endpoint { name, text: without_user(&text) })
}

/// The address without what may be a password.
fn without_user(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
}

fn headers(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = pairs(text)?;
    let is_good = |(name, value): &(String, String)| {
        HeaderName::try_from(name.as_str()).is_ok() && HeaderValue::try_from(value.as_str()).is_ok()
    };
    pairs.iter().all(is_good).then_some(pairs)
}

fn resource(
    file: &ObserveTable,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, SettingError> {
    let mut pairs = match variable(ATTRIBUTES) {
        Some(text) => pairs(&text).ok_or(SettingError::Pairs { name: ATTRIBUTES })?,
        None => Vec::new(),
    };
    let named = variable("OTEL_SERVICE_NAME").or_else(|| file.service.clone());
    let is_named = pairs.iter().any(|(name, _)| name == "service.name");
    if let Some(name) = named.or_else(|| (!is_named).then(|| "lath".to_owned())) {
        pairs.retain(|(key, _)| key != "service.name");
        pairs.push(("service.name".to_owned(), name));
    }
    Ok(pairs)
}

/// `name=value,other=value`, as W3C Baggage writes them: values percent-encoded, without properties.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), decoded(value.trim())?);
        (!name.is_empty()).then(|| (name.to_owned(), value))
    };
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pairs: Vec<_> = parts.map(pair).collect::<Option<_>>()?;
    (pairs.len() <= COLLECTOR_HEADERS_MAX).then_some(pairs)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}
