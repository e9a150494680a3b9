//! Every bound of the ingress, tripped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use provider::http::{IngressError, Settings, bind};
use provider::limits::{BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX};
use tokio::sync::Semaphore;

use crate::server::{Answer, Client, PATIENCE, Seen, all, ask, echo, handler, response, settings, start, start_echo};

/// Short enough for a test, long enough for a busy machine to get a whole request through.
const SHORT: Duration = Duration::from_millis(400);

/// An actor that answers once it is told to, and says when it was asked.
struct Gate {
    asked: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: Semaphore::new(0), open: Semaphore::new(0) })
    }

    async fn answer(self: Arc<Self>, seen: Seen) -> Answer {
        if seen.path == "/wait" {
            self.asked.add_permits(1);
            self.open.acquire().await.unwrap().forget();
        }
        echo(seen).await
    }
}

const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: h\r\n\r\n";

#[test]
fn slow_headers_are_cut() {
    let ingress = start_echo(Settings { header_read_timeout: SHORT, ..settings() });
    for beginning in ["", "G", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: h\r\nx: "] {
        let mut client = Client::connect(ingress.address());
        client.write(beginning);
        // Closed without a word, or with HTTP/2's first and last frames.
        assert!(!client.read_to_end().contains("200"), "{beginning:?}");
    }
    let mut client = Client::connect(ingress.address());
    assert_eq!(client.get("/").status(), 200);
    assert_eq!(client.read_to_end(), "", "an idle connection is closed");
}

#[test]
fn a_slow_body_is_answered_408() {
    let ingress = start_echo(Settings { body_read_timeout: SHORT, ..settings() });
    let mut client = Client::connect(ingress.address());
    client.write("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf");
    let reply = client.read();
    assert_eq!((reply.status(), reply.problem().as_str()), (408, "urn:lath:problem:body-timeout"));
    assert_eq!(client.read_to_end(), "");
}

#[test]
fn headers_are_bounded_in_number_and_size() {
    let ingress = start_echo(settings());
    let check = |count: usize, size: usize, status: u16| {
        let mut client = Client::connect(ingress.address());
        // One header is the host.
        let headers: String = (1..count).map(|number| format!("x-{number}: {}\r\n", "v".repeat(size))).collect();
        client.write(format!("GET / HTTP/1.1\r\nhost: h\r\n{headers}\r\n"));
        assert_eq!(client.read().status(), status, "{count} headers of {size} bytes");
    };
    check(HEADERS_MAX, 1, 200);
    check(HEADERS_MAX + 1, 1, 431);
    check(2, HEADER_BYTES_MAX - 1_024, 200);
    check(2, HEADER_BYTES_MAX + 1_024, 431);
}

#[test]
fn bodies_are_bounded_one_by_one() {
    let ingress = start_echo(settings());
    let check = |framing: &str, body: &str, status: u16| {
        let mut client = Client::connect(ingress.address());
        client.write(format!("POST / HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n{body}"));
        assert_eq!(client.read().status(), status, "{framing}");
    };
    let (most, over) = ("b".repeat(BODY_BYTES_MAX), "b".repeat(BODY_BYTES_MAX + 1));
    check(&format!("content-length: {BODY_BYTES_MAX}"), &most, 200);
    // Refused before the body is sent.
    check(&format!("content-length: {}", BODY_BYTES_MAX + 1), "", 413);
    check("content-length: 9000000000000000000", "", 413);
    let chunked = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    check("transfer-encoding: chunked", &chunked(&most), 200);
    check("transfer-encoding: chunked", &chunked(&over), 413);
}

