//! Generators of adapters: the one that this program is built with, and components that do the same.
//!
//! A generator that is a component runs as a computation: without grants, within [`GeneratorLimits`], each adapter in an
//! instance of its own. What it answers is believed only after [`adapter::verify`] has looked at it.

pub mod values;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapter::generate::contract_text;
use adapter::generator::{self as native, Info};
use adapter::source::{SourceError, componentize};
use adapter::verify::{VerifyError, verify};
use adapter::view::view;
use engine::{Computation, ComputationError, ComputationSettings, Engine, EngineError, EngineSettings};
use model::contract::{Contract, ContractName};
use model::ids::ByteSize;
use model::value::Value;
use model::view::Shape;
use model::wire::Side;

use crate::limits::{ADAPTER_BYTES_MAX, GENERATOR_MEMORY, GENERATOR_TIME_MAX};

/// What a generator is called in messages, and its component in errors.
const NAME: &str = "the generator";

/// Makes adapters.
#[derive(Debug)]
pub struct Generator {
    kind: Kind,
    info: Info,
    /// The largest adapter.
    most: ByteSize,
}

#[derive(Debug)]
enum Kind {
    Native,
    Component(Computation),
}

/// What a generator that is a component may use for one adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorLimits {
    /// Its memory.
    pub memory: ByteSize,
    /// Its time.
    pub time: Duration,
    /// The adapter.
    pub adapter: ByteSize,
}

impl Default for GeneratorLimits {
    fn default() -> Self {
        Self { memory: GENERATOR_MEMORY, time: GENERATOR_TIME_MAX, adapter: ADAPTER_BYTES_MAX }
    }
}

/// Why there is no generator, or it made no adapter.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// Its bytes are no component.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It is no generator.
    #[error("it exports no `{}`, so it is no generator; see docs/GENERATOR.md", native::CONTRACT)]
    NoGenerator,
    /// It is one of another kind.
    #[error(
        "its `{}` is not the one that this version of lath knows; build it with that of wit/lath-generator",
        native::CONTRACT
    )]
    OtherContract,
    /// It wants something of the world.
    #[error("it imports {}, and a generator may import nothing but WASI", imports.join(", "))]
    Imports {
        /// The imports.
        imports: Vec<String>,
    },
    /// It cannot be compiled or connected.
    #[error(transparent)]
    Engine(EngineError),
    /// It ended without an answer, or would have used more than it may.
    #[error(transparent)]
    Computation(#[from] ComputationError),
    /// Its answer makes no sense.
    #[error("the generator's answer makes no sense: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// It does not know a version of the wire.
    #[error("generator {name} does not write version {wire} of the wire; it writes {}", .known.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    Wire {
        /// The generator.
        name: String,
        /// The version.
        wire: u32,
        /// What it writes.
        known: Vec<u32>,
    },
    /// It refuses a contract.
    #[error("generator {name} makes no {side} of contract `{contract}`")]
    Refused {
        /// The generator.
        name: String,
        /// The contract.
        contract: ContractName,
        /// Which of the two.
        side: Side,
        /// Why.
        #[source]
        source: native::Error,
    },
    /// What it made is too large.
    #[error("the {side} of contract `{contract}` that generator {name} made has {size} bytes, more than {most}")]
    Large {
        /// The generator.
        name: String,
        /// The contract.
        contract: ContractName,
        /// Which of the two.
        side: Side,
        /// Its size in bytes.
        size: usize,
        /// The most, in bytes.
        most: u64,
    },
    /// What it made is not what was asked for.
    #[error("what generator {name} made is not the {side} of contract `{contract}`; use another generator")]
    Unfit {
        /// The generator.
        name: String,
        /// The contract.
        contract: ContractName,
        /// Which of the two.
        side: Side,
        /// What is wrong with it.
        #[source]
        source: VerifyError,
    },
    /// The thread that compiled it is gone.
    #[error("the thread that compiled the generator broke down; this is an error of lath")]
    Thread,
}

impl From<EngineError> for GeneratorError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::UnknownImports { imports, .. } => Self::Imports { imports },
            EngineError::NoContract { .. } => Self::NoGenerator,
            other => Self::Engine(other),
        }
    }
}

impl Generator {
    /// The one that this program is built with.
    pub fn native() -> Self {
        Self { kind: Kind::Native, info: native::info(), most: ADAPTER_BYTES_MAX }
    }

    /// A component that exports `lath:generator/generator`, within the default limits. Within a tokio runtime with timers.
    ///
    /// # Errors
    ///
    /// It is no generator, imports more than WASI, or does not say what it is.
    pub async fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, GeneratorError> {
        Self::within(engine, bytes, GeneratorLimits::default()).await
    }

