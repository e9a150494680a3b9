//! Requests to several hosts, as a load balancer in front of them sends them.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1 << 20;
const SENDERS: usize = 8;
/// Between two requests of one sender.
const PAUSE: Duration = Duration::from_millis(10);

/// Requests that flow until they are stopped.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    count: Arc<Mutex<Count>>,
}

/// What became of the requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// Requests sent.
    pub(super) sent: u64,
    /// Answered with 200.
    pub(super) answered: u64,
    /// Sent to another host, since the first took no connection.
    pub(super) elsewhere: u64,
    /// Requests without a good answer.
    pub(super) failed: u64,
    /// What the first failures were.
    pub(super) failures: Vec<String>,
    /// The longest that an answer took.
    pub(super) slowest: Duration,
}

/// How many failures are told in words.
const TOLD_MAX: usize = 5;

impl Traffic {
    /// Sends GET requests of `path` to the hosts in turn.
    pub(super) fn start(hosts: &[SocketAddr], path: &str) -> Self {
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Count::default())));
        let senders = (0..SENDERS).map(|first| {
            let (stop, count, hosts, path) = (stop.clone(), count.clone(), hosts.to_vec(), path.to_owned());
            thread::spawn(move || {
                let mut turn = first;
                while !stop.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let (outcome, elsewhere) = send(&hosts, turn, &path);
                    note(&count, outcome, elsewhere, start.elapsed());
                    turn = turn.wrapping_add(1);
                    thread::sleep(PAUSE);
                }
            })
        });
        let senders = senders.collect();
        Self { stop, senders, count }
    }

    /// Ends the requests, and tells what became of them.
    pub(super) fn stop(self) -> Count {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders {
            // A sender that panicked has counted what it sent before.
            let _ = sender.join();
        }
        self.count.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn note(count: &Mutex<Count>, outcome: Result<String, String>, elsewhere: u64, elapsed: Duration) {
    let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
    count.sent += 1;
    count.elsewhere += elsewhere;
    count.slowest = count.slowest.max(elapsed);
    match outcome {
        Ok(_) => count.answered += 1,
        Err(failure) => {
            count.failed += 1;
            if count.failures.len() < TOLD_MAX {
                count.failures.push(failure);
            }
        }
    }
}

/// Sends one request to the host whose turn it is, or to the next that takes a connection; with how often it was the
/// next.
fn send(hosts: &[SocketAddr], turn: usize, path: &str) -> (Result<String, String>, u64) {
    let mut elsewhere = 0;
    let start = turn.checked_rem(hosts.len()).unwrap_or_default();
    for host in hosts.iter().cycle().skip(start).take(hosts.len()) {
        match TcpStream::connect_timeout(host, CONNECT) {
            Ok(stream) => return (exchange(stream, path).map_err(|error| format!("{host}: {error}")), elsewhere),
            Err(_) => elsewhere += 1,
        }
    }
    (Err("no host takes a connection".to_owned()), elsewhere)
}

/// What a host answers with 200 to a GET.
///
/// # Errors
///
/// It takes no connection, ends it early, or answers with another status.
pub(super) fn get(host: SocketAddr, path: &str) -> io::Result<String> {
    exchange(TcpStream::connect_timeout(&host, CONNECT)?, path)
}

fn exchange(mut stream: TcpStream, path: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("the connection was cut"))?;
    if head.split_whitespace().nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(io::Error::other(format!("{}: {}", head.lines().next().unwrap_or_default(), body.trim())))
    }
}
