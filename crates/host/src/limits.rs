//! Bounds. Each has a row in `docs/LIMITS.md` and a test that trips it.

use std::time::Duration;

use model::ids::ByteSize;

/// The longest that a build command may run: 30 min.
pub const BUILD_TIME_MAX: Duration = Duration::from_secs(1800);

/// What is kept of the end of each stream of a build command: 8192 bytes.
pub const BUILD_OUTPUT_MAX: usize = 8192;

/// Files looked at to tell whether a component is stale: 100000.
pub const WATCHED_FILES_MAX: usize = 100_000;

/// The largest component or adapter file: 268435456 bytes.
pub const COMPONENT_BYTES_MAX: u64 = 268_435_456;

/// Memory of a generator that is a component, for each adapter: 256MiB.
pub const GENERATOR_MEMORY: ByteSize = ByteSize(256 << 20);

/// How long a generator that is a component may take for one adapter: 10 s.
pub const GENERATOR_TIME_MAX: Duration = Duration::from_secs(10);

/// The largest generated adapter: 4MiB.
pub const ADAPTER_BYTES_MAX: ByteSize = ByteSize(4 << 20);

/// The longest name or version of a generator: 100 bytes.
pub const GENERATOR_NAME_BYTES_MAX: usize = 100;

/// The most versions of the wire that a generator names: 16 versions.
pub const GENERATOR_WIRES_MAX: usize = 16;

/// Memory of a command, unless `--memory` says otherwise: 1GiB.
pub const COMMAND_MEMORY_DEFAULT: ByteSize = ByteSize(1 << 30);

/// The file with the configuration of a command: 1048576 bytes; a larger one is refused.
pub const COMMAND_CONFIG_BYTES_MAX: u64 = 1 << 20;

/// How long a command whose time is over may take to say where it was, because nobody takes what it writes: 1 s.
pub const COMMAND_STOP_GRACE: Duration = Duration::from_secs(1);

/// The longest that draining may take: 30 s. What still runs then is cut off.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Calls from the bus that a host serves at once: 2048; more are refused.
pub const BUS_CALLS_MAX: usize = 2048;

/// Events that may wait for a host's loop: 64. Their senders wait.
pub const EVENTS_MAX: usize = 64;

/// How often a host beats: 500 ms.
pub const BEAT_INTERVAL: Duration = Duration::from_millis(500);

/// The silence after which a host gets no more calls: 3 s.
pub const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Calls in a row without an answer after which a host is ejected: 3 calls.
pub const MISSED_CALLS_MAX: u32 = 3;

/// The pause before a host that gave no answers is tried with one call: 1 s. It doubles as long as that fails.
pub const TRIAL_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause before a host that gave no answers is tried again: 8 s.
pub const TRIAL_PAUSE_MAX: Duration = Duration::from_secs(8);

/// How long the beats of a host that came back are looked at to tell whether its ejection was wrongful: 1 s.
pub const VERDICT_TIME: Duration = Duration::from_secs(1);

/// Hosts whose health is known: 4096; further ones take the places of those that are gone, or are ignored.
pub const HOSTS_MAX: usize = 4_096;

/// How long a host that is gone is remembered: 600 s.
pub const FORGET_TIME: Duration = Duration::from_secs(600);

/// How often control looks at the time: 200 ms.
pub const CONTROL_TICK: Duration = Duration::from_millis(200);

/// How often a host renews its lease: 1 s.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(1);

/// How long a renewal of the lease is waited for before the next is tried: 1500 ms.
pub const LEASE_WAIT_MAX: Duration = Duration::from_millis(1_500);

/// The silence of a lease after which its host counts as dead: 3 s.
pub const LEASE_LAPSE: Duration = Duration::from_secs(3);

/// The hosts in a lattice from which on a lapse of more than half at once is waited out for one more period: 4 hosts.
pub const MASS_LAPSE_HOSTS_MIN: usize = 4;

