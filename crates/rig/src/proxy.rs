//! A TCP proxy that spoils the connections through it, each direction by itself, while they are in use.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes forwarded at once.
const CHUNK_BYTES: usize = 16 << 10;
/// Chunks on their way in one direction; a reader waits when there are more.
const CHUNKS: usize = 256;
/// A throttled direction forwards so often that it looks even.
const TICKS_PER_SECOND: u64 = 50;

/// What is done to the bytes of one direction. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Every byte arrives so much later, in order.
    pub delay: Duration,
    /// Nothing arrives. Connections stay open, new ones open too; what was sent arrives once the cut is healed, as over
    /// a network that loses packets.
    pub cut: bool,
    /// So many bytes arrive in a second, over each connection.
    pub bytes_per_second: Option<u64>,
}

/// One direction of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From those who connect to the proxy.
    ToServer,
    /// From the server behind the proxy.
    ToClient,
}

/// A proxy in front of a server; it and its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    to_server: watch::Sender<Fault>,
    to_client: watch::Sender<Fault>,
    /// Counts what closes every connection that stands.
    closed: watch::Sender<u64>,
    refuses: watch::Sender<bool>,
}

impl Proxy {
    /// Opens a port of the loopback in front of a server at `server`, which need not be up yet.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn start(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot open a port")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            to_server: watch::Sender::default(),
            to_client: watch::Sender::default(),
            closed: watch::Sender::default(),
            refuses: watch::Sender::default(),
        });
        let task = tokio::spawn(accept(listener, server, state.clone()));
        Ok(Self { address, state, task })
    }

    /// Opens a port in front of a server on `port` of the loopback.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn to_port(port: u16) -> Result<Self> {
        Self::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where NATS clients connect: `nats://127.0.0.1:PORT`.
    pub fn nats_url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Spoils one direction from now on, or heals it by the default.
    pub fn set(&self, direction: Direction, fault: Fault) {
        match direction {
            Direction::ToServer => self.state.to_server.send_replace(fault),
            Direction::ToClient => self.state.to_client.send_replace(fault),
        };
    }

    /// Spoils both directions from now on.
    pub fn set_both(&self, fault: Fault) {
        self.set(Direction::ToServer, fault);
        self.set(Direction::ToClient, fault);
    }

    /// Lets nothing through in either direction; connections stay open.
    pub fn cut(&self) {
        self.set_both(Fault { cut: true, ..Fault::default() });
    }

    /// Lets nothing through in one direction.
    pub fn cut_one_way(&self, direction: Direction) {
        self.set(direction, Fault { cut: true, ..Fault::default() });
    }

    /// Closes every connection; new ones are accepted, unless [`Self::refuse`] says otherwise.
    pub fn drop_connections(&self) {
        self.state.closed.send_modify(|count| *count += 1);
    }

    /// Closes every connection and each new one at once.
    pub fn refuse(&self) {
        self.state.refuses.send_replace(true);
        self.drop_connections();
    }

    /// Ends every fault; what was held back by a cut arrives.
    pub fn heal(&self) {
        self.state.refuses.send_replace(false);
        self.set_both(Fault::default());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections end with this task: the set aborts them.
async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else { return };
        if !*state.refuses.borrow() {
            connections.spawn(connection(client, server, state.clone()));
        }
    }
}

async fn connection(client: TcpStream, server: SocketAddr, state: Arc<State>) {
    let mut closed = state.closed.subscribe();
    let joined = async {
        let server = TcpStream::connect(server).await.ok()?;
        for stream in [&client, &server] {
            stream.set_nodelay(true).ok()?;
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // One end that closes closes the other, when what came before has arrived.
        tokio::select! {
            () = pipe(from_client, to_server, state.to_server.subscribe()) => {}
            () = pipe(from_server, to_client, state.to_client.subscribe()) => {}
        }
        Some(())
    };
    tokio::select! {
        _ = joined => {}
        _ = closed.changed() => {}
    }
}

async fn pipe(from: OwnedReadHalf, to: OwnedWriteHalf, faults: watch::Receiver<Fault>) {
    let (queue, chunks) = mpsc::channel(CHUNKS);
    tokio::join!(read(from, queue), write(to, chunks, faults));
}

async fn read(mut from: OwnedReadHalf, queue: mpsc::Sender<(Instant, Vec<u8>)>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let bytes = chunk.get(..count).unwrap_or_default().to_vec();
        if queue.send((Instant::now(), bytes)).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut faults: watch::Receiver<Fault>,
) {
    while let Some((read_at, mut bytes)) = chunks.recv().await {
        let Some(()) = arrival(read_at, &mut faults).await else { return };
        while !bytes.is_empty() {
            // Set while a chunk is under way, a cut or a throttle concerns the rest of it.
            let Ok(fault) = faults.wait_for(|fault| !fault.cut).await.map(|fault| *fault) else { return };
            let most = fault.bytes_per_second.map_or(CHUNK_BYTES as u64, |rate| (rate / TICKS_PER_SECOND).max(1));
            let rest = bytes.split_off(bytes.len().min(usize::try_from(most).unwrap_or(CHUNK_BYTES)));
            if to.write_all(&bytes).await.is_err() {
                return;
            }
            if let Some(rate) = fault.bytes_per_second {
                sleep(Duration::from_secs_f64(bytes.len() as f64 / rate.max(1) as f64)).await;
            }
            bytes = rest;
        }
    }
}

/// Waits until what was read at `read_at` arrives under the faults of the moment. None once the proxy is gone.
async fn arrival(read_at: Instant, faults: &mut watch::Receiver<Fault>) -> Option<()> {
    loop {
        let fault = *faults.wait_for(|fault| !fault.cut).await.ok()?;
        let at = read_at + fault.delay;
        if at <= Instant::now() {
            return Some(());
        }
        tokio::select! {
            () = sleep_until(at) => {}
            changed = faults.changed() => changed.ok()?,
        }
    }
}
