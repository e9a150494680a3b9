//! Trace context of requests into the world.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::CallContext;
use engine::http::{Body, Patience, Requests};
use http::Request;
use http_body_util::{BodyExt, Empty};
use model::trace::Trace;
use provider::http::outgoing::{Client, Roots, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-00";

/// What a server hears of trace context, where a request has these headers and its call this trace.
async fn heard(headers: &[(&str, &str)], trace: Option<Trace>) -> Vec<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    let client = Client::new(Settings::new(vec![origin.parse().unwrap()], Roots::web()));
    let body: Body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request =
        headers.iter().fold(Request::builder().uri(origin), |request, (name, value)| request.header(*name, *value));
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60)).traced(trace.map(Arc::new));
    client.send(request.body(body).unwrap(), Patience::default(), &call).await.unwrap();
    let heard = server.await.unwrap();
    heard.lines().filter(|line| line.starts_with("trace")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_trace_goes_along_unless_the_actor_has_one_of_its_own() {
    let with_state = Trace::read(TRACE, ["a=1,b=2"]);
    let both = [format!("traceparent: {TRACE}"), "tracestate: a=1,b=2".to_owned()];
    assert_eq!(heard(&[], with_state.clone()).await, both);
    // A state without its trace is nobody's.
    assert_eq!(heard(&[("tracestate", "c=3")], with_state.clone()).await, both);
    assert_eq!(heard(&[], Trace::read(TRACE, [])).await, both[..1]);
    let own = heard(&[("traceparent", OTHER), ("tracestate", "c=3")], with_state.clone()).await;
    assert_eq!(own, [format!("traceparent: {OTHER}"), "tracestate: c=3".to_owned()]);
    assert_eq!(heard(&[("traceparent", OTHER)], with_state).await, [format!("traceparent: {OTHER}")]);
    assert_eq!(heard(&[], None).await, Vec::<String>::new());
}
