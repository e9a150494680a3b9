//! Computations: components that are called with values and have nothing of the world, so that equal calls give equal
//! results at every time and on every machine.
//!
//! A computation has no grants, its clocks stand still, and what it logs goes to the log. `wasi:random/random` ends it:
//! a deterministic environment may not answer there (WASI says), while the seed of `wasi:random/insecure-seed`, which
//! hash maps are made with, may be always the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::contract::{Contract, Function};
use model::value::Value;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, Linker, Val};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::actor::{Role, Shared};
use crate::call::CallContext;
use crate::component::Component;
use crate::deadline;
use crate::error::EngineError;
use crate::linker;
use crate::native::value::{lift, lower};
use crate::outbound::Nowhere;
use crate::settings::ActorSettings;
use crate::stop::{self, Stop};
use crate::store::{self, State};

/// What a computation may use.
#[derive(Clone, Debug)]
pub struct ComputationSettings {
    /// Its name, in logs and errors.
    pub name: String,
    /// All linear memories and tables of one instance together, in bytes.
    pub memory_bytes: u64,
    /// How long one call may run, and how long an instance may take to begin.
    pub execution: Duration,
    /// The largest result: the bytes of its lists and strings.
    pub result_bytes_max: usize,
}

/// A component whose functions are called with values. It is given nothing of the world.
pub struct Computation {
    component: Component,
    instances: InstancePre<State>,
    contract: Arc<Contract>,
    exports: Vec<ComponentExportIndex>,
    shared: Arc<Shared>,
}

/// An instance of a computation, for one call or for several, one after the other.
pub struct Calculator<'a> {
    computation: &'a Computation,
    store: wasmtime::Store<State>,
    instance: Instance,
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ComputationError {
    /// Its time was over.
    #[error("{name} did not finish `{function}` within {} ms", time.as_millis())]
    Late {
        /// The computation.
        name: String,
        /// What it was to do.
        function: String,
        /// The time it had.
        time: Duration,
    },
    /// It wanted more than it may have.
    #[error("{name} wants more for `{function}` than it may have: {reason}")]
    Limit {
        /// The computation.
        name: String,
        /// What it was to do.
        function: String,
        /// What it wanted.
        reason: String,
    },
    /// It broke down.
    #[error("{name} broke down in `{function}`: {reason}; its log says where")]
    Trapped {
        /// The computation.
        name: String,
        /// What it was to do.
        function: String,
        /// Why.
        reason: String,
    },
    /// The contract has no such function, or one of other types.
    #[error("{name} cannot be asked for `{function}`: {reason}")]
    Misfit {
        /// The computation.
        name: String,
        /// What it was to do.
        function: String,
        /// What does not fit.
        reason: String,
    },
}

impl Computation {
    pub(crate) fn new(
        component: &Component,
        settings: ComputationSettings,
        contract: Arc<Contract>,
    ) -> Result<Self, EngineError> {
        let ComputationSettings { name, memory_bytes, execution, result_bytes_max } = settings;
        // Of lists, each element is as large as any value.
        let message_bytes_max = result_bytes_max.saturating_mul(size_of::<Val>());
        let settings = ActorSettings { memory_bytes, execution, message_bytes_max, ..ActorSettings::new(name) };
        let instances = linker::connect_still(component, &settings)?;
        let exports = exports(component, &settings.name, &contract)?;
        let live = component.flavour.shared.live.clone();
        let shared = Arc::new(Shared::new(settings, Arc::new(Nowhere), live, Role::Computation)?);
        Ok(Self { component: component.clone(), instances, contract, exports, shared })
    }

    /// A fresh instance, within a tokio runtime with timers.
    pub async fn begin(&self) -> Result<Calculator<'_>, ComputationError> {
        let deadline = self.deadline();
        let mut store = store::open(&self.component.flavour.engine, &self.shared, CallContext::new(0, deadline));
        match deadline::before(deadline, self.instances.instantiate_async(&mut store)).await {
            Some(Ok(instance)) => Ok(Calculator { computation: self, store, instance }),
            Some(Err(error)) => Err(self.stopped(&error, store.data(), "instantiate")),
            None => Err(self.ended(Stop::Deadline, "instantiate")),
        }
    }

    /// Calls `function` of the contract in a fresh instance; see [`Calculator::call`].
    pub async fn call(&self, function: &str, params: &[Value]) -> Result<Option<Value>, ComputationError> {
        self.begin().await?.call(function, params).await
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.shared.settings.execution).unwrap_or(now)
    }

    fn stopped(&self, error: &wasmtime::Error, state: &State, function: &str) -> ComputationError {
        if let Some(wasi) = &state.wasi {
            wasi.flush();
        }
        let stop = Stop::of(error, state);
        stop::report(&stop, Some(error), &self.shared, function);
        self.ended(stop, function)
    }

    fn ended(&self, stop: Stop, function: &str) -> ComputationError {
        let (name, function) = (self.shared.settings.name.clone(), function.to_owned());
        match stop {
            Stop::Deadline => ComputationError::Late { name, function, time: self.shared.settings.execution },
            Stop::Limit(reason) => ComputationError::Limit { name, function, reason },
            Stop::Trap(reason) => ComputationError::Trapped { name, function, reason },
        }
    }

    fn misfit(&self, function: &str, reason: impl std::fmt::Display) -> ComputationError {
        let name = self.shared.settings.name.clone();
        ComputationError::Misfit { name, function: function.to_owned(), reason: format!("{reason:#}") }
    }

    fn function(&self, name: &str) -> Result<(&Function, &ComponentExportIndex), ComputationError> {
        let found = self.contract.functions.iter().zip(&self.exports).find(|((known, _), _)| *known == name);
        let ((_, function), export) = found.ok_or_else(|| self.misfit(name, "there is no such function"))?;
        Ok((function, export))
    }
}

