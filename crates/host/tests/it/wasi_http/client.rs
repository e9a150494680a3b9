//! A client that streams, HTTP/1.1 or HTTP/2, frame by frame; and one that writes bytes as they are.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use testkit::application::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The longest that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A request whose body is still being sent.
pub struct Exchange {
    frames: Option<Sender<Frame<Bytes>>>,
    response: JoinHandle<Option<Response<Incoming>>>,
}

/// A response whose body is still being read.
pub struct Answer {
    pub status: u16,
    body: Incoming,
}

impl Exchange {
    /// Sends the head of a request.
    pub fn begin(running: &Running, is_h2: bool, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::begin_at(&running.url(path).unwrap(), is_h2, headers)
    }

    /// The same, to this URL.
    pub fn begin_at(url: &str, is_h2: bool, headers: &[(&str, &str)]) -> Self {
        let (frames, taken) = channel(1);
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(is_h2).build_http();
        let request = Request::builder().method("POST").uri(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(body(taken)).unwrap();
        let response = tokio::spawn(async move { client.request(request).await.ok() });
        Self { frames: Some(frames), response }
    }

    /// Sends a part of the body; false where nobody takes it.
    pub async fn send(&self, data: impl Into<Bytes>) -> bool {
        let frame = Frame::data(data.into());
        timeout(PATIENCE, self.frames.as_ref().unwrap().send(frame)).await.unwrap().is_ok()
    }

    /// Sends a part of the body, unless nobody takes it for so long.
    pub async fn send_within(&self, data: impl Into<Bytes>, patience: Duration) -> bool {
        let frame = Frame::data(data.into());
        matches!(timeout(patience, self.frames.as_ref().unwrap().send(frame)).await, Ok(Ok(())))
    }

    /// Ends the body.
    pub async fn end(&mut self, trailers: Option<HeaderMap>) {
        let frames = self.frames.take().unwrap();
        if let Some(trailers) = trailers {
            frames.send(Frame::trailers(trailers)).await.unwrap();
        }
    }

    /// The head of the answer.
    pub async fn answer(&mut self) -> Answer {
        self.perhaps().await.expect("an answer")
    }

    /// The head of the answer, if there is one.
    pub async fn perhaps(&mut self) -> Option<Answer> {
        let (parts, body) = timeout(PATIENCE, &mut self.response).await.unwrap().unwrap()?.into_parts();
        Some(Answer { status: parts.status.as_u16(), body })
    }
}

impl Answer {
    /// The next part of the body: bytes, trailers, or none at its end.
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        timeout(PATIENCE, self.body.frame()).await.expect("a frame in time")
    }

    /// The body as far as it comes, its trailers, and whether it came to its end.
    pub async fn rest(mut self) -> (Vec<u8>, HeaderMap, bool) {
        let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
        loop {
            match self.frame().await {
                None => return (data, trailers, true),
                Some(Err(_)) => return (data, trailers, false),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => data.extend(bytes),
                    Err(frame) => trailers = frame.into_trailers().unwrap(),
                },
            }
        }
    }
}

fn body(frames: Receiver<Frame<Bytes>>) -> Body {
    let frames = futures_util::stream::unfold(frames, |mut frames| async {
        let frame = frames.recv().await?;
        Some((Ok(frame), frames))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// Writes these bytes to a new connection, and reads until it ends.
pub async fn raw(running: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.host.ready().listen.unwrap()).await.unwrap();
    // The server may have said no before it has heard all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A server that keeps what it is asked: `/to/PORT` leads there, all else is a page. It ends when it is dropped.
pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { port, requests, task }
    }

    /// The requests so far: heads, and what came with them.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request after the other; those with a body end it with the last chunk.
async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Vec<String>>>) {
    let mut taken = String::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        taken += &String::from_utf8_lossy(&buffer[..count]);
        let is_whole = match taken.contains("transfer-encoding: chunked") {
            true => taken.ends_with("0\r\n\r\n"),
            false => taken.ends_with("\r\n\r\n"),
        };
        if !is_whole {
            continue;
        }
        let path = taken.split(' ').nth(1).unwrap().to_owned();
        kept.lock().unwrap().push(std::mem::take(&mut taken));
        let head = match path.strip_prefix("/to/") {
            Some(port) => format!("302 Found\r\nlocation: http://127.0.0.1:{port}/page"),
            None => "200 OK".to_owned(),
        };
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 9\r\n\r\nthe page\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