/// How often a call follows its link to another target, where the one that it led to was just replaced: 3 times.
pub const RELINKS_MAX: usize = 3;

/// Tries of one call, on different hosts: 8 tries.
pub const TRIES_MAX: u32 = 8;

/// Tries of one call that may end without an answer, of a function that is idempotent: 3 tries.
pub const UNKNOWN_TRIES_MAX: u32 = 3;

/// Retries that each call of a link earns, for calls without an answer: 20 percent.
pub const RETRY_PERCENT: u32 = 20;

/// Retries that a link may save up: 10 retries.
pub const RETRIES_RESERVE: u32 = 10;

/// How long callers that an older placement put on their host are still served, where that host lives: 3 min. Until then a
/// host has fetched, compiled and tried a newer version, and drained the one before.
pub const SUPERSEDED_TIME: Duration = Duration::from_secs(180);

/// Older placements of one application whose callers are still served: 4 placements.
pub const SUPERSEDED_MAX: usize = 4;

/// How long a call waits for this host to catch up with the generation that its caller knows: 1 s. No longer than the
/// call's deadline.
pub const CATCH_UP_TIME: Duration = Duration::from_secs(1);

/// Calls from the bus that wait for this host to catch up at once: 1024, half of all that it serves; more are refused. A
/// burst that comes with a new version waits; whoever only claims to know the future leaves room for others.
pub const CATCHING_UP_MAX: usize = 1024;

/// How long the write of a host's record is waited for before it is tried again: 3 s.
pub const RECORD_WAIT_MAX: Duration = Duration::from_secs(3);

/// Shards and documents that a host asks for at once: 64.
pub const FETCHES_MAX: usize = 64;

/// How long a shard or a document is waited for before it is asked for again: 10 s.
pub const FETCH_WAIT_MAX: Duration = Duration::from_secs(10);

/// The pause before a shard or a document that was not there is asked for again: 500 ms.
pub const FETCH_PAUSE: Duration = Duration::from_millis(500);

/// How long each answer that a rejoining host needs is waited for before it is asked for again: 2 s.
pub const REJOIN_WAIT_MAX: Duration = Duration::from_secs(2);

/// How long a draining host waits until what it runs has moved away: 20 s. Then it stays, or, if forced, stops.
pub const DRAIN_MOVES_MAX: Duration = Duration::from_secs(20);

/// Places in the order of planners that plan one after the other; all further ones plan with the last: 32.
pub const PLANNER_RANKS_MAX: usize = 32;

/// By how much each planner in their order waits longer than the one before: 500 ms.
pub const PLANNER_STEP: Duration = Duration::from_millis(500);

/// How long changes are gathered before they are planned for: 50 ms.
pub const PLAN_PAUSE: Duration = Duration::from_millis(50);

/// The pause before a new root of another planner is looked through, and what it left undone is mended: 1 s.
pub const REPAIR_PAUSE: Duration = Duration::from_secs(1);

/// How long a planner waits for documents that nobody has asked it for before: 2 s. Then it plans without them.
pub const DERIVE_WAIT_MAX: Duration = Duration::from_secs(2);

/// The pause before a planner tries again what failed: 1 s.
pub const PLAN_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The longest that writing one placement may take; then it is given up: 15 s.
pub const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(15);

/// Shards of placements that came to nothing that a planner remembers, to delete them: 4096. Further ones stay stored.
pub const ORPHANS_MAX: usize = 4_096;

/// Applications that went down of which a planner remembers where their local state was: the last 256. Of earlier ones
/// hosts alone know, which tell of it once they have run them.
pub const HOMES_MAX: usize = 256;

/// How long shards of the agreed placement may be missing before a planner reports it: 10 s.
pub const SYNC_WAIT_MAX: Duration = Duration::from_secs(10);

/// Shards, and likewise pointers, that a planner writes at once: 64.
pub const PLANNER_WRITES_MAX: usize = 64;

