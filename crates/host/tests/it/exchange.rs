//! Heads of requests and answers as they travel between hosts.

use bytes::Bytes;
use host::exchange::{read_request, read_response, write_request, write_response};
use http::{HeaderValue, Request, Response};
use proptest::prelude::*;

fn request() -> http::request::Parts {
    let request = Request::builder().method("PUT").uri("/a?b=%20").header("host", "x").header("set-cookie", "1");
    request.header("set-cookie", "2").body(()).unwrap().into_parts().0
}

/// Wire `http/1`: what hosts of this version write, others must read.
#[test]
fn heads_are_written_so() {
    let written = write_request(&request());
    let golden: &[u8] = b"\0\0\0\x03PUT\0\0\0\x08/a?b=%20\0\0\0\x03\
                          \0\0\0\x04host\0\0\0\x01x\0\0\0\x0aset-cookie\0\0\0\x011\0\0\0\x0aset-cookie\0\0\0\x012";
    assert_eq!(written, golden);
    let read = read_request(written).unwrap();
    assert_eq!((read.method, read.uri, read.headers), (request().method, request().uri, request().headers));
    let answer =
        Response::builder().status(404).header("x", HeaderValue::from_bytes(b"\xe4").unwrap()).body(()).unwrap();
    let answer = answer.into_parts().0;
    let written = write_response(&answer);
    assert_eq!(written, b"\x01\x94\0\0\0\x01\0\0\0\x01x\0\0\0\x01\xe4"[..]);
    let read = read_response(written).unwrap();
    assert_eq!((read.status, read.headers), (answer.status, answer.headers));
}

#[test]
fn what_is_no_head_is_refused() {
    let whole = write_request(&request());
    for end in 0..whole.len() {
        read_request(whole.slice(..end)).unwrap_err();
    }
    let told = |head: &'static [u8]| read_request(Bytes::from_static(head)).unwrap_err().reason;
    for (head, reason) in [
        (&b"\0\0\0\x03G T\0\0\0\x01/\0\0\0\0"[..], "its method is none"),
        (b"\0\0\0\x03GET\0\0\0\x01 \0\0\0\0", "its URI is none"),
        (b"\0\0\0\x03GET\0\0\0\x01/\0\0\0\0", "it names no authority"),
        (b"\0\0\0\x03GET\0\0\0\x0ahttp://x/a\0\0\0\0more", "something follows it"),
        (b"\0\0\0\x03GET\0\0\0\x0ahttp://x/a\0\0\0\x01\0\0\0\x01 \0\0\0\0", "a header has no name"),
        (b"\0\0\0\x03GET\0\0\0\x0ahttp://x/a\0\0\0\x01\0\0\0\x01x\0\0\0\x01\n", "a header has no value"),
        (b"\0\0\0\x03GET\0\0\0\x0ahttp://x/a\xff\xff\xff\xff", "it is cut off"),
        (b"\0\0\0\x03GET\xff\xff\xff\xffhttp://x/a", "it is cut off"),
    ] {
        assert_eq!(told(head), reason);
    }
    assert_eq!(read_response(Bytes::from_static(b"\0\x01\0\0\0\0")).unwrap_err().reason, "its status is none");
    // As many headers as fit into a head, and more than can be held.
    let mut many = b"\0\xc8\0\x01\x00\x00".to_vec();
    for name in 0..0x1_0000_u32 {
        many.extend(b"\0\0\0\x05");
        many.extend(format!("x{name:04x}").as_bytes());
        many.extend(b"\0\0\0\0");
    }
    assert_eq!(read_response(many.into()).unwrap_err().reason, "it has too many headers");
}

/// The lattice gives a body at least the time that its actor has for it.
#[test]
fn bodies_have_the_time_that_actors_have() {
    let most = engine::limits::HTTP_STREAMING_DEFAULT + engine::limits::EXPIRY_GRACE;
    assert!(lattice::limits::STREAM_TIME_MAX > most);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(head in proptest::collection::vec(any::<u8>(), 0..100)) {
        let head = Bytes::from(head);
        let _ = (read_request(head.clone()), read_response(head));
    }
}