impl Calculator<'_> {
    /// Calls `function` of the contract. Gives a value of its result's type, none where it has none. After an error the
    /// instance may be of no more use.
    pub async fn call(&mut self, function: &str, params: &[Value]) -> Result<Option<Value>, ComputationError> {
        let computation = self.computation;
        let (signature, export) = computation.function(function)?;
        let misfit = |error: wasmtime::Error| computation.misfit(function, error);
        if params.len() != signature.params.len() {
            return Err(computation.misfit(function, format!("it takes {} values", signature.params.len())));
        }
        let lowered = signature.params.iter().zip(params).map(|(param, value)| lower(&param.ty, value));
        let lowered = lowered.collect::<wasmtime::Result<Vec<Val>>>().map_err(misfit)?;
        let deadline = computation.deadline();
        store::reopen(&mut self.store, CallContext::new(0, deadline));
        let mut results = vec![Val::Bool(false); usize::from(signature.result.is_some())];
        let called = match self.instance.get_func(&mut self.store, export) {
            Some(code) => deadline::before(deadline, code.call_async(&mut self.store, &lowered, &mut results)).await,
            None => return Err(computation.misfit(function, "it is not exported")),
        };
        match called {
            Some(Ok(())) => {
                let lifted = signature.result.as_ref().zip(results.first()).map(|(ty, val)| lift(ty, val));
                lifted.transpose().map_err(misfit)
            }
            Some(Err(error)) => Err(computation.stopped(&error, self.store.data(), function)),
            None => Err(computation.ended(Stop::Deadline, function)),
        }
    }
}

impl std::fmt::Debug for Computation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Computation").field("name", &self.shared.settings.name).finish_non_exhaustive()
    }
}

/// The contract's functions in the component, in their order.
fn exports(component: &Component, name: &str, contract: &Contract) -> Result<Vec<ComponentExportIndex>, EngineError> {
    let interface = contract.name.to_string();
    let index = component.code.get_export_index(None, &interface);
    let missing = || EngineError::NoContract { name: name.to_owned(), contract: interface.clone() };
    let export = |function| component.code.get_export_index(index.as_ref(), function).ok_or_else(missing);
    index.as_ref().ok_or_else(missing)?;
    contract.functions.keys().map(export).collect()
}

/// Clocks that stand still, where they began.
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Makes a guest's world the same for every instance.
pub(crate) fn furnish(world: &mut WasiCtxBuilder) {
    world.wall_clock(Still).monotonic_clock(Still).insecure_random(Deterministic::new(vec![0])).insecure_random_seed(0);
}

/// The interfaces of real randomness, by the versions that wasmtime-wasi names them by.
const RANDOM: [&str; 2] = ["wasi:random/random@0.2.12", "wasi:random/random@0.3.0"];

/// It asked for real randomness.
#[derive(Debug, thiserror::Error)]
#[error("it asked for random numbers, and its results may depend on nothing but what it is given")]
struct NoRandomness;

/// Puts functions that fail in the place of real randomness.
pub(crate) fn deny_randomness(linker: &mut Linker<State>, has_concurrency: bool) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    for interface in RANDOM.iter().take(if has_concurrency { 2 } else { 1 }) {
        let mut instance = linker.instance(interface)?;
        instance.func_wrap(
            "get-random-bytes",
            |_: StoreContextMut<'_, State>, _: (u64,)| -> wasmtime::Result<(Vec<u8>,)> { Err(NoRandomness.into()) },
        )?;
        instance.func_wrap("get-random-u64", |_: StoreContextMut<'_, State>, (): ()| -> wasmtime::Result<(u64,)> {
            Err(NoRandomness.into())
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
