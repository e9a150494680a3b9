//! An ingress in front of a handler that a test states, and clients that write what they like.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use adapter::codec::{decode_params, encode_result};
use adapter::value::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::AppName;
use model::manifest::{Method, Route};
use provider::contracts;
use provider::http::{Handler, HttpCall, Ingress, METHOD, Router, Settings, bind};
use provider::service::Wire;

/// No test waits longer for a socket.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request as an actor sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) application: String,
    pub(crate) actor: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) header: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    fn new(call: &HttpCall<'_>) -> Self {
        let contract = contracts::handler().unwrap();
        let values = decode_params(&contract.functions[METHOD], &call.payload).unwrap();
        let [Value::Record(fields)] = <[Value; 1]>::try_from(values).unwrap() else { unreachable!() };
        let fields = <[Value; 5]>::try_from(fields).unwrap();
        let [method, path, query, Value::List(header), Value::Bytes(body)] = fields else { unreachable!() };
        let text = |value| String::lift(value).unwrap();
        let header = header.into_iter().map(|pair| {
            let Value::Tuple(pair) = pair else { unreachable!() };
            let [name, value] = <[Value; 2]>::try_from(pair).unwrap();
            (text(name), text(value))
        });
        Self {
            application: call.application.to_string(),
            actor: call.actor.to_string(),
            method: text(method),
            path: text(path),
            query: text(query),
            header: header.collect(),
            body,
        }
    }
}

/// What an actor answers.
pub(crate) type Answer = Result<Vec<u8>, Failure>;

/// The result of an actor that answers this.
pub(crate) fn response(status: u16, header: &[(&str, &str)], body: &[u8]) -> Answer {
    let text = |text: &str| Value::String(text.to_owned());
    let header = header.iter().map(|(name, value)| Value::Tuple(vec![text(name), text(value)])).collect();
    let record = Value::Record(vec![Value::U16(status), Value::List(header), Value::Bytes(body.to_vec())]);
    encoded(&Value::ok(Some(record)))
}

/// The result of an actor that answers an error of its own.
pub(crate) fn error(error: RpcError) -> Answer {
    encoded(&Value::err(Some(error.lower())))
}

fn encoded(value: &Value) -> Answer {
    let contract = contracts::handler().unwrap();
    Ok(encode_result(&contract.functions[METHOD], Some(value)).unwrap())
}

/// An actor that answers what it saw, as text.
pub(crate) async fn echo(seen: Seen) -> Answer {
    let header: Vec<_> = seen.header.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = format!(
        "{} {} {} ?{} [{}] {}",
        seen.actor,
        seen.method,
        seen.path,
        seen.query,
        header.join("|"),
        String::from_utf8_lossy(&seen.body)
    );
    response(200, &[("content-type", "text/plain")], body.as_bytes())
}

struct Stated<F>(F);

impl<F, A> Handler for Stated<F>
where
    F: Fn(Seen) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Answer> {
        (self.0)(Seen::new(&call)).boxed()
    }
}

pub(crate) fn handler<F, A>(answer: F) -> Arc<dyn Handler>
where
    F: Fn(Seen) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    Arc::new(Stated(answer))
}

pub(crate) fn route(host: Option<&str>, path: &str, methods: &[Method], to: &str) -> Route {
    Route {
        host: host.map(|host| host.parse().unwrap()),
        path: path.parse().unwrap(),
        methods: methods.iter().copied().collect(),
        to: to.parse().unwrap(),
        via: Vec::new(),
    }
}

pub(crate) fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

/// Everything to actor `web`.
pub(crate) fn all() -> Router {
    Router::new(&app("shop"), &[route(None, "/*", &[], "web")]).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings { workers: 2, ..Settings::default() }
}

pub(crate) fn start(settings: Settings, router: Router, handler: Arc<dyn Handler>) -> Ingress {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    Ingress::start(listener, settings, router, handler).unwrap()
}

/// An ingress whose only actor echoes.
pub(crate) fn start_echo(settings: Settings) -> Ingress {
    start(settings, all(), handler(echo))
}

/// A connection that is read and written by hand.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Writes; the other side may have closed already, which the next read will tell.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.get_mut().write_all(bytes.as_ref()));
    }

    /// One response: its head, in lines, and its body.
    pub(crate) fn read(&mut self) -> Reply {
        self.read_reply(false)
    }

    pub(crate) fn read_reply(&mut self, is_head: bool) -> Reply {
        let mut reply = Reply { head: self.read_head(), body: Vec::new() };
        let length = if is_head { 0 } else { reply.header("content-length").map_or(0, |text| text.parse().unwrap()) };
        reply.body.resize(length, 0);
        self.stream.read_exact(&mut reply.body).unwrap();
        reply
    }

    pub(crate) fn read_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "connection closed after {head:?}");
        }
        head
    }

    /// Whatever comes until the other side closes, which it must.
    pub(crate) fn read_to_end(&mut self) -> String {
        String::from_utf8_lossy(&self.read_bytes_to_end()).into_owned()
    }

    pub(crate) fn read_bytes_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection stays open: {error}"),
        }
        bytes
    }

    /// True where nothing has arrived.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.get_mut().set_nonblocking(true).unwrap();
        let read = self.stream.get_mut().peek(&mut [0]);
        self.stream.get_mut().set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.write(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        self.read()
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The problem's type, and that its other members fit the response.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status());
        assert_eq!(problem["instance"].as_str(), self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem["type"].as_str().unwrap().to_owned()
    }
}

/// One request on a connection of its own; the head is completed with a host.
pub(crate) fn ask(ingress: &Ingress, head: &str) -> Reply {
    let mut client = Client::connect(ingress.address());
    client.write(format!("{head}\r\nhost: localhost\r\n\r\n"));
    client.read_reply(head.starts_with("HEAD "))
}
