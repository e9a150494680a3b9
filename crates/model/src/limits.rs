//! Bounds and defaults. Each has a row in `docs/LIMITS.md` and a test that trips it.

use std::time::Duration;

use crate::ids::ByteSize;

/// The longest name of an application, actor or provider: 63 bytes (one DNS label, one NATS token).
pub const NAME_LEN_MAX: usize = 63;

/// The longest manifest: 1 MiB, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// Errors reported at once for a manifest; the rest is counted: 100 errors.
pub const MANIFEST_ERRORS_MAX: usize = 100;
/// Names listed in the help of one error; where there are more they are counted: 30 names.
pub const SUGGESTIONS_LISTED_MAX: usize = 30;

/// The deadline of a call where neither link nor application states one: 5 seconds.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest deadline that may be asked for: 3600 seconds.
pub const DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// Memory of one instance where the manifest does not say: 64 MiB, in bytes.
pub const MEMORY_DEFAULT: ByteSize = ByteSize(64 << 20);
/// The least memory that may be asked for, one page of WebAssembly: 64 KiB, in bytes.
pub const MEMORY_MIN: ByteSize = ByteSize(64 << 10);
/// The most memory that may be asked for, what 32 bits address: 4 GiB, in bytes.
pub const MEMORY_MAX: ByteSize = ByteSize(4 << 30);

/// Instances of an actor at once, per host, where the manifest does not say: 100 instances.
pub const INSTANCES_DEFAULT: u32 = 100;
/// The most instances that may be asked for: 10000 instances.
pub const INSTANCES_MAX: u32 = 10_000;

/// Calls that wait for an instance where the manifest does not say: 1000 calls.
pub const QUEUE_DEFAULT: u32 = 1_000;
/// The longest queue that may be asked for: 100000 calls.
pub const QUEUE_MAX: u32 = 100_000;

/// How long an actor may take to say that it is ready, where the manifest does not say: 10 seconds.
pub const READY_TIME_DEFAULT: Duration = Duration::from_secs(10);
/// The longest time for that which may be asked for: 300 seconds.
pub const READY_TIME_MAX: Duration = Duration::from_secs(300);

/// Running time of one call where the manifest does not say: 2 seconds.
pub const EXECUTION_DEFAULT: Duration = Duration::from_secs(2);
/// The longest running time that may be asked for: 3600 seconds.
pub const EXECUTION_MAX: Duration = Duration::from_secs(3600);

/// Payload of one message where the manifest does not say: 4 MiB, in bytes.
pub const MESSAGE_DEFAULT: ByteSize = ByteSize(4 << 20);
/// The least message limit that may be asked for: 1 KiB, in bytes.
pub const MESSAGE_MIN: ByteSize = ByteSize(1 << 10);
/// The largest message limit that may be asked for: 64 MiB, in bytes.
pub const MESSAGE_MAX: ByteSize = ByteSize(64 << 20);

/// Depth of a chain of calls where the manifest does not say: 16 calls.
pub const DEPTH_DEFAULT: u32 = 16;
/// The greatest depth that may be asked for: 64 calls.
pub const DEPTH_MAX: u32 = 64;

/// Output to an actor's log where the manifest does not say: 64 KiB per second, in bytes.
pub const LOG_DEFAULT: ByteSize = ByteSize(64 << 10);
/// The least log rate that may be asked for: 1 KiB per second, in bytes.
pub const LOG_MIN: ByteSize = ByteSize(1 << 10);
/// The greatest log rate that may be asked for: 64 MiB per second, in bytes.
pub const LOG_MAX: ByteSize = ByteSize(64 << 20);

/// Calls that one instance serves where the manifest does not say, a fresh one for each: 1 call.
pub const REUSE_DEFAULT: u32 = 1;
/// The most calls that one instance may be asked to serve: 100000 calls.
pub const REUSE_MAX: u32 = 100_000;

/// Addresses found under names that one instance may connect to; the oldest are forgotten: 64 addresses.
pub const FOUND_ADDRESSES_MAX: usize = 64;

/// The longest value of a secret, and of a setting that a host gives to an actor in the place of the manifest's: 64 KiB,
/// in bytes.
pub const SECRET_BYTES_MAX: usize = 64 << 10;

/// The most hosts that an actor may be asked to run on, apart from `everywhere`: 1000 hosts.
pub const REPLICAS_MAX: u32 = 1_000;
/// The most labels that a host has, or that an actor asks of one: 32 labels.
pub const LABELS_MAX: usize = 32;
/// The most actors in a chain of middleware: 8 actors.
pub const CHAIN_MAX: usize = 8;
/// The longest path of a route: 1024 bytes.
pub const ROUTE_PATH_LEN_MAX: usize = 1_024;
/// The longest host name of a route, as in RFC 1035: 253 bytes.
pub const DOMAIN_NAME_LEN_MAX: usize = 253;

/// Composites alive at once on a host of a lattice, of all actors together, unless its file says otherwise: 1000.
pub const HOST_INSTANCES_DEFAULT: u32 = 1_000;

/// The most composites that a host's file may allow at once: 100000.
pub const HOST_INSTANCES_MAX: u32 = 100_000;

/// The longest `tracestate` that is passed on: 512 bytes. A longer one is left out, the trace goes on.
pub const TRACE_STATE_BYTES_MAX: usize = 512;

/// Members of a `tracestate`: 32, as W3C Trace Context has it. One with more is left out.
pub const TRACE_STATE_MEMBERS_MAX: usize = 32;
