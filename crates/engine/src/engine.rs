//! The engine: compiles, caches, and makes actors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use model::contract::Contract;
use sha2::{Digest, Sha256};
use wasmtime::component::Linker;

use crate::actor::{Actor, IdleInstances};
use crate::cache::{Cache, Key};
use crate::command::Command;
use crate::component::{Component, Loaded};
use crate::computation::{Computation, ComputationSettings};
use crate::config::{self, Kind};
use crate::error::EngineError;
use crate::linker;
use crate::native::{Functions, Native};
use crate::outbound::{Nowhere, Outbound};
use crate::settings::{ActorSettings, EngineSettings};
use crate::store::{Live, State};
use crate::ticker::Ticker;

/// Runs composites. Cheap to clone; the last clone, component and actor end it together.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    settings: EngineSettings,
    plain: Arc<Flavour>,
    /// Made when a component needs it.
    concurrent: Mutex<Option<Arc<Flavour>>>,
    cache: Option<Cache>,
    shared: Arc<EngineShared>,
}

/// What outlives the [`Engine`] as long as one of its actors does.
pub(crate) struct EngineShared {
    ticker: Ticker,
    pub(crate) live: Live,
    pub(crate) idle: IdleInstances,
}

/// One of the two wasmtime engines, with what the host itself provides to any component.
pub(crate) struct Flavour {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) concurrent: bool,
    pub(crate) shared: Arc<EngineShared>,
}

/// What an engine counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineStats {
    /// Instances alive now, running or idle.
    pub instances: usize,
}

impl Engine {
    /// An engine with these settings.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let ticker = Ticker::start().map_err(|error| EngineError::Start(error.into()))?;
        let shared = Arc::new(EngineShared { ticker, live: Live::default(), idle: IdleInstances::default() });
        let plain = Flavour::start(Kind::Plain, &settings, &shared)?;
        let cache = settings.cache_dir.as_deref().and_then(|dir| Cache::open(dir, settings.cache_bytes_max));
        Ok(Self(Arc::new(Inner { settings, plain, concurrent: Mutex::default(), cache, shared })))
    }

    /// Compiles a composite, or takes its code from the cache. This takes as long as the component is large, and
    /// blocks the thread.
    pub fn load(&self, bytes: &[u8]) -> Result<Loaded, EngineError> {
        let begun = Instant::now();
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let (component, cached) = match self.load_with(&self.0.plain, bytes, digest) {
            Err(error) if needs_concurrency(&error) => {
                self.load_with(&self.concurrent()?, bytes, digest).map_err(compile_error)?
            }
            loaded => loaded.map_err(compile_error)?,
        };
        Ok(Loaded { component, cached, elapsed: begun.elapsed() })
    }

    /// An actor that runs `component`, sends through `outbound` and keeps to `settings`.
    pub fn actor(
        &self,
        component: &Component,
        settings: ActorSettings,
        outbound: Arc<dyn Outbound>,
    ) -> Result<Actor, EngineError> {
        Actor::new(component, settings, outbound, None)
    }

    /// Whoever implements `contract` natively: an actor made of the contract's receiver and of `functions`. It sends
    /// nothing. A call that a function ends with a failure fails with just that.
    pub fn native(
        &self,
        receiver: &Component,
        settings: ActorSettings,
        contract: Arc<Contract>,
        functions: Arc<dyn Functions>,
    ) -> Result<Actor, EngineError> {
        let native = Native { contract, functions };
        Actor::new(receiver, settings, Arc::new(Nowhere), Some(&native))
    }

    /// A command: `component` exports `wasi:cli/run`. Of the settings, those about calls mean nothing to it.
    pub fn command(&self, component: &Component, settings: ActorSettings) -> Result<Command, EngineError> {
        Command::new(component, settings)
    }

    /// A computation: `component` exports `contract`, and is called with values. It has no grants, whatever it imports.
    pub fn computation(
        &self,
        component: &Component,
        settings: ComputationSettings,
        contract: Arc<Contract>,
    ) -> Result<Computation, EngineError> {
        Computation::new(component, settings, contract)
    }

    /// The wasmtime engine beneath, without concurrency support or with it, for the tests that hold both to the
    /// specification. Whoever makes a store of it sees to its epochs.
    #[doc(hidden)]
    pub fn wasmtime(&self, concurrent: bool) -> Result<wasmtime::Engine, EngineError> {
        let flavour = if concurrent { self.concurrent()? } else { Arc::clone(&self.0.plain) };
        Ok(flavour.engine.clone())
    }

    /// What is alive now.
    pub fn stats(&self) -> EngineStats {
        EngineStats { instances: self.0.shared.live.count() }
    }

    fn concurrent(&self) -> Result<Arc<Flavour>, EngineError> {
        let mut concurrent = self.0.concurrent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flavour) = &*concurrent {
            return Ok(Arc::clone(flavour));
        }
        let flavour = Flavour::start(Kind::Concurrent, &self.0.settings, &self.0.shared)?;
        *concurrent = Some(Arc::clone(&flavour));
        Ok(flavour)
    }

    fn load_with(&self, flavour: &Arc<Flavour>, bytes: &[u8], digest: [u8; 32]) -> wasmtime::Result<(Component, bool)> {
        let component = |code| Component { code, flavour: Arc::clone(flavour) };
        let Some(cache) = &self.0.cache else {
            return Ok((component(compile(&flavour.engine, bytes)?), false));
        };
        let key = Key::new(&flavour.engine, digest);
        if let Some(code) = cache.take(&flavour.engine, &key) {
            return Ok((component(code), true));
        }
        let code = compile(&flavour.engine, bytes)?;
        cache.keep(&key, &code);
        Ok((component(code), false))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.0.settings).field("stats", &self.stats()).finish()
    }
}

impl Flavour {
    fn start(kind: Kind, settings: &EngineSettings, shared: &Arc<EngineShared>) -> Result<Arc<Self>, EngineError> {
        let failed = |error: wasmtime::Error| EngineError::Start(error.into_boxed_dyn_error());
        let engine = config::start(kind, settings).map_err(failed)?;
        let linker = linker::host(&engine, kind == Kind::Concurrent).map_err(failed)?;
        shared.ticker.add(&engine);
        Ok(Arc::new(Self { engine, linker, concurrent: kind == Kind::Concurrent, shared: Arc::clone(shared) }))
    }
}

/// Compiles. wasmtime's validator lets some components through that its translator then panics over, such as one that
/// names a callback which it does not have; that is an error of the component like any other.
fn compile(engine: &wasmtime::Engine, bytes: &[u8]) -> wasmtime::Result<wasmtime::component::Component> {
    // Nothing outlives the panic but the engine, whose only state are registries behind locks of their own.
    let compiled = catch_unwind(AssertUnwindSafe(|| wasmtime::component::Component::new(engine, bytes)));
    compiled.unwrap_or_else(|_| Err(wasmtime::format_err!("the compiler cannot read its structure")))
}

/// Whether the plain engine refused a component only because it uses async types. The validator says so in words;
/// a test holds it to them.
fn needs_concurrency(error: &wasmtime::Error) -> bool {
    format!("{error:#}").contains("component model async")
}

fn compile_error(error: wasmtime::Error) -> EngineError {
    EngineError::Compile(error.into_boxed_dyn_error())
}
