//! The ingress as a whole: listener, workers, routes, drain.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, oneshot, watch};

use super::Handler;
use super::METHOD;
use super::acceptor::{self, Accepted, Seat};
use super::body::Budget;
use super::lane::Common;
use super::router::Router;
use super::settings::Settings;
use super::tls::{Tls, TlsError};
use crate::contracts;
use crate::error::ProviderError;

/// Connections that wait to be accepted; the system refuses further ones.
const BACKLOG: i32 = 1_024;

/// Why an ingress does not start.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another address with `--listen`, or stop the program that has it")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The listener cannot be used.
    #[error("the listener of the ingress cannot be used: give it a TCP socket that listens")]
    Listener(#[source] io::Error),
    /// The certificate or its key.
    #[error("the ingress cannot speak TLS")]
    Tls(#[from] TlsError),
    /// A worker does not start.
    #[error("a worker of the ingress cannot start: raise the limits of threads and of open files")]
    Worker(#[source] io::Error),
    /// The contract of requests cannot be read.
    #[error("the contract of requests cannot be read")]
    Contract(#[from] ProviderError),
    /// The contract has no function for requests.
    #[error("the contract of requests has no function `{METHOD}`: install the program anew")]
    NoFunction,
}

/// Where requests go.
pub(super) struct Routing {
    pub(super) router: Router,
    pub(super) handler: Arc<dyn Handler>,
}

/// What connections are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serve.
    Open,
    /// Finish.
    Draining,
    /// End at once.
    Ended,
}

/// How a drain ended. While it is kept, actors go on with what they do behind their answers; once it is dropped, that
/// ends.
#[derive(Debug)]
pub struct Drained {
    /// Requests that were cut because time was up.
    pub cut: usize,
    /// Workers go on while it is there.
    _workers: watch::Sender<()>,
}

/// An HTTP server in front of actors. Dropped without [`Ingress::drain`], it cuts its connections.
pub struct Ingress {
    address: SocketAddr,
    connections: usize,
    permits: Arc<Semaphore>,
    routing: Arc<RwLock<Arc<Routing>>>,
    phase: watch::Sender<Phase>,
    seats: Arc<[Seat]>,
    /// Each comes once a worker has no more connections.
    ends: Vec<oneshot::Receiver<()>>,
    /// Without it, workers end with their connections.
    stay: watch::Sender<()>,
}

/// Listens on an address; port 0 is any free one.
///
/// # Errors
///
/// Where the address is taken or not this machine's.
pub fn bind(address: SocketAddr) -> Result<TcpListener, IngressError> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|source| IngressError::Bind { address, source })
}

impl Ingress {
    /// Serves the connections of `listener` on threads of its own.
    ///
    /// # Errors
    ///
    /// Where the listener or the system's limits do not allow it.
    pub fn start(
        listener: TcpListener,
        settings: Settings,
        router: Router,
        handler: Arc<dyn Handler>,
    ) -> Result<Self, IngressError> {
        let address = listener.local_addr().map_err(IngressError::Listener)?;
        listener.set_nonblocking(true).map_err(IngressError::Listener)?;
        let tls = settings.tls.clone().map(|files| Tls::load(files, &settings)).transpose()?.map(Arc::new);
        let contract = contracts::handler()?;
        let function = contract.functions.get(METHOD).cloned().ok_or(IngressError::NoFunction)?;
        let routing = Arc::new(RwLock::new(Arc::new(Routing { router, handler })));
        let permits = Arc::new(Semaphore::new(settings.connections));
        let (phase, observed) = watch::channel(Phase::Open);
        let connections = settings.connections;
        let common = Common {
            bodies: Budget::new(settings.bodies_bytes),
            connections: permits.clone(),
            routing: routing.clone(),
            phase: observed,
            tls,
            settings,
            function,
        };
        let (stay, staying) = watch::channel(());
        let (seats, inboxes): (Vec<_>, Vec<_>) = (0..common.settings.workers.max(1)).map(|_| Seat::new()).unzip();
        let seats = Arc::<[Seat]>::from(seats);
        let ends = start_workers(&listener, common, (&seats, inboxes), &staying)?;
        // Only the workers listen: once they stop, new connections are refused.
        drop(listener);
        Ok(Self { address, connections, permits, routing, phase, seats, ends, stay })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends requests that come from now on elsewhere; those that run keep to their handler.
    pub fn switch(&self, router: Router, handler: Arc<dyn Handler>) {
        *self.routing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Routing { router, handler });
    }

    /// Accepts no more connections, lets running requests finish, and ends; cuts what is left after `patience`.
    pub async fn drain(self, patience: Duration) -> Drained {
        self.phase.send_replace(Phase::Draining);
        let all = u32::try_from(self.connections).unwrap_or(u32::MAX);
        let finished = tokio::time::timeout(patience, self.permits.acquire_many(all)).await;
        let cut = if finished.is_ok() { 0 } else { self.seats.iter().map(Seat::requests).sum() };
        if cut > 0 {
            tracing::warn!(requests = cut, "time was up: requests were cut");
        }
        self.phase.send_replace(Phase::Ended);
        if join_all(self.ends).await.iter().any(Result::is_err) {
            tracing::error!("a worker of the ingress ended by a panic");
        }
        Drained { cut, _workers: self.stay }
    }
}

fn start_workers(
    listener: &TcpListener,
    common: Common,
    (seats, inboxes): (&Arc<[Seat]>, Vec<UnboundedReceiver<Accepted>>),
    staying: &watch::Receiver<()>,
) -> Result<Vec<oneshot::Receiver<()>>, IngressError> {
    let common = Arc::new(common);
    inboxes
        .into_iter()
        .enumerate()
        .map(|(number, inbox)| {
            let listener = listener.try_clone().map_err(IngressError::Worker)?;
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(IngressError::Worker)?;
            let (seats, common, mut staying) = (seats.clone(), common.clone(), staying.clone());
            let (end, ended) = oneshot::channel();
            let work = move || {
                runtime.block_on(async {
                    acceptor::run(number, listener, seats, inbox, common).await;
                    // Nobody may wait for it.
                    let _ = end.send(());
                    // Nothing is ever sent: it fails once the other end is gone.
                    while staying.changed().await.is_ok() {}
                });
                runtime.shutdown_background();
            };
            std::thread::Builder::new().name(format!("ingress-{number}")).spawn(work).map_err(IngressError::Worker)?;
            Ok(ended)
        })
        .collect()
}
