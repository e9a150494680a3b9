//! The yardstick for HTTP: hyper with the limits of the ingress, answering the bytes that kvcounter answers.

use std::convert::Infallible;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use provider::limits::{HEADER_BYTES_MAX, HEADER_READ_TIMEOUT};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::process;
use crate::report::cores;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Serves until the parent ends it: one worker for each core, connections dealt out in turn.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on the loopback")?;
    let address = listener.local_addr()?;
    let counter = Arc::new(AtomicI32::new(0));
    let workers: Vec<_> = (0..cores()).map(|_| worker(counter.clone())).collect::<Result<_>>()?;
    std::thread::spawn(move || deal(&listener, &workers));
    process::announce(address)?;
    process::await_end();
    Ok(())
}

fn deal(listener: &TcpListener, workers: &[UnboundedSender<TcpStream>]) {
    for (worker, stream) in workers.iter().cycle().zip(listener.incoming()) {
        let Ok(stream) = stream else { continue };
        if worker.send(stream).is_err() {
            return;
        }
    }
}

fn worker(counter: Arc<AtomicI32>) -> Result<UnboundedSender<TcpStream>> {
    let (sender, streams) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || runtime.block_on(work(streams, counter)));
    Ok(sender)
}

async fn work(mut streams: UnboundedReceiver<TcpStream>, counter: Arc<AtomicI32>) {
    while let Some(stream) = streams.recv().await {
        tokio::spawn(connection(stream, counter.clone()));
    }
}

/// A connection that breaks is the load generator's to notice.
async fn connection(stream: TcpStream, counter: Arc<AtomicI32>) -> Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(tokio::net::TcpStream::from_std(stream)?);
    let service = service_fn(|_: Request<Incoming>| std::future::ready(Ok::<_, Infallible>(answer(&counter))));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(stream, service)
        .await?;
    Ok(())
}

/// What kvcounter answers, byte for byte as long.
fn answer(counter: &AtomicI32) -> Response<Full<Bytes>> {
    let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = Response::new(Full::new(Bytes::from(format!("{{\"counter\":{count}}}"))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("00000000-00000000"));
    response
}
