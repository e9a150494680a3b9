//! Requests made to be understood in two ways, and frames made to cost much: each is refused, and whoever comes next is
//! served as before.

use std::sync::{Arc, Mutex};

use provider::http::{Ingress, Settings};
use provider::limits::{HEADER_BYTES_MAX, HEADERS_MAX};

use crate::server::{Client, all, echo, handler, settings, start};

/// An ingress that remembers which paths its actor saw.
struct Watched {
    ingress: Ingress,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn start(settings: Settings) -> Self {
        let paths = Arc::new(Mutex::new(Vec::new()));
        let seen_by = Arc::clone(&paths);
        let actor = handler(move |seen| {
            seen_by.lock().unwrap().push(seen.path.clone());
            echo(seen)
        });
        Self { ingress: start(settings, all(), actor), paths }
    }

    /// What comes back until the connection is closed, which it must be.
    fn ask(&self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let mut client = Client::connect(self.ingress.address());
        client.write(bytes);
        client.read_bytes_to_end()
    }

    fn still_serves(&self, case: &str) {
        assert_eq!(Client::connect(self.ingress.address()).get("/well").status(), 200, "{case}");
    }

    /// The paths seen since the last time.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.paths.lock().unwrap())
    }
}

/// What a proxy in front might have read as part of the request before.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";

/// A request whose end is in doubt is refused, and nothing behind it is read as a request (RFC 9112, section 6.3).
#[test]
fn requests_with_two_ends_are_refused() {
    let watched = Watched::start(settings());
    let rows = [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4, 5",
        "content-length: 0x4",
        "content-length: -1",
        "content-length: +4",
        "content-length: 4 4",
        "content-length: 99999999999999999999",
        "content-length:",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding:\r\n chunked",
        "x: y\r\n continued",
        " x: y",
        "x\0y: z",
        "x: y\0z",
        "x: y\rz: 1",
        "content-length: 4\r\nx[]: y z\u{7f}",
    ];
    for framing in rows {
        let bytes = format!("POST /first HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n0\r\n\r\n{HIDDEN}");
        let answer = String::from_utf8_lossy(&watched.ask(bytes)).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 501 "), "{framing:?}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{framing:?}\n{answer}");
        watched.still_serves(framing);
        assert_eq!(watched.taken(), ["/well"], "{framing:?}");
    }
}

/// A length beside chunks: whoever passed it on may have believed the length. One request, and no other after it.
#[test]
fn a_length_beside_chunks_ends_the_connection() {
    let watched = Watched::start(settings());
    for framing in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let bytes = format!("POST /first HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n0\r\n\r\n{HIDDEN}");
        watched.ask(bytes);
        assert!(!watched.taken().contains(&"/hidden".to_owned()), "{framing:?}");
    }
    // HTTP/1.0 has no chunks.
    let old = format!("POST /first HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    watched.ask(old);
    assert!(!watched.taken().contains(&"/hidden".to_owned()));
}

