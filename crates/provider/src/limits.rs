//! Bounds and defaults. Each has a row in `docs/LIMITS.md` and a test that trips it.

use std::time::Duration;

/// The longest key of a store: 1024 bytes.
pub const KEY_LEN_MAX: usize = 1_024;
/// The longest value of a store, with room for the headers of a NATS message of 1 MiB: 1000000 bytes.
pub const VALUE_BYTES_MAX: usize = 1_000_000;
/// Keys that one operation on a store names: 256 keys.
pub const BATCH_KEYS_MAX: usize = 256;
/// The values that one operation on a store reads, or sends to another host, together; more are refused: 8 MiB, in bytes.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// Keys in one page of a list; Redis may give a few more: 500 keys.
pub const PAGE_KEYS_MAX: usize = 500;
/// Keys in one page of a list that is taken from another host; a larger one is refused: 1000 keys.
pub const PAGE_KEYS_TAKEN_MAX: usize = 1_000;
/// The longest cursor of a list, whoever gives it; an operation with a longer one is refused: 2048 bytes.
pub const CURSOR_LEN_MAX: usize = 2_048;
/// What `keyvalue/memory` holds where its configuration does not say, keys and values together: 64 MiB, in bytes.
pub const MEMORY_BYTES_DEFAULT: usize = 64 << 20;
/// What `keyvalue/memory` may be asked to hold: 4 GiB, in bytes.
pub const MEMORY_BYTES_MAX: usize = 4 << 30;
/// The size of the file beyond which `keyvalue/embedded` takes no more, where its configuration does not say: 4 GiB, in
/// bytes.
pub const EMBEDDED_BYTES_DEFAULT: usize = 4 << 30;
/// The largest file that `keyvalue/embedded` may be asked to keep: 1 TiB, in bytes.
pub const EMBEDDED_BYTES_MAX: usize = 1 << 40;
/// Keys that `keyvalue/memory` holds where its configuration does not say: 100000 keys.
pub const MEMORY_KEYS_DEFAULT: usize = 100_000;
/// The most keys that `keyvalue/memory` may be asked to hold: 1000000 keys.
pub const MEMORY_KEYS_MAX: usize = 1_000_000;
/// Keys that `keyvalue/embedded` holds where its configuration does not say: 1000000 keys.
pub const EMBEDDED_KEYS_DEFAULT: usize = 1_000_000;
/// The most keys that `keyvalue/embedded` may be asked to hold: 1000000000 keys.
pub const EMBEDDED_KEYS_MAX: usize = 1_000_000_000;
/// The time between two looks at a store that failed, whether it answers again: 2 seconds.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How long a store that failed is given to answer such a look: 5 seconds.
pub const LOOK_TIME_MAX: Duration = Duration::from_secs(5);
/// Changes that wait for the writer of `keyvalue/embedded`; further ones are refused: 4096 changes.
pub const QUEUE_MAX: usize = 4_096;
/// What `durability = "interval"` may lose to a crash: 100 milliseconds.
pub const SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// Counters whose last value `keyvalue/nats` remembers, so that adding to one takes a single message: 4096 counters.
pub const COUNTERS_REMEMBERED_MAX: usize = 4_096;
/// Times that `keyvalue/nats` tries to add to a counter, or to swap a value, that others change at the same time: 64 times.
pub const CONTENDED_TRIES_MAX: u32 = 64;

/// Times that `keyvalue/redis` tries to connect again before what waits fails: 3 times.
pub const REDIS_RECONNECTS_MAX: usize = 3;
/// The longest pause between two tries of `keyvalue/redis` to connect: 500 milliseconds.
pub const REDIS_RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(500);
/// The time in which a server of `keyvalue/redis` takes a connection: 2 seconds.
pub const REDIS_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time in which a server of `keyvalue/redis` answers, whatever the deadline: 30 seconds.
pub const REDIS_RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Operations that `keyvalue/redis` has on its connection at once; more wait: 1024 operations.
pub const REDIS_OPERATIONS_MAX: usize = 1_024;
/// Times that `keyvalue/redis` looks for keys for one page, which may come out short then: 64 times.
pub const REDIS_SCANS_MAX: usize = 64;

/// Calls that a provider's process serves at once; more are refused: 256 calls.
pub const PROCESS_CALLS_MAX: usize = 256;

/// How long a provider's process that leaves waits to hear that hosts can know, before it refuses what still comes: 1 s.
pub const FAREWELL_TIME_MAX: Duration = Duration::from_secs(1);

