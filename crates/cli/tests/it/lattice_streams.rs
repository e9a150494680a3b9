//! Requests that stream over real hosts and servers, to an actor of `wasi:http` on another host.

use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::http::send;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, Processes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::lattice_support::{alone, labelled};

/// What ends a body in chunks (RFC 9112, section 7.1).
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The guest on host `h2`, and a host `h1` without it.
async fn apart(guest: &str) -> Result<Processes> {
    let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
    lattice.join("h1", &HostOptions::default()).await?;
    lattice.join("h2", &labelled("tier", "web")).await?;
    lattice.up_text(&manifest(guest)).await?;
    lattice.answered("h1", "/hello", AMPLE).await?;
    Ok(lattice)
}

fn manifest(guest: &str) -> String {
    format!(
        "[application]\nname = \"site\"\ndeadline = \"30s\"\n[actors.web]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/{guest}.wasm\"\n\
         place = {{ on = {{ tier = \"web\" }} }}\nlimits = {{ execution = \"300s\" }}\n\
         [[routes]]\npath = \"/*\"\nto = \"web\"\n"
    )
}

/// A connection on which an answer without end has begun.
async fn endless(lattice: &Processes) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(lattice.address("h1")?).await?;
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut taken = vec![0; 1 << 20];
    timeout(AMPLE, stream.read_exact(&mut taken)).await.context("no answer")??;
    anyhow::ensure!(taken.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&taken[..200]));
    Ok(stream)
}

/// Reads to the end of the connection; whether the answer looks whole.
async fn looks_whole(mut stream: TcpStream) -> Result<bool> {
    let (mut end, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let count = timeout(AMPLE, stream.read(&mut buffer)).await.context("it never ends")?;
        let Ok(count @ 1..) = count else { return Ok(end.ends_with(LAST_CHUNK)) };
        end.extend_from_slice(&buffer[..count]);
        end.drain(..end.len().saturating_sub(LAST_CHUNK.len()));
    }
}

#[test]
fn bodies_of_both_versions_travel_between_hosts() -> Result<()> {
    alone(async || {
        for guest in ["http_app", "http_next"] {
            let lattice = apart(guest).await?;
            let url = |path: &str| -> Result<String> { Ok(format!("http://{}{path}", lattice.address("h1")?)) };
            let body = "0123456789abcdef".repeat(1 << 19);
            let echoed = timeout(AMPLE, send("POST", &url("/echo")?, &body)).await??;
            assert_eq!((echoed.status, echoed.body.len()), (200, body.len()), "{guest}");
            assert!(echoed.body == body, "{guest}: what came back is not what was sent");
            assert_eq!(send("GET", &url("/panic")?, "").await?.status, 502, "{guest}");
            assert_eq!(send("POST", &url("/echo")?, "small").await?.body, "small", "{guest}");
        }
        Ok(())
    })
}

#[test]
fn an_answer_from_a_host_that_dies_or_stands_still_never_looks_whole() -> Result<()> {
    alone(async || {
        let mut lattice = apart("http_app").await?;
        let stream = endless(&lattice).await?;
        lattice.process("h2")?.freeze()?;
        assert!(!looks_whole(stream).await?);
        lattice.process("h2")?.thaw()?;
        // Once it is itself again it answers again, and the instance of before is gone.
        lattice.answered("h1", "/hello", AMPLE).await?;
        let stream = endless(&lattice).await?;
        lattice.process("h2")?.kill()?;
        assert!(!looks_whole(stream).await?);
        let refused = timeout(Duration::from_secs(30), lattice.get("h1", "/hello")).await??;
        assert!(matches!(refused.status, 503 | 504), "{refused:?}");
        Ok(())
    })
}

/// A client that sends and does not read: soon nobody takes more of it, and nobody holds it.
#[test]
fn a_slow_reader_costs_no_memory() -> Result<()> {
    const MOST: u64 = 64 << 20;
    alone(async || {
        let mut lattice = apart("http_app").await?;
        let mut before = Vec::new();
        for host in ["h1", "h2"] {
            before.push(lattice.process(host)?.resident_bytes()?);
        }
        let mut stream = TcpStream::connect(lattice.address("h1")?).await?;
        stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n").await?;
        let mut sent = 0_u64;
        while let Ok(written) = timeout(Duration::from_secs(3), stream.write(&[7; 1 << 16])).await {
            sent += u64::try_from(written?)?;
            anyhow::ensure!(sent < MOST, "{sent} bytes were taken, and none was read");
        }
        for (host, before) in ["h1", "h2"].into_iter().zip(before) {
            let grown = lattice.process(host)?.resident_bytes()?.saturating_sub(before);
            assert!(grown < MOST, "{host} has grown by {grown} bytes for {sent} bytes that wait");
        }
        drop(stream);
        lattice.answered("h1", "/hello", AMPLE).await?;
        Ok(())
    })
}
