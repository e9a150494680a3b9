//! HTTP/1.1: what an actor sees, and what becomes of its answers.

use model::failure::{Failure, RpcError};

use crate::server::{Client, Seen, all, ask, error, handler, response, settings, start, start_echo};

#[test]
fn an_actor_sees_the_request_as_it_was() {
    let ingress = start_echo(settings());
    let check = |request: &[u8], expected: &str| {
        let mut client = Client::connect(ingress.address());
        client.write(request);
        assert_eq!(client.read().text(), expected);
    };
    check(b"GET /a/b?amount=5 HTTP/1.1\r\nHost: H\r\n\r\n", "web GET /a/b ?amount=5 [host=H] ");
    check(b"GET /a%20b/%ff?q=%3F&r HTTP/1.1\r\nhost: h\r\n\r\n", "web GET /a%20b/%ff ?q=%3F&r [host=h] ");
    // The target says who is meant, whatever the header says (RFC 9112, section 3.2.2).
    check(b"GET http://other/x HTTP/1.1\r\nhost: h\r\n\r\n", "web GET /x ? [host=other] ");
    check(b"GET / HTTP/1.1\r\nhost: \r\n\r\n", "web GET / ? [host=] ");
    check(b"GET / HTTP/1.0\r\n\r\n", "web GET / ? [] ");
    check(
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody",
        "web POST / ? [host=h|content-length=4] body",
    );
    check(
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nx-late: 1\r\n\r\n",
        "web POST / ? [host=h] body",
    );
    check(
        b"GET / HTTP/1.1\r\nhost: h\r\nconnection: keep-alive, X-Hop\r\nkeep-alive: 5\r\nx-hop: 1\r\nte: gzip\r\n\
          upgrade: websocket\r\nx-end: 2\r\n\r\n",
        "web GET / ? [host=h|x-end=2] ",
    );
    check(
        "GET / HTTP/1.1\r\nhost: h\r\nx-two: 1\r\nx-two: 2\r\nx-utf: é\r\n\r\n".as_bytes(),
        "web GET / ? [host=h|x-two=1|x-two=2|x-utf=é] ",
    );
}

#[test]
fn requests_that_http_does_not_know_are_refused() {
    let ingress = start_echo(settings());
    let check = |request: &[u8], status: u16| {
        let mut client = Client::connect(ingress.address());
        client.write(request);
        let answer = client.read_to_end();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer} to {}", request.escape_ascii());
    };
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client that speaks TLS\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nhost: h\r\nno colon\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab", 400);
    check(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nhost: \xff\r\nconnection: close\r\n\r\n", 400);
    for host in ["a b", "a/b", "user@a", "a:b:c", "[a"] {
        check(format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes(), 400);
    }
    check(b"GET http://user@a/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nhost: h\r\nx: \xff\xfe\r\nconnection: close\r\n\r\n", 400);
    check(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400);
    check(b"CONNECT h:1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", 501);
}

