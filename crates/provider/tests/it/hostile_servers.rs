//! Answers made to be understood in two ways, or to never come: who asked gets an error, and the next gets its own.

use std::time::{Duration, Instant};

use engine::CallContext;
use engine::http::{Body, HttpError, Patience, Requests};
use http::Request;
use http_body_util::{BodyExt, Empty};
use provider::http::outgoing::{Client, Roots, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that answers the first request of every connection with these bytes, again and again if `endless`.
async fn server(answer: String, endless: bool) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    if !matches!(stream.read_buf(&mut heard).await, Ok(1..)) {
                        return;
                    }
                }
                while stream.write_all(answer.as_bytes()).await.is_ok() && endless {}
                // It stays open: the client has to see for itself that there is no more.
                let _ = stream.read_to_end(&mut heard).await;
            });
        }
    });
    format!("http://127.0.0.1:{port}")
}

fn client(origin: &str, patience: Duration) -> Client {
    Client::new(Settings {
        connect: patience,
        first_byte: patience,
        ..Settings::new(vec![origin.parse().unwrap()], Roots::web())
    })
}

async fn ask(client: &Client, origin: &str) -> Result<String, HttpError> {
    let body: Body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::builder().uri(format!("{origin}/")).body(body).unwrap();
    let call = CallContext::new(1, Instant::now() + PATIENCE);
    let answer = client.send(request, Patience::default(), &call).await?;
    let bytes = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn answers_with_two_ends_are_errors() {
    let rows = [
        "content-length: 4\r\ncontent-length: 5\r\n\r\npage",
        "content-length: 4, 5\r\n\r\npage",
        "content-length: -1\r\n\r\npage",
        "content-length: 0x4\r\n\r\npage",
        "transfer-encoding: chunked\r\n\r\nzz\r\npage\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n-4\r\npage\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n10000000000000000\r\npage\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n4\r\npage0\r\n\r\n",
        "x: y\0z\r\ncontent-length: 4\r\n\r\npage",
        "no colon\r\ncontent-length: 4\r\n\r\npage",
    ];
    for head in rows {
        let origin = server(format!("HTTP/1.1 200 OK\r\n{head}"), false).await;
        let ended = ask(&client(&origin, PATIENCE), &origin).await;
        assert!(matches!(ended, Err(HttpError::Protocol(_) | HttpError::Incomplete(_))), "{head:?}: {ended:?}");
    }
}

/// What a server sends behind an answer is nobody's answer: the next request has a connection of its own.
#[tokio::test]
async fn an_answer_hides_no_other() {
    for framing in ["content-length: 4\r\n\r\npage", "transfer-encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n"] {
        let more = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
        let origin = server(format!("HTTP/1.1 200 OK\r\n{framing}{more}"), false).await;
        let client = client(&origin, PATIENCE);
        for _ in 0..5 {
            assert_eq!(ask(&client, &origin).await.unwrap(), "page", "{framing:?}");
        }
    }
}

#[tokio::test]
async fn answers_that_are_announced_for_ever_are_given_up() {
    let origin = server("HTTP/1.1 100 Continue\r\n\r\n".repeat(100), true).await;
    let ended = ask(&client(&origin, Duration::from_millis(200)), &origin).await;
    assert_eq!(ended, Err(HttpError::AnswerTimeout));
}