/// The pause before a part that could not be started is tried again: 1 s. It doubles with each failure.
pub const LOAD_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause before a part that could not be started is tried again: 60 s.
pub const LOAD_RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long a part that was replaced stays open for calls that were on their way to it within its host: 1 s.
pub const RETIRE_GRACE: Duration = Duration::from_secs(1);

/// How long the components of one actor are waited for: 60 s.
pub const FETCH_TIME_MAX: Duration = Duration::from_secs(60);

/// Actors that a host of a lattice fetches and compiles at once: 2 actors.
pub const LOADS_MAX: usize = 2;

/// Components kept on a host's disk; the least recently used goes first: 4294967296 bytes.
pub const COMPONENTS_BYTES_MAX: u64 = 4 << 30;

/// Processes of one provider that a host knows: 256; more are not heard.
pub const PROCESSES_MAX: usize = 256;

/// Providers whose processes a host knows: 4096; more are not heard.
pub const PROVIDERS_MAX: usize = 4096;

/// The longest that control may have nothing to do, with ticks every 200 ms, before it takes it that the host stood still: 2 s.
pub const STILL_MAX: Duration = Duration::from_secs(2);

/// How long one bucket is read before the lattice counts as out of reach: 10 s.
pub const OPERATE_READ_TIME_MAX: Duration = Duration::from_secs(10);

/// Shards that are asked for at once when a lattice is looked at: 16 shards.
pub const OPERATE_READS_MAX: usize = 16;

/// How often the blueprint is read anew when parts of it vanish while it is read: 5 tries.
pub const OPERATE_ROOT_TRIES_MAX: usize = 5;

/// How often a lattice is looked at while a version is waited for: 300 ms.
pub const OPERATE_POLL: Duration = Duration::from_millis(300);

/// How long a version must have served before it counts as done: 1 s, two beats, so that all hosts know who serves it.
pub const OPERATE_SETTLE: Duration = Duration::from_secs(1);

/// Processes of providers that are told of when a lattice is looked at: 1000 processes.
pub const OPERATE_PROCESSES_MAX: usize = 1_000;

/// How long a host that is to be forgotten is looked for before it counts as not known to be dead: 10 s.
pub const FORGET_WAIT_MAX: Duration = Duration::from_secs(10);

/// The age at which bytes that no kept version needs are removed: 3600 s older than the newest. Younger ones may be of a
/// version that is being written.
pub const COLLECT_AGE_MIN: Duration = Duration::from_secs(3600);

/// Pieces of unused bytes that one look removes: 256 pieces.
pub const COLLECT_PIECES_MAX: usize = 256;

/// Documents of kept versions that are read to tell which bytes are unused: 4096 documents. In a lattice with more nothing
/// is removed.
pub const COLLECT_DOCUMENTS_MAX: usize = 4_096;

/// How long unused bytes are looked for after a deployment: 5 s.
pub const COLLECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Calls of clients that a host serves at once: 1024; more are refused.
pub const CLIENT_CALLS_MAX: usize = 1024;

/// News that may wait for the loop of a host of a lattice: 1024. Their senders wait.
pub const NODE_EVENTS_MAX: usize = 1_024;

/// How long a host that starts waits for what the lattice remembers of it: 30 s.
pub const NODE_START_TIME_MAX: Duration = Duration::from_secs(30);

/// The pause before a watch that broke begins anew: 500 ms.
pub const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// Documents of intent that a host keeps derived, besides those that it runs: 256.
pub const DERIVED_MAX: usize = 256;

/// Documents of intent that a host derives at once: 2.
pub const DERIVING_MAX: usize = 2;

/// Actors that a host keeps compiled because it may have to take them over: 256.
pub const SPARES_MAX: usize = 256;

/// How long a host leaves it to another to pass secrets on to those who cannot open them, and to itself after a failure: 5 s.
pub const PASS_ON_INTERVAL: Duration = Duration::from_secs(5);