#[test]
fn a_connection_serves_many_requests() {
    let ingress = start_echo(settings());
    let mut client = Client::connect(ingress.address());
    let ids: Vec<_> = (0..3).map(|_| client.get("/").header("x-request-id").unwrap().to_owned()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    // Pipelined requests are answered in order; garbage after them costs the connection only.
    client.write("GET /1 HTTP/1.1\r\nhost: h\r\n\r\nGET /2 HTTP/1.1\r\nhost: h\r\n\r\n\0\x01garbage\r\n\r\n");
    assert!(client.read().text().contains("/1"));
    assert!(client.read().text().contains("/2"));
    assert!(client.read_to_end().starts_with("HTTP/1.1 400 "));
    assert_eq!(Client::connect(ingress.address()).get("/").status(), 200);
}

#[test]
fn an_answer_is_sent_as_it_is() {
    let ingress = start(
        settings(),
        all(),
        handler(async |seen: Seen| match seen.path.as_str() {
            "/created" => response(201, &[("Location", "/1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], b"made"),
            "/empty" => response(204, &[("content-length", "9")], b""),
            "/unmodified" => response(304, &[("etag", "\"1\"")], b"dropped"),
            "/length" => response(200, &[("content-length", "9"), ("transfer-encoding", "chunked")], b"four"),
            "/hop" => response(200, &[("connection", "close"), ("upgrade", "h2c"), ("x", "é")], b""),
            "/head" => response(200, &[("content-length", "9")], b""),
            _ => response(599, &[], &[0, 255]),
        }),
    );
    let created = ask(&ingress, "GET /created HTTP/1.1");
    assert_eq!((created.status(), created.header("location"), created.text().as_str()), (201, Some("/1"), "made"));
    assert_eq!(created.head.matches("set-cookie: ").count(), 2);
    let empty = ask(&ingress, "GET /empty HTTP/1.1");
    assert_eq!((empty.status(), empty.header("content-length")), (204, None));
    let unmodified = ask(&ingress, "GET /unmodified HTTP/1.1");
    assert_eq!((unmodified.status(), unmodified.body.len(), unmodified.header("etag")), (304, 0, Some("\"1\"")));
    let length = ask(&ingress, "GET /length HTTP/1.1");
    assert_eq!((length.header("transfer-encoding"), length.text().as_str()), (None, "four"));
    let hop = ask(&ingress, "GET /hop HTTP/1.1");
    assert_eq!((hop.header("connection"), hop.header("upgrade"), hop.header("x")), (None, None, Some("é")));
    assert_eq!(ask(&ingress, "HEAD /created HTTP/1.1").header("content-length"), Some("4"));
    assert_eq!(ask(&ingress, "HEAD /head HTTP/1.1").header("content-length"), Some("9"));
    let odd = ask(&ingress, "GET /odd HTTP/1.1");
    assert_eq!((odd.status(), odd.body.as_slice()), (599, [0, 255].as_slice()));
}

#[test]
fn answers_that_http_cannot_carry_become_502() {
    let many = vec![("x", "1"); provider::limits::HEADERS_MAX + 1];
    let answers = [
        response(99, &[], b""),
        response(101, &[], b""),
        response(600, &[], b""),
        response(200, &[("bad name", "1")], b""),
        response(200, &[("", "1")], b""),
        response(200, &[("x", "split\r\nset-cookie: stolen=1")], b""),
        response(200, &[("x", "\0")], b""),
        response(200, &many, b""),
    ];
    for answer in answers {
        let shown = format!("{answer:?}");
        let ingress = start(settings(), all(), handler(move |_| std::future::ready(answer.clone())));
        let reply = ask(&ingress, "GET / HTTP/1.1");
        assert_eq!((reply.status(), reply.problem().as_str()), (502, "urn:lath:problem:bad-answer"), "{shown}");
        assert!(!reply.head.contains("stolen"));
    }
    let malformed: [&[u8]; 5] = [b"", b"\x02", b"\x00\xff", b"\x00\xc8\x01\x00\x01a trailing", b"\x01\x63"];
    for bytes in malformed {
        let ingress = start(settings(), all(), handler(move |_| std::future::ready(Ok(bytes.to_vec()))));
        let reply = ask(&ingress, "GET / HTTP/1.1");
        assert_eq!((reply.status(), reply.problem().as_str()), (502, "urn:lath:problem:deser"), "{bytes:?}");
    }
}

#[test]
fn failures_become_problems_without_what_is_inside() {
    let secret = || "secret: wasm backtrace at main.rs:7".to_owned();
    let cases = [
        (RpcError::ActorHandler(secret()), 502),
        (RpcError::HostError(secret()), 503),
        (RpcError::DeadlineExceeded(secret()), 504),
        (RpcError::Timeout(secret()), 504),
        (RpcError::Transport(secret()), 503),
        (RpcError::InvalidParameter(secret()), 403),
        (RpcError::Deser(secret()), 502),
        (RpcError::MethodNotHandled(secret()), 502),
        (RpcError::NotImplemented, 502),
        (RpcError::Other(secret()), 502),
    ];
    for (failure, status) in cases {
        let kind = format!("urn:lath:problem:{}", failure.parts().0);
        // The platform fails, or the actor itself answers an error: the client is told the same.
        for answer in [Err(Failure::unknown(failure.clone())), error(failure)] {
            let ingress = start(settings(), all(), handler(move |_| std::future::ready(answer.clone())));
            let reply = ask(&ingress, "GET / HTTP/1.1");
            assert_eq!((reply.status(), reply.problem()), (status, kind.clone()));
            assert!(!reply.text().contains("secret"), "{}", reply.text());
            assert_eq!(reply.header("retry-after").is_some(), status == 503);
        }
    }
}

#[test]
fn a_problem_is_these_bytes() {
    let failure = Failure::unknown(RpcError::ActorHandler("wasm trap".to_owned()));
    let ingress = start(settings(), all(), handler(move |_| std::future::ready(Err(failure.clone()))));
    let reply = ask(&ingress, "GET / HTTP/1.1");
    let text = reply.text().replace(reply.header("x-request-id").unwrap(), "ID");
    assert_eq!(
        text,
        r#"{"type":"urn:lath:problem:actor-handler","title":"Bad Gateway","status":502,"detail":"The application failed while it handled the request.","instance":"ID"}"#
    );
    let head = ask(&ingress, "HEAD / HTTP/1.1");
    assert_eq!((head.status(), head.body.len()), (502, 0));
}