/// How long a provider's process that ends lets its provider let go of files and connections, past its deadline: 2 seconds.
pub const LETTING_GO_TIME_MAX: Duration = Duration::from_secs(2);

/// Failures that a worker of an ingress, or a store, logs in a second; further ones are counted: 100 failures.
pub const FAILURES_LOGGED_PER_S_MAX: usize = 100;
/// The longest cause of a failed request in the log; it may come from an actor: 1000 characters.
pub const CAUSE_CHARS_MAX: usize = 1_000;

/// Connections of an ingress at once; further ones wait in the backlog: 8192 connections.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Requests that one worker of an ingress has in hand; further ones are answered 503: 8192 requests.
pub const REQUESTS_MAX: usize = 8_192;
/// Headers of a request, answered 431 beyond, and of an actor's answer, 502 beyond: 100 headers.
pub const HEADERS_MAX: usize = 100;
/// Request line and headers together, answered 431 beyond; also what an HTTP/1.1 connection reads ahead: 32 KiB, in
/// bytes.
pub const HEADER_BYTES_MAX: usize = 32 << 10;
/// A request's body, answered 413 beyond: 2 MiB, in bytes.
pub const BODY_BYTES_MAX: usize = 2 << 20;
/// A request's body on its way to an actor of `wasi:http`, answered 413 beyond: 4 GiB, in bytes.
pub const STREAMED_BYTES_MAX: u64 = 4 << 30;
/// Bodies that an ingress holds together, of requests and of answers that are not taken yet; what is beyond is
/// answered 503: 256 MiB, in bytes.
pub const BODIES_BYTES_MAX: usize = 256 << 20;
/// The time for a request's headers, for the first request of a connection and between requests; beyond, the
/// connection is closed: 15 seconds.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Handshakes of TLS that an ingress has in hand; further connections are closed: 1024 handshakes.
pub const HANDSHAKES_MAX: usize = 1_024;
/// The time for a handshake of TLS with a client of an ingress; beyond, the connection is closed: 10 seconds.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest file with a certificate or a key of an ingress: 1 MiB, in bytes.
pub const TLS_FILE_BYTES_MAX: u64 = 1 << 20;
/// The time between two looks at the certificate and the key of an ingress, whether they have changed: 1 second.
pub const TLS_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The time for a request's body, answered 408 beyond: 30 seconds.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The time past its deadline after which an ingress gives up a call that should have ended: 500 milliseconds.
pub const CALL_GRACE: Duration = Duration::from_millis(500);
/// Requests at once on a connection that speaks HTTP/2: 128 streams.
pub const STREAMS_MAX: u32 = 128;
/// Streams that an HTTP/2 client may reset before they are accepted; beyond, the connection is closed: 20 streams.
pub const STREAM_RESETS_MAX: usize = 20;
/// Streams of an HTTP/2 connection that may break its rules; beyond, the connection is closed: 1024 streams.
pub const STREAM_ERRORS_MAX: usize = 1_024;
/// Request bytes that an HTTP/2 stream may send ahead: 256 KiB, in bytes.
pub const STREAM_WINDOW_BYTES: u32 = 256 << 10;
/// Request bytes that an HTTP/2 connection may send ahead: 1 MiB, in bytes.
pub const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Routes of an ingress: 1000 routes.
pub const ROUTES_MAX: usize = 1_000;

/// Connections of one actor's own requests at once; further requests wait for one, then fail with
/// `connection-limit-reached`: 64 connections.
pub const CONNECTIONS_OUT_MAX: usize = 64;
/// Connections that one actor keeps to one origin for its next requests: 16 connections.
pub const CONNECTIONS_OUT_IDLE_MAX: usize = 16;
/// How long an actor's connection is kept without a request: 30 seconds.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an actor's connection over HTTP/2 may be silent under a request before its server is asked for a sign of life,
/// and how long that has to give one before the connection is closed: 10 seconds.
pub const SIGN_OF_LIFE_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried, one after the other: 4 addresses.
pub const ADDRESSES_TRIED_MAX: usize = 4;
/// Names that the requests of one actor look up at once, those among them that nobody waits for any more; further
/// requests wait for their turn: 16 lookups.
pub const LOOKUPS_OUT_MAX: usize = 16;
/// The longest time for a connection of an actor's request, name and TLS included: 10 seconds.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for the head of an answer to an actor's request, once it is connected: 60 seconds.
pub const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest time between two parts of the body of an answer to an actor's request: 30 seconds.
pub const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);
