//! The yardstick for calls and instances: the same components in wasmtime with nothing of Lath.

use anyhow::{Context as _, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable, TypedFunc};
use wasmtime::{Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Far enough that no epoch ever comes.
const NEVER: u64 = 1 << 60;

const TARGET: &str = "test:bench/target@0.1.0";
const DRIVER: &str = "test:bench/driver@0.1.0";

/// What a store of the yardstick holds.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// A wasmtime engine as fast as it gets for calls between components; `epochs` lets it stop a guest, as Lath must.
pub(crate) fn engine(epochs: bool) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .decommit_batch_size(16);
    let mut config = Config::new();
    config
        .wasm_component_model_async(false)
        .concurrency_support(false)
        .epoch_interruption(epochs)
        .compiler_inlining(Inlining::InterModule)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(Engine::new(&config)?)
}

/// The caller with its import met by the callee, as `wac plug` does it.
pub(crate) fn plug(caller: Vec<u8>, callee: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let [caller, callee] = [("bench:caller", caller), ("bench:callee", callee)].map(|(name, bytes)| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        let package = graph.register_package(package)?;
        Ok::<_, anyhow::Error>(graph.instantiate(package))
    });
    let (caller, callee) = (caller?, callee?);
    let target = graph.alias_instance_export(callee, TARGET)?;
    graph.set_instantiation_argument(caller, TARGET, target)?;
    let driver = graph.alias_instance_export(caller, DRIVER)?;
    graph.export(driver, DRIVER)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// A component that can be instantiated.
pub(crate) struct Plain {
    engine: Engine,
    component: Component,
    instances: InstancePre<State>,
}

/// A function of the caller that makes many calls: (calls) -> result.
pub(crate) type Drive = TypedFunc<(u32,), (Result<u64, String>,)>;
/// `add` of the callee.
type Add = TypedFunc<(u32, u32), (u32,)>;

impl Plain {
    pub(crate) fn new(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        let component = Component::new(engine, bytes)?;
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let instances = linker.instantiate_pre(&component)?;
        Ok(Self { engine: engine.clone(), component, instances })
    }

    fn store(&self) -> Store<State> {
        let mut store =
            Store::new(&self.engine, State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() });
        store.set_epoch_deadline(NEVER);
        store
    }

    /// One instance of the caller, and its function `name`.
    pub(crate) async fn driver(&self, name: &str) -> Result<(Store<State>, Drive)> {
        let mut store = self.store();
        let instance = self.instances.instantiate_async(&mut store).await?;
        let drive = self.component.get_export_index(None, DRIVER);
        let drive = drive.and_then(|driver| self.component.get_export_index(Some(&driver), name));
        let drive = drive.with_context(|| format!("the caller has no function `{name}`"))?;
        let drive = instance.get_typed_func(&mut store, drive)?;
        Ok((store, drive))
    }

    /// Calls `add` of a fresh instance of the callee, `calls` times.
    pub(crate) async fn add_fresh(&self, calls: u32) -> Result<()> {
        let add = self.component.get_export_index(None, TARGET);
        let add = add.and_then(|target| self.component.get_export_index(Some(&target), "add"));
        let add = add.context("the callee has no function `add`")?;
        for call in 0..calls {
            let mut store = self.store();
            let instance = self.instances.instantiate_async(&mut store).await?;
            let add: Add = instance.get_typed_func(&mut store, add)?;
            add.call_async(&mut store, (call, 1)).await?;
        }
        Ok(())
    }
}
