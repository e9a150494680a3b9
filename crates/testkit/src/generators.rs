//! Generators that are components, for tests without a runtime of their own.

use std::fs;

use anyhow::{Context as _, Result, anyhow};
use engine::{Engine, EngineSettings};
use host::generator::{Generator, GeneratorLimits};
use model::contract::Contract;
use model::wire::Side;
use tokio::runtime::Runtime;

use crate::application::{chain, root};

/// A generator of the folder `guests`, built by `cargo x guests generators`.
///
/// # Errors
///
/// It has not been built.
pub fn component(name: &str) -> Result<Vec<u8>> {
    let path = root().join(format!("guests/target/wasm32-wasip2/release/{name}.wasm"));
    fs::read(&path).with_context(|| format!("cannot read {}; run `cargo x guests generators`", path.display()))
}

/// An engine that keeps compiled code where all tests do.
///
/// # Errors
///
/// It cannot start.
pub fn engine() -> Result<Engine> {
    let cache_dir = Some(root().join("target/tools/compiled"));
    Ok(Engine::new(EngineSettings { cache_dir, instances_max: 16, ..EngineSettings::default() })?)
}

/// A generator, with the runtime that it needs.
pub struct Blocking {
    runtime: Runtime,
    generator: Generator,
}

impl Blocking {
    /// The generator that this repository builds, within limits that a busy machine keeps to.
    ///
    /// # Errors
    ///
    /// It has not been built, or is no generator.
    pub fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let limits = GeneratorLimits { time: std::time::Duration::from_secs(120), ..GeneratorLimits::default() };
        let bytes = component("generator")?;
        let generator = runtime.block_on(Generator::within(&engine()?, &bytes, limits));
        Ok(Self { generator: generator.map_err(|error| anyhow!(chain(&error)))?, runtime })
    }

    /// The generator.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// An adapter.
    ///
    /// # Errors
    ///
    /// As of [`Generator::adapter`].
    pub fn adapter(&self, contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>> {
        let made = self.runtime.block_on(self.generator.adapter(contract, side, wire));
        made.map_err(|error| anyhow!(chain(&error)))
    }
}
