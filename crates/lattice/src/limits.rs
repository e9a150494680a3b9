//! Bounds. Each has a row in `docs/LIMITS.md` and a test that trips it.

use std::time::Duration;

/// The longest subject: 512 bytes.
pub const SUBJECT_BYTES_MAX: usize = 512;

/// The longest token of a subject: 128 bytes, two names and what joins them.
pub const TOKEN_BYTES_MAX: usize = 128;

/// The longest prefix of the subjects of a lattice: 64 bytes.
pub const PREFIX_BYTES_MAX: usize = 64;

/// Messages that may wait at one subscription: 4096. More are dropped and counted; in one process the publisher is told.
pub const PENDING_MAX: usize = 4096;

/// Messages that may wait to be sent to the server: 16384. More are refused at once.
pub const OUTGOING_MAX: usize = 16_384;

/// Messages handed to the client of NATS that it has not written yet: 256. After a break of the connection these come
/// late, where all others are dropped.
pub const HANDED_MAX: usize = 256;

/// The longest that subscribing may wait for a connection: 5 s.
pub const SUBSCRIBE_TIME_MAX: Duration = Duration::from_secs(5);

/// The largest message inside one process, headers and payload, as NATS has it where nothing else is configured:
/// 1048576 bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1_048_576;

/// Headers of one message: 32.
pub const HEADERS_MAX: usize = 32;

/// The most bytes that the headers of one message may have: 4096 bytes.
pub const HEADER_BYTES_MAX: usize = 4096;

/// The largest message that a server of ours takes, headers and payload: 1048576 bytes. More travels in chunks.
pub const SERVER_PAYLOAD_BYTES_MAX: usize = 1_048_576;

/// What a server of ours holds for one connection that reads too slowly, before it is closed: 67108864 bytes.
pub const SERVER_PENDING_BYTES_MAX: usize = 67_108_864;

/// The longest line of protocol that a server of ours takes: 65536 bytes. The token with a user's permissions is part of
/// one, and does not fit into the 4096 that are usual.
pub const SERVER_CONTROL_LINE_BYTES_MAX: usize = 65_536;

/// Connections of one server of ours: 4096.
pub const SERVER_CONNECTIONS_MAX: usize = 4096;

/// The silence of a client after which a server of ours asks whether it is there, and how long it waits between two such
/// questions: 1 s.
pub const SERVER_PING_INTERVAL: Duration = Duration::from_secs(1);

/// Such questions that may stay without an answer; with one more the connection is closed: 2.
pub const SERVER_PINGS_MAX: u32 = 2;

/// The same between servers of a cluster: 10 s.
pub const ROUTE_PING_INTERVAL: Duration = Duration::from_secs(10);

/// The longest contract, function, link or wire id in a call: 512 bytes.
pub const WORD_BYTES_MAX: usize = 512;

/// The longest error text in an answer: 8192 bytes; more is cut off.
pub const ERROR_BYTES_MAX: usize = 8192;

/// The largest payload of a call or an answer that travels in one message: 524288 bytes; larger ones travel in chunks.
pub const WHOLE_BYTES_MAX: usize = 524_288;

/// The largest chunk of a payload: 262144 bytes.
pub const CHUNK_BYTES_MAX: usize = 262_144;

/// The smallest chunk of a payload, the last one excepted: 1024 bytes.
pub const CHUNK_BYTES_MIN: usize = 1024;

/// Chunks of one payload that may be on their way: 4.
pub const CHUNK_WINDOW: u64 = 4;

/// The largest payload in chunks, which is also the largest message limit of an actor: 67108864 bytes.
pub const CHUNKED_BYTES_MAX: usize = 67_108_864;

/// Payloads that a host puts together at once, those of calls and those of answers each: 16. More calls are refused;
/// more answers wait.
pub const ASSEMBLIES_MAX: usize = 16;

/// The bytes of all payloads that a host puts together at once, those of calls and those of answers each: 268435456
/// bytes.
pub const ASSEMBLIES_BYTES_MAX: usize = 268_435_456;

/// The longest wait for the next chunk, or for credit to send it: 5 s.
pub const STALL_MAX: Duration = Duration::from_secs(5);

