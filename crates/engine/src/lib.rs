//! Runs composites: compiled code by content, instances within limits, calls with deadlines.
//!
//! The only crate that knows wasmtime. It must not know contracts, the lattice, registries or the terminal:
//! a composite is a component that imports `send` under labels, exports `receive` under labels, and may
//! import WASI 0.2. What a label means is decided by whoever implements [`Outbound`].
//!
//! Start reading at [`Engine::load`], then [`Engine::actor`] and [`Actor::call`]. Inside: `config` (the two
//! wasmtime engines), `cache` (compiled code on disk), `actor` (admission, instances, one call), `store` (what an
//! instance may use), `wasi` and `log` (its world), `stop` (why a call ended). Tests are in `tests/it`: small
//! guests written as WAT, one for each way to misbehave.

mod actor;
mod cache;
mod call;
mod command;
mod component;
mod computation;
mod config;
mod config_store;
mod deadline;
mod ear;
mod engine;
mod error;
pub mod http;
pub mod keyvalue;
pub mod limits;
mod linker;
mod log;
mod logging;
pub mod native;
mod outbound;
mod precompiled;
mod settings;
mod stop;
mod store;
mod tape;
mod ticker;
mod wasi;
mod wire;

pub use actor::{Actor, ActorStats, DrainError, Latencies, Unanswered};
pub use call::CallContext;
pub use command::{Command, Ended, Pipe, Stdio};
pub use component::{Component, Loaded};
pub use computation::{Calculator, Computation, ComputationError, ComputationSettings};
pub use ear::{Ear, Heard, Way};
pub use engine::{Engine, EngineStats};
pub use error::EngineError;
pub use outbound::{Outbound, Outgoing, SendFuture};
pub use settings::{ActorSettings, EngineSettings};
pub use tape::{Randomness, Tape, Tapes};
pub use wasi::host_imports;
