//! HTTP/2 with prior knowledge, on the same port.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use provider::limits::{
    BODY_BYTES_MAX, CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX, HEADERS_MAX, STREAM_ERRORS_MAX, STREAM_RESETS_MAX,
    STREAM_WINDOW_BYTES, STREAMS_MAX,
};

use crate::server::{Client, settings, start_echo};

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender
}

fn request(method: &str, path: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let uri = format!("http://shop.example.com{path}");
    Request::builder().method(method).uri(uri).body(Full::new(body.into())).unwrap()
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let ingress = start_echo(settings());
    let sender = connect(ingress.address()).await;
    let answers = join_all((0..500).map(|number| {
        let mut sender = sender.clone();
        async move {
            let response =
                sender.send_request(request("POST", &format!("/{number}?q"), b"body".to_vec())).await.unwrap();
            assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
            assert!(response.headers().contains_key("x-request-id"));
            text(response).await
        }
    }))
    .await;
    for (number, answer) in answers.into_iter().enumerate() {
        let expected = format!("web POST /{number} ?q [content-length=4|host=shop.example.com] body");
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn head_and_bounds_hold_here_too() {
    let ingress = start_echo(settings());
    let mut sender = connect(ingress.address()).await;
    let length = |response: &Response<_>| response.headers()["content-length"].to_str().unwrap().to_owned();
    let get = sender.send_request(request("GET", "/", Vec::new())).await.unwrap();
    let head = sender.send_request(request("HEAD", "/", Vec::new())).await.unwrap();
    assert_eq!(length(&get), length(&head));
    assert_eq!(text(head).await, "");
    let large = sender.send_request(request("POST", "/", vec![0; BODY_BYTES_MAX + 1])).await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let most = sender.send_request(request("POST", "/", vec![b'b'; BODY_BYTES_MAX])).await.unwrap();
    assert_eq!(most.status(), StatusCode::OK);
    let mut many = request("GET", "/", Vec::new());
    for number in 0..=HEADERS_MAX {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        many.headers_mut().insert(name, http::HeaderValue::from_static("v"));
    }
    let refused = sender.send_request(many).await.unwrap();
    assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

/// A frame of RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const END: u8 = 0x5;

/// `GET /` of `h`, in HPACK's static table and literals (RFC 7541, appendix A).
fn headers(stream: u32) -> Vec<u8> {
    frame(1, END, stream, &[0x82, 0x84, 0x86, 0x41, 1, b'h'])
}

#[test]
fn bounds_are_announced() {
    let ingress = start_echo(settings());
    let mut client = Client::connect(ingress.address());
    client.write(PREFACE);
    client.write(frame(4, 0, 0, &[]));
    client.write(frame(7, 0, 0, &[0; 8]));
    let bytes = client.read_bytes_to_end();
    // SETTINGS comes first; its entries are pairs of number and value (section 6.5.1).
    let length = usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
    let value = |number: u8| {
        let entry = bytes[9..9 + length].chunks(6).find(|entry| entry[..2] == [0, number]).unwrap();
        u32::from_be_bytes(entry[2..].try_into().unwrap())
    };
    assert_eq!([value(3), value(4)], [STREAMS_MAX, STREAM_WINDOW_BYTES]);
    assert_eq!(value(6), u32::try_from(HEADER_BYTES_MAX).unwrap());
    // WINDOW_UPDATE of the connection (section 6.9), which begins with 65535.
    let update = frame(8, 0, 0, &(CONNECTION_WINDOW_BYTES - 65_535).to_be_bytes());
    assert!(bytes.windows(update.len()).any(|window| window == update), "{bytes:?}");
}

#[test]
fn a_client_that_only_makes_trouble_is_sent_away() {
    let ingress = start_echo(settings());
    let check = |trouble: &dyn Fn(u32) -> Vec<u8>, count: usize| {
        let mut client = Client::connect(ingress.address());
        let streams = (0..u32::try_from(count).unwrap()).map(|number| number * 2 + 1);
        let flood: Vec<u8> = streams.flat_map(trouble).collect();
        client.write([PREFACE, &frame(4, 0, 0, &[]), &flood].concat());
        // GOAWAY with ENHANCE_YOUR_CALM (section 7), or the connection is gone before it is read.
        let bytes = client.read_bytes_to_end();
        let is_calm = |window: &[u8]| window[3] == 7 && window[13..] == 11_u32.to_be_bytes();
        assert!(bytes.is_empty() || bytes.windows(17).any(is_calm), "{bytes:?}");
        assert_eq!(Client::connect(ingress.address()).get("/").status(), 200);
    };
    // Begun and reset at once.
    check(&|stream| [headers(stream), frame(3, 0, stream, &8_u32.to_be_bytes())].concat(), STREAM_RESETS_MAX * 100);
    // A header that HTTP/2 does not have (section 8.2.2): `upgrade: v`.
    let malformed = |stream| {
        let header = [&[0x82, 0x84, 0x86, 0x41, 1, b'h', 0, 7], b"upgrade".as_slice(), &[1, b'v']].concat();
        frame(1, END, stream, &header)
    };
    check(&malformed, STREAM_ERRORS_MAX + 100);
}