    /// A component, in an engine of its own that keeps compiled code in `cache`: for programs that run nothing else.
    ///
    /// # Errors
    ///
    /// As for [`Generator::from_bytes`], or there is no engine.
    pub async fn alone(cache: Option<PathBuf>, bytes: &[u8]) -> Result<Self, GeneratorError> {
        let engine = Engine::new(EngineSettings { cache_dir: cache, instances_max: 1, ..EngineSettings::default() });
        Self::from_bytes(&engine.map_err(GeneratorError::Engine)?, bytes).await
    }

    /// A component within these limits.
    ///
    /// # Errors
    ///
    /// As for [`Generator::from_bytes`].
    pub async fn within(engine: &Engine, bytes: &[u8], limits: GeneratorLimits) -> Result<Self, GeneratorError> {
        let (engine, bytes) = (engine.clone(), bytes.to_owned());
        let preparing = tokio::task::spawn_blocking(move || prepare(&engine, &bytes, limits));
        let computation = preparing.await.map_err(|_| GeneratorError::Thread)??;
        let info = values::info(computation.call("info", &[]).await?)?;
        Ok(Self { kind: Kind::Component(computation), info, most: limits.adapter })
    }

    /// What it says that it is.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The sender of `contract` for version `wire` of the wire.
    ///
    /// # Errors
    ///
    /// It makes none, or none that fits.
    pub async fn sender(&self, contract: &Contract, wire: u32) -> Result<Vec<u8>, GeneratorError> {
        self.adapter(contract, Side::Sender, wire).await
    }

    /// The receiver of `contract` for version `wire` of the wire.
    ///
    /// # Errors
    ///
    /// It makes none, or none that fits.
    pub async fn receiver(&self, contract: &Contract, wire: u32) -> Result<Vec<u8>, GeneratorError> {
        self.adapter(contract, Side::Receiver, wire).await
    }

    /// The `side` adapter of `contract` for version `wire` of the wire: an adapter of just this contract, side and wire, or
    /// an error.
    ///
    /// # Errors
    ///
    /// It makes none, or none that fits.
    pub async fn adapter(&self, contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>, GeneratorError> {
        let name = || self.info.name.clone();
        let contract_name = || contract.name.clone();
        if !self.info.wires.contains(&wire) {
            return Err(GeneratorError::Wire { name: name(), wire, known: self.info.wires.clone() });
        }
        let made = match &self.kind {
            Kind::Native => native::adapter_of(contract, side, wire),
            Kind::Component(computation) => ask(computation, contract, side, wire).await?,
        };
        let bytes =
            made.map_err(|source| GeneratorError::Refused { name: name(), contract: contract_name(), side, source })?;
        let most = self.most.0;
        if bytes.len() as u64 > most {
            let size = bytes.len();
            return Err(GeneratorError::Large { name: name(), contract: contract_name(), side, size, most });
        }
        verify("the adapter", &bytes, contract, side, &native::wire_id(wire))
            .map_err(|source| GeneratorError::Unfit { name: name(), contract: contract_name(), side, source })?;
        Ok(bytes)
    }
}

fn prepare(engine: &Engine, bytes: &[u8], limits: GeneratorLimits) -> Result<Computation, GeneratorError> {
    let component: Cow<'_, [u8]> = componentize(NAME, bytes)?;
    let contract = native::contract()?;
    let seen = view(NAME, &component)?;
    match seen.exports.iter().find(|port| port.label == native::CONTRACT).map(|port| &port.shape) {
        Some(Shape::Contract(found)) if **found == contract => {}
        Some(_) => return Err(GeneratorError::OtherContract),
        None => return Err(GeneratorError::NoGenerator),
    }
    let settings = ComputationSettings {
        name: NAME.to_owned(),
        memory_bytes: limits.memory.0,
        execution: limits.time,
        result_bytes_max: usize::try_from(limits.adapter.0).unwrap_or(usize::MAX),
    };
    let loaded = engine.load(&component)?;
    Ok(engine.computation(&loaded.component, settings, Arc::new(contract))?)
}

async fn ask(
    computation: &Computation,
    contract: &Contract,
    side: Side,
    wire: u32,
) -> Result<Result<Vec<u8>, native::Error>, GeneratorError> {
    let params = [values::contract(contract.name.to_string(), contract_text(contract)), Value::U32(wire)];
    values::adapter(computation.call(&side.to_string(), &params).await?)
}
