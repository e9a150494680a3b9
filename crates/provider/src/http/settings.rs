//! What of an ingress can be set.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use super::tls::TlsFiles;
use crate::limits;

/// The bounds of an ingress that its host may set; the defaults are those of [`crate::limits`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it has its certificate from; without, it speaks no TLS.
    pub tls: Option<TlsFiles>,
    /// Handshakes of TLS at once.
    pub handshakes: usize,
    /// The time for a handshake of TLS.
    pub handshake_timeout: Duration,
    /// Threads that serve; one for each core.
    pub workers: usize,
    /// Connections at once.
    pub connections: usize,
    /// Requests that one worker has in hand.
    pub requests: usize,
    /// The time for a request's headers, and between requests.
    pub header_read_timeout: Duration,
    /// The time for a request's body.
    pub body_read_timeout: Duration,
    /// A request's body, in bytes.
    pub body_bytes: usize,
    /// A request's body that goes to its actor as it comes, in bytes.
    pub streamed_bytes: u64,
    /// All bodies that are held, in bytes.
    pub bodies_bytes: usize,
    /// The longest time that a call may take.
    pub call_deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tls: None,
            handshakes: limits::HANDSHAKES_MAX,
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            workers: available_parallelism().map_or(1, NonZeroUsize::get),
            connections: limits::CONNECTIONS_MAX,
            requests: limits::REQUESTS_MAX,
            header_read_timeout: limits::HEADER_READ_TIMEOUT,
            body_read_timeout: limits::BODY_READ_TIMEOUT,
            body_bytes: limits::BODY_BYTES_MAX,
            streamed_bytes: limits::STREAMED_BYTES_MAX,
            bodies_bytes: limits::BODIES_BYTES_MAX,
            call_deadline: model::limits::DEADLINE_DEFAULT,
        }
    }
}
