//! A collector that takes everything and keeps nothing, in a process of its own.

use std::convert::Infallible;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::process;

/// Takes until the parent ends it.
pub(crate) fn serve() -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = threads.block_on(TcpListener::bind(("127.0.0.1", 0))).context("cannot listen on the loopback")?;
    let address = listener.local_addr()?;
    threads.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream));
        }
    });
    process::announce(address)?;
    process::await_end();
    Ok(())
}

async fn connection(stream: TcpStream) -> Result<()> {
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(take)).await?)
}

async fn take(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut body = request.into_body();
    // One that breaks off is its sender's to notice.
    while let Some(Ok(_)) = body.frame().await {}
    Ok(Response::new(Empty::new()))
}
