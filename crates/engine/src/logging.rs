//! `wasi:logging`: what a guest logs, as tracing events with its actor's name.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker};

use crate::store::State;

/// The interface's name: a draft is only itself.
pub(crate) const LOGGING: &str = "wasi:logging/logging@0.1.0-draft";

/// How much something matters, as `wasi:logging` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "it is made of what a guest says")]
pub(crate) enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::TRACE,
            Level::Debug => Self::DEBUG,
            Level::Info => Self::INFO,
            Level::Warn => Self::WARN,
            Level::Error | Level::Critical => Self::ERROR,
        }
    }
}

/// Puts the interface into a linker.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let log = |guest: StoreContextMut<'_, State>, (level, context, message): (Level, String, String)| {
        let State { shared, call, .. } = guest.data();
        shared.log.event(level, &context, &message, call.trace().map(|trace| &**trace));
        Ok(())
    };
    linker.instance(LOGGING)?.func_wrap("log", log)
}
