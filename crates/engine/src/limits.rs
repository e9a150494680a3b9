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

/// Buckets of `wasi:keyvalue` that one instance has open: 64 buckets.
pub const KEYVALUE_BUCKETS_MAX: usize = 64;

/// Swaps of `wasi:keyvalue` that one instance has begun; each holds a value: 16 swaps.
pub const KEYVALUE_SWAPS_MAX: usize = 16;

/// Numbered cursors that an open bucket remembers; older ones are refused: 16 cursors.
pub const KEYVALUE_CURSORS_MAX: usize = 16;

/// Operations of `wasi:keyvalue` that one actor has under way; more are refused: 256 operations.
pub const KEYVALUE_OPERATIONS_MAX: usize = 256;

/// What a host call may lift besides one message (names, strings of WASI calls): 64 KiB.
pub const HOSTCALL_SPARE_BYTES: usize = 64 << 10;

/// Live handles to resources in one instance: 4,096 handles.
pub const HANDLES_MAX: usize = 4_096;

/// Streams, pollables and the like that the host holds for one instance: 1,024 resources.
pub const HOST_RESOURCES_MAX: usize = 1_024;

/// Files and folders that one instance has open, granted ones among them: 256 files.
pub const FILES_MAX: usize = 256;

/// Sockets that one instance has: 128 sockets.
pub const SOCKETS_MAX: usize = 128;

/// Names that one actor looks up at once, those among them whose answers it has not taken; more fail with
/// `temporary-resolver-failure` in 0.2, and wait in 0.3: 16 lookups.
pub const LOOKUPS_MAX: usize = 16;

/// How long a lookup counts that an actor gave up, because the system goes on with it: 10 seconds.
pub const LOOKUP_ABANDONED_TIME: Duration = Duration::from_secs(10);

/// How long a command may run that was given no other time: 10 years.
pub const COMMAND_TIME_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The most random bytes a guest may ask for in one call: 1 MiB.
pub const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// Idle instances kept for reuse by one actor: 32 instances.
pub const IDLE_INSTANCES_MAX: usize = 32;

/// The longest line of an actor's log; a longer one is split: 8 KiB.
pub const LOG_LINE_BYTES_MAX: usize = 8 << 10;

/// The longest context of an event that an actor logs; the rest is left out: 200 bytes.
pub const LOG_CONTEXT_BYTES_MAX: usize = 200;

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

/// How long the body of an answer of `wasi:http` may take after its head: 600 seconds.
pub const HTTP_STREAMING_DEFAULT: Duration = Duration::from_secs(600);

/// The body of an answer of `wasi:http`; beyond, it is broken off: 4 GiB, in bytes.
pub const HTTP_BODY_BYTES_MAX: u64 = 4 << 30;

/// What an actor may write to a body in one go, and what is held of it until somebody reads: 64 KiB, in bytes.
pub const HTTP_CHUNK_BYTES_MAX: usize = 64 << 10;

/// Names and values of the headers or trailers that an actor makes, as they lie in memory: 64 KiB, in bytes.
pub const HTTP_FIELDS_BYTES_MAX: usize = 64 << 10;

/// Resources of the host that an instance may have left to be used for another request of HTTP: 64 resources.
pub const HTTP_RESOURCES_KEPT_MAX: usize = 64;
