//! A worker of an ingress: one thread with its own connections and requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use model::contract::Function;
use tokio::sync::{Semaphore, watch};

use super::body::Budget;
use super::server::{Phase, Routing};
use super::settings::Settings;
use super::tls::Tls;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX, STREAM_ERRORS_MAX, STREAM_RESETS_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX,
};
use crate::throttle::Throttle;

/// What hyper takes of an answer ahead of what an HTTP/2 client has asked for.
const STREAM_SEND_BYTES: usize = 64 << 10;

/// What all workers share.
pub(super) struct Common {
    pub(super) settings: Settings,
    pub(super) function: Function,
    pub(super) bodies: Arc<Budget>,
    /// One permit for each connection.
    pub(super) connections: Arc<Semaphore>,
    pub(super) routing: Arc<RwLock<Arc<Routing>>>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) phase: watch::Receiver<Phase>,
}

/// One worker's own part.
pub(super) struct Lane {
    pub(super) settings: Settings,
    pub(super) function: Function,
    pub(super) bodies: Arc<Budget>,
    pub(super) http: Builder<TokioExecutor>,
    /// Where all connections are of TLS.
    pub(super) tls: Option<Arc<Tls>>,
    /// Failed requests in the log.
    pub(super) failures: Throttle,
    routing: Arc<RwLock<Arc<Routing>>>,
    requests: Arc<AtomicUsize>,
    /// Distinguishes request ids of workers and of processes.
    prefix: u32,
    next_request: AtomicU32,
}

impl Lane {
    pub(super) fn new(common: &Common, requests: Arc<AtomicUsize>) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            settings: common.settings.clone(),
            function: common.function.clone(),
            bodies: common.bodies.clone(),
            http: http(&common.settings),
            tls: common.tls.clone(),
            failures: Throttle::default(),
            routing: common.routing.clone(),
            requests,
            prefix: u32::try_from(random & u64::from(u32::MAX)).unwrap_or_default(),
            next_request: AtomicU32::new(0),
        }
    }

    /// The routes of this moment; a request keeps to them.
    pub(super) fn routing(&self) -> Arc<Routing> {
        self.routing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn next_request(&self) -> String {
        format!("{:08x}-{:08x}", self.prefix, self.next_request.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a request, unless there are too many.
    pub(super) fn admit(&self) -> Option<Admitted> {
        // Made before the comparison, so that a refused request gives its place back too.
        let admitted = Admitted(Arc::clone(&self.requests));
        (self.requests.fetch_add(1, Ordering::Relaxed) < self.settings.requests).then_some(admitted)
    }
}

/// A request in hand.
pub(super) struct Admitted(Arc<AtomicUsize>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The two protocols, bounded. Headers are counted by hyper, which takes 100 where nothing is set: as many as
/// [`HEADERS_MAX`](crate::limits::HEADERS_MAX), and faster than when it is told.
fn http(settings: &Settings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_read_timeout)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(STREAM_RESETS_MAX)
        .max_local_error_reset_streams(STREAM_ERRORS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_SEND_BYTES);
    builder
}
