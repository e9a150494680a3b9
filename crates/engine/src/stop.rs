//! Why a call ended without a reply: for the caller, and for the log.

use model::failure::RpcError;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::actor::Shared;
use crate::limits;
use crate::log::{defused, defused_backtrace};
use crate::store::State;

/// A running guest was found past its deadline.
#[derive(Debug, thiserror::Error)]
#[error("the deadline of the call has passed")]
pub(crate) struct DeadlinePassed;

/// How wasmtime words limits for which it has no public type; a test holds it to them.
const LIMIT_WORDS: [&str; 3] =
    ["fuel allocated for hostcalls", "handle limit exceeded", "total size of fields exceeds limit"];

/// Why a guest was stopped.
pub(crate) enum Stop {
    /// Its time was over.
    Deadline,
    /// It wanted more than it may have.
    Limit(String),
    /// Anything else that ends an instance.
    Trap(String),
}

impl Stop {
    /// The reason behind an error of wasmtime.
    pub(crate) fn of(error: &wasmtime::Error, state: &State) -> Self {
        if error.is::<DeadlinePassed>() {
            return Self::Deadline;
        }
        if state.budget.was_denied() {
            let bytes = state.shared.settings.memory_bytes;
            return Self::Limit(format!("its memory limit of {bytes} bytes is exhausted"));
        }
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            return Self::Limit(format!("this host cannot run more instances ({full})"));
        }
        if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
            return Self::Limit(format!("it holds more than {} resources of the host", limits::HOST_RESOURCES_MAX));
        }
        if let Some(I32Exit(status)) = error.downcast_ref() {
            return Self::Trap(format!("it called exit with status {status}"));
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return Self::Trap(trap.to_string());
        }
        let cause = error.root_cause().to_string();
        if LIMIT_WORDS.iter().any(|words| cause.contains(words)) {
            return Self::Limit(cause);
        }
        Self::Trap(cause)
    }

    /// What the caller is told.
    pub(crate) fn failure(&self, actor: &str) -> RpcError {
        match self {
            Self::Deadline => RpcError::DeadlineExceeded(format!("actor '{actor}' did not finish in time")),
            Self::Limit(limit) => RpcError::HostError(format!("actor '{actor}': {limit}")),
            Self::Trap(trap) => RpcError::ActorHandler(format!("actor '{actor}' trapped: {trap}")),
        }
    }
}

/// Writes to the actor's log why a guest was stopped, and where, if wasmtime's error says so.
pub(crate) fn report(stop: &Stop, error: Option<&wasmtime::Error>, shared: &Shared, method: &str) {
    let actor = shared.settings.name.as_str();
    let function: String = method.chars().take(limits::METHOD_CHARS_MAX).collect();
    let reason = defused(&stop.failure(actor).to_string(), limits::LOG_LINE_BYTES_MAX);
    let backtrace: String = match error.and_then(|error| error.downcast_ref::<WasmBacktrace>()) {
        Some(frames) => defused_backtrace(&frames.to_string(), limits::BACKTRACE_CHARS_MAX),
        None => "no guest code was running".to_owned(),
    };
    let level = if matches!(stop, Stop::Trap(_)) { tracing::Level::ERROR } else { tracing::Level::WARN };
    if !shared.log.admits(level, backtrace.len()) {
        return;
    }
    match stop {
        Stop::Trap(_) => tracing::error!(target: "lath::actor", actor, function, "{reason}\n{backtrace}"),
        _ => tracing::warn!(target: "lath::actor", actor, function, "{reason}\n{backtrace}"),
    }
}
