//! Bounds and defaults. Each has a row in `docs/LIMITS.md` and a test that trips it. The defaults of an actor are
//! those of [`model::limits`].

use std::time::Duration;

/// How often a running guest is looked at: stopping one takes at most a few of these: 5 ms.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// How long after its deadline a guest may still be resumed, so that it can be stopped with a backtrace: 40 ms.
pub const EXPIRY_GRACE: Duration = Duration::from_millis(40);

/// The most linear memories in one composite: 64 memories.
pub const MEMORIES_PER_COMPONENT_MAX: u32 = 64;

/// The most tables in one composite: 256 tables.
pub const TABLES_PER_COMPONENT_MAX: u32 = 256;

/// The most core instances in one composite: 512 instances.
pub const CORE_INSTANCES_PER_COMPONENT_MAX: u32 = 512;

/// The engine's own records of one composite: 16 MiB.
pub const COMPONENT_INSTANCE_BYTES_MAX: usize = 16 << 20;

/// The most elements of one table: 65,536 elements.
pub const TABLE_ELEMENTS_MAX: usize = 65_536;

/// Composites alive at once in one engine, unless set: 1,000 instances.
pub const INSTANCES_DEFAULT: u32 = 1_000;

/// Linear memories reserved for each composite in the pool, unless more are set: language runtimes bring some of
/// their own: 8 memories.
pub const MEMORIES_PER_INSTANCE_MIN: u32 = 8;

/// The stack of guest code: 512 KiB.
pub const WASM_STACK_BYTES: usize = 512 << 10;

/// Compiled code kept on disk; the least recently used goes first: 4 GiB.
pub const CACHE_BYTES_MAX: u64 = 4 << 30;

/// What a host call may lift besides one message (names, strings of WASI calls): 64 KiB.
pub const HOSTCALL_SPARE_BYTES: usize = 64 << 10;

/// Live handles to resources in one instance: 4,096 handles.
pub const HANDLES_MAX: usize = 4_096;

/// Streams, pollables and the like that the host holds for one instance: 1,024 resources.
pub const HOST_RESOURCES_MAX: usize = 1_024;

/// The most random bytes a guest may ask for in one call: 1 MiB.
pub const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// Idle instances kept for reuse by one actor: 32 instances.
pub const IDLE_INSTANCES_MAX: usize = 32;

/// The longest line of an actor's log; a longer one is split: 8 KiB.
pub const LOG_LINE_BYTES_MAX: usize = 8 << 10;

/// What each line of an actor's log costs of its rate besides its own bytes, so that many short ones are no flood:
/// 64 bytes.
pub const LOG_LINE_COST_BYTES: usize = 64;

/// What a guest may write to its output in one call of the host: 64 KiB.
pub const LOG_WRITE_BYTES_MAX: usize = 64 << 10;

/// The frames shown in a backtrace: 32 frames.
pub const BACKTRACE_FRAMES_MAX: usize = 32;

/// The longest backtrace: 16,384 characters.
pub const BACKTRACE_CHARS_MAX: usize = 16_384;

/// The longest name of a method shown in a log: 200 characters.
pub const METHOD_CHARS_MAX: usize = 200;