#[test]
fn malformed_chunks_are_refused() {
    let watched = Watched::start(settings());
    let long = "x".repeat(64 << 10);
    let rows = [
        "zz\r\n".to_owned(),
        "-1\r\na\r\n0\r\n\r\n".to_owned(),
        "+1\r\na\r\n0\r\n\r\n".to_owned(),
        "0x1\r\na\r\n0\r\n\r\n".to_owned(),
        "1\na\n0\n\n".to_owned(),
        "1\r\nab\r\n0\r\n\r\n".to_owned(),
        "1\r\na0\r\n\r\n".to_owned(),
        "\r\n0\r\n\r\n".to_owned(),
        "10000000000000000\r\na\r\n0\r\n\r\n".to_owned(),
        format!("1;{long}\r\na\r\n0\r\n\r\n"),
        "1;a\nb\r\na\r\n0\r\n\r\n".to_owned(),
        format!("0\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1)),
        format!("0\r\na: {}\r\n\r\n", "b".repeat(2 * HEADER_BYTES_MAX)),
        "0\r\nno colon\r\n\r\n".to_owned(),
    ];
    for chunks in rows {
        let bytes = format!("POST /first HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        let case = chunks.chars().take(40).collect::<String>();
        let answer = String::from_utf8_lossy(&watched.ask(bytes)).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{case:?}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{case:?}\n{answer}");
        watched.still_serves(&case);
        assert_eq!(watched.taken(), ["/well"], "{case:?}");
    }
}

/// A frame of RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET /hidden` of `h` (RFC 7541, appendix A), and more.
fn head(method: u8, more: &[&[u8]]) -> Vec<u8> {
    [&[method, 0x86, 0x04, 7], b"/hidden".as_slice(), &[0x41, 1, b'h'], &more.concat()].concat()
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

/// A header that is no part of any table.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let part = |text: &[u8]| [&[u8::try_from(text.len()).unwrap()], text].concat();
    [vec![0], part(name), part(value)].concat()
}

#[test]
fn frames_that_cost_much_end_the_connection() {
    let watched = Watched::start(settings());
    let filler = vec![0; 16_000];
    // One entry of 4,000 bytes, named many times: 64 MB of headers in 16 KB (RFC 7541, section 7.3).
    let entry = [vec![0x40, 1, b'a', 0x7f, 0xa1, 0x1e], vec![b'b'; 4_000]].concat();
    let bomb = [head(GET, &[&entry]), vec![0xbe; 12_000]].concat();
    let endless = [
        frame(HEADERS, END_STREAM, 1, &head(GET, &[])),
        frame(CONTINUATION, 0, 1, &literal(b"a", b"b").repeat(2_000)).repeat(200),
    ];
    let rows = [
        ("a header block without end", endless.concat()),
        ("empty frames of a header block", {
            let begin = frame(HEADERS, END_STREAM, 1, &head(GET, &[]));
            [begin, frame(CONTINUATION, 0, 1, &[]).repeat(100_000)].concat()
        }),
        ("a table entry named many times", frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)),
        ("a frame longer than any may be", [vec![0xff, 0xff, 0xff, HEADERS, 0, 0, 0, 0, 1], filler].concat()),
        ("a window without growth", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a window beyond its most", frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()).repeat(2)),
        ("data of no request", frame(DATA, 0, 1, b"x")),
        ("an acknowledgement of nothing, with content", frame(SETTINGS, 1, 0, &[0; 6])),
    ];
    for (case, bytes) in rows {
        let mut client = Client::connect(watched.ingress.address());
        client.write([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[])].concat());
        client.write(bytes);
        if case.starts_with("a table") {
            // An error of the request alone: the client goes away itself.
            client.write(frame(7, 0, 0, &[0; 8]));
        }
        client.read_bytes_to_end();
        watched.still_serves(case);
        assert_eq!(watched.taken(), ["/well"], "{case}");
    }
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(50_000);
    let mut client = Client::connect(watched.ingress.address());
    client.write([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[]), &pings].concat());
    watched.still_serves("pings that nobody reads the answers to");
}

/// What HTTP/1 would read as the end of a request is no part of one in HTTP/2 (RFC 9113, sections 8.1.1 and 8.2.1).
#[test]
fn requests_of_http2_hide_no_others() {
    let watched = Watched::start(settings());
    let rows: [(&str, u8, Vec<u8>, &[u8]); 9] = [
        ("a value with an end of line", GET, literal(b"x", b"y\r\nz: 1"), b""),
        ("a value with nothing in it", GET, literal(b"x", b"y\0"), b""),
        ("a name with a colon", GET, literal(b"x: y", b"z"), b""),
        ("a name in capitals", GET, literal(b"X-Large", b"z"), b""),
        ("chunks", POST, literal(b"transfer-encoding", b"chunked"), b"0\r\n\r\n"),
        ("a connection's header", GET, literal(b"connection", b"x"), b""),
        ("two lengths", POST, [literal(b"content-length", b"1"), literal(b"content-length", b"2")].concat(), b"x"),
        ("a length that is too short", POST, literal(b"content-length", b"1"), b"xy"),
        ("a length that is too long", POST, literal(b"content-length", b"3"), b"xy"),
    ];
    for (case, method, more, body) in rows {
        let mut client = Client::connect(watched.ingress.address());
        client.write([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[])].concat());
        let flags = if body.is_empty() { END_STREAM | END_HEADERS } else { END_HEADERS };
        client.write(frame(HEADERS, flags, 1, &head(method, &[&more])));
        if !body.is_empty() {
            client.write(frame(DATA, END_STREAM, 1, body));
        }
        client.write(frame(7, 0, 0, &[0; 8]));
        client.read_bytes_to_end();
        watched.still_serves(case);
        assert_eq!(watched.taken(), ["/well"], "{case}");
    }
}
