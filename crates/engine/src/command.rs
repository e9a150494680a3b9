//! Commands: components that export `wasi:cli/run`, run once, with standard streams and arguments.

mod stdio;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::WasmBacktrace;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentExportIndex, InstancePre};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

pub use stdio::{Pipe, Stdio};

use stdio::BrokenPipe;

use crate::actor::{Role, Shared};
use crate::call::CallContext;
use crate::component::Component;
use crate::deadline;
use crate::error::EngineError;
use crate::limits::{BACKTRACE_CHARS_MAX, COMMAND_TIME_MAX};
use crate::linker;
use crate::log::defused_backtrace;
use crate::outbound::Nowhere;
use crate::settings::ActorSettings;
use crate::stop::Stop;
use crate::store::{self, State};

/// The interfaces that make a component a command, newest last.
const RUN: [&str; 2] = ["wasi:cli/run@0.2.", "wasi:cli/run@0.3."];

/// What an instance has because it is a command.
pub(crate) struct Process {
    /// The name that it was called by, and its arguments.
    pub(crate) args: Vec<String>,
    pub(crate) stdio: Stdio,
}

impl Process {
    /// Gives a guest's world its streams and arguments.
    pub(crate) fn furnish(&self, world: &mut WasiCtxBuilder) {
        world.stdout(self.stdio.output.clone()).stderr(self.stdio.error.clone()).args(&self.args);
        if self.stdio.input {
            world.inherit_stdin();
        }
    }
}

/// A command that is ready to run.
pub struct Command {
    component: Component,
    instances: InstancePre<State>,
    run: ComponentExportIndex,
    settings: ActorSettings,
}

/// How a command ended.
#[derive(Debug)]
pub enum Ended {
    /// With an exit code of its own; 0 is success.
    Exited(u8),
    /// It trapped, or wanted more than it may have.
    Trapped {
        /// Why.
        reason: String,
        /// Where it was, where that is known.
        backtrace: Option<String>,
    },
    /// Its time was over.
    Late {
        /// Where it was, where that is known.
        backtrace: Option<String>,
    },
    /// Nobody reads what it writes.
    BrokenPipe,
}

impl Command {
    pub(crate) fn new(component: &Component, settings: ActorSettings) -> Result<Self, EngineError> {
        let no_run = || EngineError::NoRun { name: settings.name.clone() };
        let run = run(component).ok_or_else(no_run)?;
        let instances = linker::connect(component, &settings, None)?;
        Ok(Self { component: component.clone(), instances, run, settings })
    }

    /// Runs it on this thread, within a tokio runtime with timers; `args` begins with the name that it is called by.
    ///
    /// While somebody who takes its output blocks, the thread blocks too.
    pub async fn run(self, args: Vec<String>, stdio: Stdio, deadline: Option<Instant>) -> Result<Ended, EngineError> {
        let deadline = deadline.or_else(|| Instant::now().checked_add(COMMAND_TIME_MAX)).unwrap_or_else(Instant::now);
        let pipes = [stdio.output.clone(), stdio.error.clone()];
        let shared = Shared::new(
            self.settings,
            Arc::new(Nowhere),
            self.component.flavour.shared.live.clone(),
            Role::Command(Process { args, stdio }),
        )?;
        let call = CallContext::new(0, deadline);
        let mut store = store::open(&self.component.flavour.engine, &Arc::new(shared), call);
        let [output, error] = &pipes;
        let ran = {
            let running = async {
                let instance = self.instances.instantiate_async(&mut store).await?;
                let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut store, &self.run)?;
                run.call_async(&mut store, ()).await
            };
            tokio::select! {
                biased;
                ran = deadline::before(deadline, running) => ran,
                () = output.broken() => return Ok(Ended::BrokenPipe),
                () = error.broken() => return Ok(Ended::BrokenPipe),
            }
        };
        Ok(match ran {
            Some(Ok((ran,))) => Ended::Exited(u8::from(ran.is_err())),
            Some(Err(error)) => ended(&error, store.data()),
            None => Ended::Late { backtrace: None },
        })
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

/// The `run` of the newest version that the component exports.
fn run(component: &Component) -> Option<ComponentExportIndex> {
    let code = &component.code;
    let composite = code.component_type();
    let exports = |prefix: &&str| {
        let found = composite.exports(&component.flavour.engine).find(|(name, export)| {
            name.starts_with(*prefix) && matches!(export.ty, ComponentItem::ComponentInstance(_))
        });
        found.map(|(name, _)| name.to_owned())
    };
    let name = RUN.iter().rev().find_map(exports)?;
    let interface = code.get_export_index(None, &name)?;
    code.get_export_index(Some(&interface), "run")
}

fn ended(error: &wasmtime::Error, state: &State) -> Ended {
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return Ended::Exited(u8::try_from(*status).unwrap_or(1));
    }
    if error.is::<BrokenPipe>() {
        return Ended::BrokenPipe;
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let backtrace = backtrace.map(|frames| defused_backtrace(&frames.to_string(), BACKTRACE_CHARS_MAX));
    match Stop::of(error, state) {
        Stop::Deadline => Ended::Late { backtrace },
        Stop::Limit(reason) => Ended::Trapped { reason, backtrace },
        Stop::Trap(reason) => Ended::Trapped { reason: reason.replacen("wasm trap: ", "", 1), backtrace },
    }
}
