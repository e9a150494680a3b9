//! Accepting connections, and sharing them out among the workers.
//!
//! Every worker accepts from the same socket. It keeps what it accepts, unless another has clearly fewer connections:
//! few connections with much traffic would otherwise often meet on one worker.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;

use super::connection;
use super::lane::{Common, Lane};
use super::server::Phase;

/// The pause after the system refused a connection for want of files or memory.
const PAUSE: Duration = Duration::from_millis(20);
/// A worker hands a connection over where another has so many fewer.
const LEAD_MAX: usize = 2;

/// A worker as the others see it.
pub(super) struct Seat {
    live: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    /// Bounded by the permits that its items hold.
    inbox: UnboundedSender<Accepted>,
}

/// A connection that no worker has begun to serve.
pub(super) struct Accepted {
    stream: std::net::TcpStream,
    place: Place,
}

/// A connection's place among all and on its worker.
struct Place {
    live: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seat {
    pub(super) fn new() -> (Self, UnboundedReceiver<Accepted>) {
        let (inbox, accepted) = unbounded_channel();
        (Self { live: Arc::default(), requests: Arc::default(), inbox }, accepted)
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Requests that are in hand.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Runs a worker until the ingress ends.
pub(super) async fn run(
    number: usize,
    listener: TcpListener,
    seats: Arc<[Seat]>,
    mut inbox: UnboundedReceiver<Accepted>,
    common: Arc<Common>,
) {
    let requests = seats.get(number).map(|seat| seat.requests.clone()).unwrap_or_default();
    let lane = Arc::new(Lane::new(&common, requests));
    let worker = Worker { number, seats, lane, phase: common.phase.clone() };
    let mut phase = common.phase.clone();
    // One worker looks for all.
    let following =
        common.tls.clone().filter(|_| number == 0).map(|tls| tokio::spawn(async move { tls.follow().await }));
    let accepting = tokio::spawn(accept(worker.clone(), listener, common));
    loop {
        tokio::select! {
            Some(accepted) = inbox.recv() => match TcpStream::from_std(accepted.stream) {
                Ok(stream) => worker.serve(stream, accepted.place),
                Err(error) => tracing::warn!(%error, "a connection could not be handed over"),
            },
            ended = phase.wait_for(|phase| *phase == Phase::Ended) => {
                drop(ended);
                accepting.abort();
                following.inspect(JoinHandle::abort);
                return;
            }
        }
    }
}

async fn accept(worker: Worker, listener: TcpListener, common: Arc<Common>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a worker of the ingress cannot listen"),
    };
    let mut phase = common.phase.clone();
    loop {
        let next = async {
            let permit = common.connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = phase.changed() => return,
        };
        match (permit, accepted) {
            (Ok(permit), Ok((stream, _))) => worker.place(stream, permit),
            (Err(_), _) => return,
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[derive(Clone)]
struct Worker {
    number: usize,
    seats: Arc<[Seat]>,
    lane: Arc<Lane>,
    phase: watch::Receiver<Phase>,
}

impl Worker {
    /// Serves a connection here, or hands it to the worker that has fewest.
    fn place(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let Some(own) = self.seats.get(self.number) else { return };
        let least = self.seats.iter().min_by_key(|seat| seat.live()).unwrap_or(own);
        let seat = if own.live() >= least.live() + LEAD_MAX { least } else { own };
        seat.live.fetch_add(1, Ordering::Relaxed);
        let place = Place { live: seat.live.clone(), _permit: permit };
        if std::ptr::eq(seat, own) {
            return self.serve(stream, place);
        }
        match stream.into_std() {
            // A worker that is gone drops the connection, as the ingress ends.
            Ok(stream) => drop(seat.inbox.send(Accepted { stream, place })),
            Err(error) => tracing::warn!(%error, "a connection could not be handed over"),
        }
    }

    fn serve(&self, stream: TcpStream, place: Place) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was lost before it was served");
        }
        let (lane, phase) = (self.lane.clone(), self.phase.clone());
        tokio::spawn(async move {
            match lane.tls.clone() {
                None => connection::serve(lane, stream, phase).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream, phase.clone()).await {
                        connection::serve(lane, stream, phase).await;
                    }
                }
            }
            drop(place);
        });
    }
}