/// How long changes are gathered before secrets are passed on: 100 ms.
pub const PASS_ON_PAUSE: Duration = Duration::from_millis(100);

/// Settings of a host that are told to be given to nobody, at once; more are counted: 32.
pub const STRANGERS_TOLD_MAX: usize = 32;

/// Settings, and secrets, that a host takes from its environment, each: 1024; more are passed over, and told.
pub const SETTINGS_MAX: usize = 1_024;

/// Sets of labels that the metrics of a host have in all: 5000. Further ones count as `other`.
pub const SERIES_MAX: usize = 5_000;

/// Sets of labels that the metrics of one application have on a host: 1000. Further ones count as `other`.
pub const SERIES_PER_APPLICATION_MAX: usize = 1_000;

/// Spans that wait to be exported: 2048; more are dropped and counted.
pub const SPANS_QUEUED_MAX: usize = 2_048;

/// Lines of logs that wait to be exported: 2048; more are dropped and counted.
pub const LOGS_QUEUED_MAX: usize = 2_048;

/// Spans or lines that are exported in one request: 512.
pub const EXPORT_BATCH_MAX: usize = 512;

/// How long what is left may take to be exported when a host ends: 3 s.
pub const EXPORT_FLUSH_TIME_MAX: Duration = Duration::from_secs(3);

/// The answer of a collector: 65536 bytes; a longer one counts as a failure.
pub const COLLECTOR_ANSWER_BYTES_MAX: u64 = 65_536;

/// Headers that are sent to a collector: 64; more are refused.
pub const COLLECTOR_HEADERS_MAX: usize = 64;

/// Connections to a host's observe address at once: 16; others wait.
pub const OBSERVERS_MAX: usize = 16;

/// How long a host's loop may stand still before `/healthz` fails: 5 s.
pub const LOOP_STALL_MAX: Duration = Duration::from_secs(5);

/// Reasons that `/readyz` tells: 100; of more, their number.
pub const REASONS_MAX: usize = 100;

/// Versions of an application by itself that can be gone back to, the one that it was started with among them: 16.
pub const LOCAL_VERSIONS_MAX: usize = 16;

/// The share of calls that a new version has beside the one before it, until it is trusted, where none is asked for: 50 of a
/// thousand.
pub const ROLLOUT_SHARE_PER_MILLE: u16 = 50;

/// How long a new version has a share of the calls at least, before it takes over: 2 s.
pub const ROLLOUT_TIME_MIN: Duration = Duration::from_secs(2);

/// How long a new version has a share of the calls at most, where fewer than [`ROLLOUT_CALLS`] reach it: 10 s.
pub const ROLLOUT_TIME_MAX: Duration = Duration::from_secs(10);

/// How far back the calls of the version before are looked at: 1 minute at least, twice that at most.
pub const ROLLOUT_MEMORY: Duration = Duration::from_secs(60);

/// Calls that a new version must have answered to take over before [`ROLLOUT_TIME_MAX`], where it is called at all: 10.
pub const ROLLOUT_CALLS: u64 = 10;

/// How long the version before is kept, to go back to at once, after a new one has taken over: 10 s.
pub const ROLLOUT_WATCH_TIME: Duration = Duration::from_secs(10);

/// How often new versions are compared with the ones before them: 100 ms.
pub const ROLLOUT_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Failed calls from which on a new version can be refused for them: 2. More than one of a hundred must fail, and twice as
/// many as of the version before.
pub const ROLLOUT_FAILED_MIN: u64 = 2;

/// How long no call of a new version ends before it is refused for that: 1 s, and eight times what 9 of 10 calls of the
/// version before take.
pub const ROLLOUT_STALL_MIN: Duration = Duration::from_secs(1);

