//! The two wasmtime engines: one without concurrency support, which calls faster, one with it.

use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::limits;
use crate::settings::EngineSettings;

/// The most memory slots that one engine reserves: at 4 GiB of address space each, two engines have room in the
/// 128 TiB of a process.
const POOL_MEMORIES_MAX: u32 = 12_288;
/// What free slots keep resident, which saves a page fault for each page.
const MEMORY_KEEP_RESIDENT_BYTES: usize = 1 << 20;
const TABLE_KEEP_RESIDENT_BYTES: usize = 64 << 10;
/// Free slots kept warm for the component that had them last.
const WARM_SLOTS_MAX: u32 = 100;
/// Freed slots returned to the system in one go.
const DECOMMIT_BATCH: usize = 16;
/// Address space for each memory when no pool could be reserved.
const ON_DEMAND_RESERVATION_BYTES: u64 = 1 << 20;
/// The stack of guest code, as [`limits::WASM_STACK_BYTES`] bounds it, and of the host functions it calls.
const FIBER_STACK_BYTES: usize = 2 << 20;

/// Which of the two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For components without async types.
    Plain,
    /// For components with them.
    Concurrent,
}

/// A wasmtime engine of this kind; without a pool where its address space cannot be had.
pub(crate) fn start(kind: Kind, settings: &EngineSettings) -> wasmtime::Result<wasmtime::Engine> {
    let mut pooled = shared(kind);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    wasmtime::Engine::new(&pooled).or_else(|reason| {
        tracing::warn!(
            reason = format!("{reason:#}"),
            "no address space for a pool of instances: every call will be slower; raise `ulimit -v`"
        );
        wasmtime::Engine::new(&on_demand(kind))
    })
}

fn shared(kind: Kind) -> Config {
    let concurrent = kind == Kind::Concurrent;
    let mut config = Config::new();
    config
        .wasm_component_model_async(concurrent)
        .concurrency_support(concurrent)
        .wasm_component_model_implements(true)
        .wasm_component_model_map(true)
        .wasm_component_model_fixed_length_lists(true)
        .epoch_interruption(true)
        .compiler_inlining(Inlining::InterModule)
        .max_wasm_stack(limits::WASM_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(limits::BACKTRACE_FRAMES_MAX));
    config
}

fn on_demand(kind: Kind) -> Config {
    let mut config = shared(kind);
    config
        .memory_reservation(ON_DEMAND_RESERVATION_BYTES)
        .memory_reservation_for_growth(ON_DEMAND_RESERVATION_BYTES)
        .memory_guard_size(0)
        .memory_may_move(true);
    config
}

fn pool(settings: &EngineSettings) -> PoolingAllocationConfig {
    let instances = settings.instances_max.max(1);
    let memories = instances
        .saturating_mul(settings.memories_per_instance.max(limits::MEMORIES_PER_INSTANCE_MIN))
        .clamp(limits::MEMORIES_PER_COMPONENT_MAX, POOL_MEMORIES_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(limits::CORE_INSTANCES_PER_COMPONENT_MAX))
        .total_memories(memories)
        .total_tables(memories.saturating_mul(2).max(limits::TABLES_PER_COMPONENT_MAX))
        .total_stacks(instances)
        .max_core_instances_per_component(limits::CORE_INSTANCES_PER_COMPONENT_MAX)
        .max_memories_per_component(limits::MEMORIES_PER_COMPONENT_MAX)
        .max_memories_per_module(limits::MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(limits::TABLES_PER_COMPONENT_MAX)
        .max_tables_per_module(limits::TABLES_PER_COMPONENT_MAX)
        .max_component_instance_size(limits::COMPONENT_INSTANCE_BYTES_MAX)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT_BYTES)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto)
        .decommit_batch_size(DECOMMIT_BATCH)
        .max_unused_warm_slots(WARM_SLOTS_MAX);
    pool
}
