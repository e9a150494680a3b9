//! Connections to the origins that were granted, and to no other address than theirs.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine::http::HttpError;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use model::destination::Origin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tower_service::Service;

use super::line::{Line, Lines};
use super::tls::{self, Roots};
use super::{Place, Settings};
use crate::limits::{ADDRESSES_TRIED_MAX, LOOKUPS_OUT_MAX};

tokio::task_local! {
    /// How long the request that wants a connection waits for it.
    pub(super) static CONNECT_WITHIN: Duration;
}

/// Finds the addresses of names.
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a name, best first.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// Asks the system, which takes a thread for each name, and goes on with it when nobody waits for it any more.
#[derive(Clone, Debug)]
pub struct System {
    lookup: Lookup,
    /// One permit for each name that may be looked up at once.
    turns: Arc<Semaphore>,
}

/// Finds the addresses of a name, and blocks its thread for it.
pub type Lookup = fn(&str) -> io::Result<Vec<IpAddr>>;

impl System {
    /// The same with another way to look up names.
    pub fn with(lookup: Lookup) -> Self {
        Self { lookup, turns: Arc::new(Semaphore::new(LOOKUPS_OUT_MAX)) }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(io::Error::other)?;
            let (name, lookup) = (name.to_owned(), self.lookup);
            let found = spawn_blocking(move || {
                let found = lookup(&name);
                drop(turn);
                found
            });
            found.await?
        })
    }
}

/// Makes the connections of one actor.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    granted: Vec<Origin>,
    resolver: Arc<dyn Resolve>,
    roots: Roots,
    permits: Arc<Semaphore>,
    lines: Lines,
    within: Duration,
    /// Names may lead anywhere.
    inside: bool,
}

impl Connector {
    pub(super) fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            granted: settings.granted.clone(),
            resolver: Arc::clone(&settings.resolver),
            roots: settings.roots.clone(),
            permits: Arc::new(Semaphore::new(settings.connections)),
            lines: Lines::default(),
            within: settings.connect,
            inside: settings.inside,
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<Wire, HttpError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HttpError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (inner, within) = (Arc::clone(&self.0), CONNECT_WITHIN.try_with(|within| *within));
        Box::pin(async move {
            let within = within.unwrap_or(inner.within);
            let permit = timeout(within, inner.permit()).await.map_err(|_| HttpError::ConnectionLimit)??;
            let connected = timeout(within, inner.connect(&uri)).await;
            let (stream, is_h2) = connected.map_err(|_| HttpError::ConnectTimeout)??;
            Ok(Wire { stream: TokioIo::new(stream), is_h2, line: inner.lines.add(), _permit: permit })
        })
    }
}

/// How often a request that waits for a connection looks for one that nobody uses any more.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Inner {
    /// The right to one more connection. Where all are taken, one without a request gives way.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, HttpError> {
        let mut waiting = pin!(Arc::clone(&self.permits).acquire_owned());
        loop {
            if self.permits.available_permits() == 0 {
                self.lines.ask_one();
            }
            if let Ok(permit) = timeout(LOOK_EVERY, waiting.as_mut()).await {
                return permit.map_err(|_| HttpError::ConnectionLimit);
            }
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<(Stream, bool), HttpError> {
        let place = Place::of(uri)?;
        let addresses = self.addresses(&place).await?;
        let mut failed = HttpError::Dns("it has no address".to_owned());
        for address in addresses.into_iter().take(ADDRESSES_TRIED_MAX) {
            match TcpStream::connect(SocketAddr::new(address, place.port)).await {
                Ok(stream) => return self.begin(&place, stream).await,
                Err(error) => failed = HttpError::Refused(error.to_string()),
            }
        }
        Err(failed)
    }

    /// The addresses that the place has and that may be connected to.
    async fn addresses(&self, place: &Place<'_>) -> Result<Vec<IpAddr>, HttpError> {
        let literal = place.host.trim_start_matches('[').trim_end_matches(']').parse();
        let found = match literal {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.resolver.resolve(place.host).await;
                found.map_err(|error| HttpError::Dns(error.to_string()))?
            }
        };
        let named: Vec<_> =
            self.granted.iter().filter(|origin| origin.takes(place.is_tls, place.host, place.port)).collect();
        let (any, mut found) = (!found.is_empty(), found);
        found.retain(|address| self.inside || named.iter().any(|origin| origin.leads_to(place.host, *address)));
        if any && found.is_empty() { Err(HttpError::Prohibited) } else { Ok(found) }
    }

    async fn begin(&self, place: &Place<'_>, stream: TcpStream) -> Result<(Stream, bool), HttpError> {
        // Small messages go out at once; where the system does not do that, they go out later.
        let _ = stream.set_nodelay(true);
        if !place.is_tls {
            return Ok((Box::pin(stream), false));
        }
        let stream = tls::wrap(&self.roots, place.host, stream).await?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::pin(stream), is_h2))
    }
}

/// Bytes in both directions.
trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

type Stream = Pin<Box<dyn Duplex>>;

/// A connection, which counts among those of its actor.
pub(super) struct Wire {
    stream: TokioIo<Stream>,
    is_h2: bool,
    line: Arc<Line>,
    _permit: OwnedSemaphorePermit,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Arc::clone(&self.line));
        if self.is_h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if self.line.is_asked(cx) {
            // As if the server had closed it.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.is_h2 {
            // HTTP/2 writes without a request too.
            self.line.written();
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
