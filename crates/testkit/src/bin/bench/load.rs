//! The load generator: one thread, raw TCP, keep-alive connections with one request in flight each.
//!
//! It shares the cores with the server, so it does as little as it can: one read and one write a request, and a
//! response is taken as whole when its last byte is the `}` that ends every body of kvcounter.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::kvcounter::PATH;
use crate::process::Server;
use crate::rounds::processor_time;

/// A server that is silent for so long has hung.
const SILENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
const BUFFER_BYTES: usize = 4 << 10;
const OK: &[u8] = b"HTTP/1.1 200 ";

/// What a server did.
#[derive(Clone, Copy)]
pub(crate) struct Served {
    pub(crate) requests_per_s: f64,
    /// Processor time of the server for a request.
    pub(crate) cpu_us: f64,
    /// Processor time of server and load generator together for a request.
    pub(crate) both_cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Sends requests over `connections` new connections for `time`, after a tenth of it to warm up.
pub(crate) fn load(server: &Server, connections: usize, time: Duration) -> Result<Served> {
    let mut load = Load::connect(server.address, connections)?;
    load.run(time / 10)?;
    let (cpu_before_s, own_before) = (server.cpu_s()?, processor_time());
    let begun = Instant::now();
    let latencies_ns = load.run(time)?;
    let elapsed_s = begun.elapsed().as_secs_f64();
    let cpu_s = server.cpu_s()? - cpu_before_s;
    let own_s = (processor_time() - own_before).as_secs_f64();
    let requests = latencies_ns.len() as f64;
    let [p50_us, p99_us] = percentiles(latencies_ns);
    Ok(Served {
        requests_per_s: requests / elapsed_s,
        cpu_us: cpu_s * 1e6 / requests,
        both_cpu_us: (cpu_s + own_s) * 1e6 / requests,
        p50_us,
        p99_us,
    })
}

/// The median and the 99th percentile, in microseconds.
pub(crate) fn percentiles(mut latencies_ns: Vec<u64>) -> [f64; 2] {
    latencies_ns.sort_unstable();
    [50, 99].map(|percent| {
        let nanos = latencies_ns.get(latencies_ns.len() * percent / 100).copied().unwrap_or_default();
        nanos as f64 / 1e3
    })
}

struct Load {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    request: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    sent: Instant,
    /// What has come of a response.
    buffer: Box<[u8; BUFFER_BYTES]>,
    filled: usize,
}

impl Load {
    fn connect(address: SocketAddr, connections: usize) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connections = (0..connections).map(|index| {
            let connection = Connection::open(address)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &connection.stream, data, epoll::EventFlags::IN)?;
            Ok(connection)
        });
        let connections = connections.collect::<Result<_>>()?;
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
        Ok(Self { epoll, connections, request })
    }

    /// Gives the latency of each request that was answered in time; waits for the others.
    fn run(&mut self, time: Duration) -> Result<Vec<u64>> {
        let mut latencies_ns = Vec::with_capacity(1 << 20);
        let mut events = Vec::with_capacity(self.connections.len());
        let mut waiting = self.connections.len();
        let end = Instant::now() + time;
        for connection in &mut self.connections {
            connection.send(&self.request)?;
        }
        while waiting > 0 {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE))?;
            ensure!(!events.is_empty(), "the server has stopped answering: {waiting} requests wait");
            for event in &events {
                let index = usize::try_from(event.data.u64())?;
                let connection = self.connections.get_mut(index).context("an event of no connection")?;
                if !connection.receive()? {
                    continue;
                }
                let now = Instant::now();
                if now < end {
                    latencies_ns.push(u64::try_from(now.duration_since(connection.sent).as_nanos())?);
                    connection.send(&self.request)?;
                } else {
                    waiting -= 1;
                }
            }
        }
        Ok(latencies_ns)
    }
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, sent: Instant::now(), buffer: Box::new([0; BUFFER_BYTES]), filled: 0 })
    }

    /// A request is far smaller than the socket's buffer, which is empty: it never blocks.
    fn send(&mut self, request: &[u8]) -> Result<()> {
        self.sent = Instant::now();
        self.filled = 0;
        Ok(self.stream.write_all(request)?)
    }

    /// Reads what is there; true once a response is whole.
    fn receive(&mut self) -> Result<bool> {
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let count = self.stream.read(room)?;
        ensure!(count > 0, "the server closed a connection, or its response is too long");
        self.filled += count;
        let response = self.buffer.get(..self.filled).unwrap_or_default();
        if response.last() != Some(&b'}') {
            return Ok(false);
        }
        if !response.starts_with(OK) {
            bail!("the server answered:\n{}", String::from_utf8_lossy(response));
        }
        Ok(true)
    }
}