/// How long no call of a new version ends before it is refused for that, where nobody knows how long calls of the version
/// before take: 3 s.
pub const ROLLOUT_STALL_UNKNOWN: Duration = Duration::from_secs(3);

/// Calls of a new version that must have begun since one last ended, for it to be refused for that: 3.
pub const ROLLOUT_STALLED_CALLS: u64 = 3;

/// The slowest calls of a new version that do not count as slow: 2, and as many as it has instances. What is fresh is slow at
/// first.
pub const ROLLOUT_COLD_CALLS: u64 = 2;

/// Calls of each of two versions from which on their latencies are compared: 5.
pub const ROLLOUT_SLOW_CALLS: u64 = 5;

/// How many times as long half of the calls of a new version may take: 4, and [`ROLLOUT_SLOW_MIN`] more.
pub const ROLLOUT_SLOW_FACTOR: u32 = 4;

/// How much longer half of the calls of a new version may take at any rate: 20 ms.
pub const ROLLOUT_SLOW_MIN: Duration = Duration::from_millis(20);

/// Crashes of an actor in a row, without as many calls that go well, from which on a host tells that it is not well: 3.
pub const CRASHES_MIN: u64 = 3;

/// How long after its last crash an actor that nobody calls is thought to be well again: 1 min.
pub const CRASH_MEMORY: Duration = Duration::from_secs(60);

/// How long a new version is held back on a host until what it calls on other hosts is ready there: 5 s.
pub const ROLLOUT_HOLD_TIME_MAX: Duration = Duration::from_secs(5);

/// The pause before an actor that is not ready is asked again: 100 ms.
pub const READY_PAUSE: Duration = Duration::from_millis(100);

/// Applications that platform code is changed in at once: 8.
pub const PLATFORM_ROLLS_AT_ONCE: usize = 8;

/// How often applications are looked through for those that were deployed while platform code changed: 3 times.
pub const PLATFORM_PASSES_MAX: usize = 3;

/// How often platform code is changed in an application whose owners make a version at the same moment: 5 times.
pub const PLATFORM_TRIES_MAX: usize = 5;

/// The largest recording of an actor: 64MiB. One that reaches that, or the size that was asked for, is over.
pub const RECORDING_BYTES_MAX: u64 = 64 << 20;

/// The largest file of a recording that is read: 80MiB.
pub const RECORDING_FILE_BYTES_MAX: u64 = 80 << 20;

/// How long a recording takes at most, and where nothing else is asked for: 1 h.
pub const RECORDING_TIME_MAX: Duration = Duration::from_secs(3600);

/// How long a host tells messages after it was last asked to: 5 s.
pub const TAP_LEASE: Duration = Duration::from_secs(5);

/// How often `lath tap` asks again: 1 s.
pub const TAP_RENEWAL: Duration = Duration::from_secs(1);

/// Messages that a host tells a second, to all who listen together: 500; more are counted.
pub const TAP_MESSAGES_PER_S_MAX: u32 = 500;

/// Applications and actors that a host is asked about at once: 64; more are not heard.
pub const TAPS_MAX: usize = 64;

/// The longest text of a value that a host tells: 500 characters; of a longer one the beginning is told.
pub const TAP_CHARS_MAX: usize = 500;

/// The longest rule of what to mask: 1024 bytes.
pub const MASK_BYTES_MAX: usize = 1024;

/// Steps of a rule of what to mask, from the function into its values: 32.
pub const MASK_STEPS_MAX: usize = 32;

/// How long one call of a replay may run, whatever its actor's limits: 30 s.
pub const REPLAY_CALL_TIME_MAX: Duration = Duration::from_secs(30);

/// The longest text of a recorded or a replayed value in a difference: 2000 characters; of a longer one the beginning is shown.
pub const DIFFERENCE_CHARS_MAX: usize = 2000;

/// How long a replay may take as a whole: 10 min.
pub const REPLAY_TIME_MAX: Duration = Duration::from_secs(600);