#[test]
fn bodies_are_bounded_all_together() {
    let gate = Gate::new();
    let actor = gate.clone();
    let settings = Settings { bodies_bytes: 10, ..settings() };
    let silent = handler(move |seen| {
        let actor = actor.clone();
        async move { actor.answer(seen).await.and_then(|_| response(200, &[], b"")) }
    });
    let ingress = start(settings, all(), silent);
    let post = |client: &mut Client, path: &str| {
        client.write(format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: 6\r\n\r\n123456"));
    };
    let (mut first, mut second) = (Client::connect(ingress.address()), Client::connect(ingress.address()));
    post(&mut first, "/wait");
    futures_executor(gate.asked.acquire()).unwrap().forget();
    post(&mut second, "/");
    let refused = second.read();
    assert_eq!((refused.status(), refused.problem().as_str()), (503, "urn:lath:problem:busy"));
    gate.open.add_permits(1);
    assert_eq!(first.read().status(), 200);
    post(&mut first, "/");
    assert_eq!(first.read().status(), 200, "what was held is given back");
}

#[test]
fn requests_in_hand_are_bounded() {
    let gate = Gate::new();
    let actor = gate.clone();
    let settings = Settings { workers: 1, requests: 1, ..settings() };
    let ingress = start(settings, all(), handler(move |seen| actor.clone().answer(seen)));
    let mut first = Client::connect(ingress.address());
    first.write(WAIT);
    futures_executor(gate.asked.acquire()).unwrap().forget();
    let refused = ask(&ingress, "GET / HTTP/1.1");
    assert_eq!((refused.status(), refused.problem().as_str()), (503, "urn:lath:problem:busy"));
    gate.open.add_permits(1);
    assert_eq!(first.read().status(), 200);
    assert_eq!(ask(&ingress, "GET / HTTP/1.1").status(), 200);
}

#[test]
fn connections_beyond_the_cap_wait() {
    let ingress = start_echo(Settings { connections: 2, ..settings() });
    let mut held: Vec<_> = (0..2).map(|_| Client::connect(ingress.address())).collect();
    for client in &mut held {
        assert_eq!(client.get("/").status(), 200);
    }
    let mut third = Client::connect(ingress.address());
    third.write("GET /third HTTP/1.1\r\nhost: h\r\n\r\n");
    // Those that are in are served all the while.
    for _ in 0..20 {
        for client in &mut held {
            assert_eq!(client.get("/").status(), 200);
        }
    }
    assert!(third.is_silent(), "the third was served beyond the cap");
    drop(held.pop());
    assert_eq!(third.read().status(), 200, "its turn comes when another leaves");
}

#[test]
fn a_handler_that_hangs_is_given_up() {
    let never = handler(|_| std::future::pending());
    let ingress = start(Settings { call_deadline: Duration::from_millis(1), ..settings() }, all(), never);
    let reply = ask(&ingress, "GET / HTTP/1.1");
    assert_eq!((reply.status(), reply.problem().as_str()), (504, "urn:lath:problem:deadline-exceeded"));
}

#[test]
fn an_answer_that_is_not_taken_is_cut() {
    let ingress = start(
        Settings { header_read_timeout: SHORT, connections: 1, ..settings() },
        all(),
        handler(async |seen: Seen| match seen.path.as_str() {
            // More than the buffers of both sides.
            "/large" => response(200, &[], &vec![0; 32 << 20]),
            _ => echo(seen).await,
        }),
    );
    let mut stalled = Client::connect(ingress.address());
    stalled.write("GET /large HTTP/1.1\r\nhost: h\r\n\r\n");
    // The only place is free again once the stalled connection is gone.
    assert_eq!(ask(&ingress, "GET / HTTP/1.1").status(), 200);
}

#[test]
fn answers_that_are_not_taken_are_bounded_all_together() {
    const LARGE: usize = 32 << 20;
    let large = handler(async |_| response(200, &[], &vec![0; LARGE]));
    let ingress = start(Settings { bodies_bytes: LARGE + LARGE / 2, ..settings() }, all(), large);
    let mut stalled = Client::connect(ingress.address());
    stalled.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(stalled.read_head().starts_with("HTTP/1.1 200 "));
    let refused = ask(&ingress, "GET / HTTP/1.1");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.problem(), "urn:lath:problem:busy");
    drop(stalled);
    let give_up = Instant::now() + PATIENCE;
    while ask(&ingress, "GET / HTTP/1.1").status() != 200 {
        assert!(Instant::now() < give_up, "what was held is not given back");
    }
}

#[test]
fn a_taken_address_is_named() {
    let ingress = start_echo(settings());
    let error = bind(ingress.address()).map(drop).unwrap_err();
    assert!(matches!(&error, IngressError::Bind { address, .. } if *address == ingress.address()), "{error}");
    assert!(error.to_string().contains("--listen"), "{error}");
}

/// Waits on this thread.
fn futures_executor<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