/// The bytes of one body of a streamed call that may be on their way, or wait to be read: 262144 bytes.
pub const STREAM_WINDOW_BYTES: u64 = 262_144;

/// The most bytes of a body that travel in one message, and what a caller sends before its callee has asked for more:
/// 65536 bytes.
pub const STREAM_PART_BYTES_MAX: usize = 65_536;

/// What each message of a body counts for at least, however few bytes it brings: 1024 bytes.
pub const STREAM_PART_BYTES_MIN: u64 = 1024;

/// The longest head, and the longest trailers, of a streamed call or its answer: 262144 bytes. They travel in one
/// message.
pub const STREAM_HEAD_BYTES_MAX: usize = 262_144;

/// How long the first message of a streamed call, and of its answer, waits for what follows the head at once: 2 ms.
pub const STREAM_LINGER: Duration = Duration::from_millis(2);

/// How often each end of a streamed call tells the other how far it is: 2 s.
pub const STREAM_BEAT_INTERVAL: Duration = Duration::from_secs(2);

/// The silence of the other end after which a streamed call is broken off: 10 s.
pub const STREAM_SILENCE_MAX: Duration = Duration::from_secs(10);

/// The longest that the bodies of a streamed call may take after the head of its answer, whatever its actor may: 660 s.
pub const STREAM_TIME_MAX: Duration = Duration::from_secs(660);

/// Streamed calls that a host makes at once, and that it serves at once: 1024 each; more are refused.
pub const STREAMS_MAX: usize = 1024;

/// Streamed calls that a host serves at once for one host: 512; more are refused.
pub const STREAMS_PER_PEER_MAX: usize = 512;

/// Calls that one host may wait for at once: 4096; more are refused.
pub const CALLS_PENDING_MAX: usize = 4096;

/// How far behind the latest call of a host another of its calls may come: 16384 calls.
pub const REPLAY_WINDOW: u64 = 16_384;

/// Hosts whose latest calls are remembered: 4096; the one silent longest, of whom nothing runs, is forgotten.
pub const PEERS_MAX: usize = 4096;

/// Applications of one deployer: 64. Each is a line of its token.
pub const DEPLOYER_APPLICATIONS_MAX: usize = 64;

/// Contracts that a provider's process may announce: 64.
pub const ANNOUNCED_CONTRACTS_MAX: usize = 64;

/// The longest announcement of a provider's process: 16384 bytes.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 16_384;

/// How often a provider's process announces itself: 1 s.
pub const ANNOUNCEMENT_INTERVAL: Duration = Duration::from_secs(1);

/// How long after its last announcement a provider's process is called: 3 s.
pub const ANNOUNCEMENT_LIFE: Duration = Duration::from_secs(3);

/// The longest document in a bucket, and the longest value there: 1048576 bytes.
pub const VALUE_BYTES_MAX: usize = 1_048_576;

/// The longest document of an intent, which holds its manifest and the views of its components: 16777216 bytes.
pub const INTENT_BYTES_MAX: usize = 16_777_216;

/// The longest beat of a host: 65536 bytes.
pub const BEAT_BYTES_MAX: usize = 65_536;

/// Actors and providers that a beat tells to be placed and not ready yet; more are not told: 256.
pub const NOT_READY_MAX: usize = 256;

/// Parts of applications that a host's record tells to be failing; more are not told: 32.
pub const FAILING_MAX: usize = 32;

/// The longest reason that a host's record gives; what follows is cut off: 512 bytes.
pub const REASON_BYTES_MAX: usize = 512;

/// The longest name of the author of an intent: 128 bytes.
pub const AUTHOR_BYTES_MAX: usize = 128;

/// The deepest nesting of types in the view of a component that is read from an intent: 256 levels.
pub const TYPE_DEPTH_MAX: usize = 256;

/// Of how many types those of a component's view may be made, each counted as often as it is used: 262144.
pub const TYPE_PARTS_MAX: usize = 262_144;

/// The longest key of a bucket: 3072 bytes.
pub const KEY_BYTES_MAX: usize = 3_072;

/// Versions of an application's intent that are kept, and that a rollback reaches: 64.
pub const INTENT_HISTORY: usize = 64;

