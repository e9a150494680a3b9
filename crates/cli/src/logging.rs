//! Log lines, on standard error.

use std::sync::LazyLock;

use host::telemetry::ActorLines;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::arguments::Format;
use crate::environment::Environment;
use crate::error::CliError;

/// What is logged where `LATH_LOG` does not say.
const FILTER_DEFAULT: &str = "warn,lath=info";

/// Starts logging in the format asked for: readable lines, or one JSON object a line.
pub(crate) fn start(environment: &Environment, format: Format) -> Result<(), CliError> {
    let filter = filter(environment)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A line that cannot be written would be told of on standard error itself, with a panic where that is closed.
    let lines = lines.log_internal_errors(false);
    let lines = match format {
        Format::Text => lines.with_ansi(environment.colours_stderr()).boxed(),
        Format::Json => lines.json().boxed(),
    };
    let exported = actor_lines().clone().with_filter(filter_fn(|metadata| actor_lines().wants(metadata)));
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(exported).init();
    Ok(())
}

/// What exports lines of actors' logs, once telemetry has led it somewhere: like logging itself, one for the process.
pub(crate) fn actor_lines() -> &'static ActorLines {
    static LINES: LazyLock<ActorLines> = LazyLock::new(ActorLines::default);
    &LINES
}

fn filter(environment: &Environment) -> Result<EnvFilter, CliError> {
    let Some(asked) = &environment.log else { return Ok(EnvFilter::new(FILTER_DEFAULT)) };
    let invalid = |reason: String| CliError::Usage {
        message: format!("LATH_LOG is not a filter of log lines: {reason}"),
        help: Some(
            "set it to a level (error, warn, info, debug, trace), or to levels by module: warn,host=debug".to_owned(),
        ),
    };
    let asked = asked.to_str().ok_or_else(|| invalid("it is not UTF-8".to_owned()))?;
    EnvFilter::try_new(asked).map_err(|error| invalid(error.to_string()))
}