/// How old a host's lease may become before it lapses: 3 seconds.
pub const LEASE_AGE_MAX: Duration = Duration::from_secs(3);

/// Changes that may wait at one watch of a bucket; with more the watch is lost, and begun again: 1024.
pub const WATCH_PENDING_MAX: usize = 1_024;

/// How long one operation on a bucket or on stored bytes may take, all tries together: 5 seconds.
pub const STORE_DEADLINE: Duration = Duration::from_secs(5);

/// How long one try of such an operation waits for an answer: 1 second.
pub const STORE_TRY_MAX: Duration = Duration::from_secs(1);

/// How long a watch of a bucket bears that the server does not say that it is there: 4 seconds.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(4);

/// How long a change waits for a slow consumer of a watch before the watch is lost: 5 seconds.
pub const WATCH_SLOW_MAX: Duration = Duration::from_secs(5);

/// Messages that a watch of a bucket asks for at once: 256.
pub const WATCH_BATCH: usize = 256;

/// Keys that are listed at once: 100000.
pub const KEYS_MAX: usize = 100_000;

/// How long it is remembered that a key was deleted: 3600 seconds.
pub const DELETION_KEPT: Duration = Duration::from_secs(3600);

/// Refusals of the server that are remembered for whoever waits: 256.
pub const REFUSALS_MAX: usize = 256;

/// The most bytes that are stored under one digest: 268435456 bytes.
pub const OBJECT_BYTES_MAX: u64 = 268_435_456;

/// The bytes of one chunk of what is stored under a digest: 262144 bytes.
pub const OBJECT_CHUNK_BYTES: usize = 262_144;

/// Chunks that are written or read at once: 4.
pub const CHUNKS_AT_ONCE: usize = 4;

/// How long storing or reading all bytes of one digest may take: 300 seconds.
pub const OBJECT_DEADLINE: Duration = Duration::from_secs(300);

/// How long it may take to connect to NATS, all servers tried: 10 seconds.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// The longest pause before a lost connection is tried again: 2 seconds.
pub const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);

/// The longest file of credentials: 65536 bytes.
pub const CREDENTIALS_BYTES_MAX: u64 = 65_536;

/// How long the servers are waited for that are asked how they store: 2 seconds.
pub const STORAGE_DEADLINE: Duration = Duration::from_secs(2);

/// Servers whose answers to that are listened to: 64.
pub const SERVERS_MAX: usize = 64;

/// How long credentials may be good for: 315360000 s, ten years.
pub const CREDENTIALS_SECONDS_MAX: u64 = 315_360_000;

/// Revoked credentials that have not expired: 4096. Servers keep them all in memory.
pub const REVOCATIONS_MAX: usize = 4096;

/// How long a subscription that was closed still tells what had come: 2 s.
pub const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// How often a host, or a provider's process, stamps that it is awake: 100 ms.
pub const PULSE_INTERVAL: Duration = Duration::from_millis(100);

/// The age of that stamp, and the gap between two, from which on a host or a provider's process takes no calls until it
/// has rejoined: 1 s.
pub const GAP_MAX: Duration = Duration::from_secs(1);

/// Secrets of a lattice: 1024; more are refused.
pub const SECRETS_MAX: usize = 1024;

/// Hosts that a secret is sealed to when it is set: 2048. Others are given it by a host that can open it.
pub const SEALED_HOSTS_MAX: usize = 2048;

/// The longest key of a secret that is sealed to a host: 256 bytes.
pub const SEALED_KEY_BYTES_MAX: usize = 256;

/// Keys of secrets that one host passes on to others before it looks again: 256.
pub const PASSED_AT_ONCE_MAX: usize = 256;

/// Keys of one secret, passed on to one host by others, that are tried: 8.
pub const PASSED_TRIED_MAX: usize = 8;

/// Settings of its own that a host's record tells; more are not told: 64.
pub const SETTINGS_TOLD_MAX: usize = 64;

/// How long the calls of late may have kept the task that takes them, in the mean, for the next to be begun in it: 50 µs. With
/// more, each call has a task of its own from the start.
pub const BEGINNING_MEAN_MAX: Duration = Duration::from_micros(50);
