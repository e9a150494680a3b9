//! Counts requests, and says which version it is. What it is and does stands as text in its data, so that `testkit` makes
//! other versions of it without building it again.

wit_bindgen::generate!({
    world: "test:versioned/versioned",
    path: ["../wit/lath-rpc", "../wit/lath-httpserver", "../wit/lath-keyvalue", "wit"],
    generate_all,
});

use std::hint::black_box;
use std::thread::sleep;
use std::time::Duration;

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use exports::test::versioned::health::Guest as Health;
use lath::keyvalue::counter::increment;

/// `VERSION` and what it does, each up to the next space.
static IS: [u8; 48] = *b"this-is-version one      and-it-does good       ";

struct Versioned;
export!(Versioned);

impl Guest for Versioned {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let words = black_box(&IS);
        let (version, does) = (word(&words[16..]), word(&words[37..]));
        match does.as_str() {
            "good" | "unready" | "warms" | "dozes" => {}
            "slow" => sleep(Duration::from_millis(300)),
            "hangs" => sleep(Duration::from_secs(3_600)),
            other => panic!("this version {other}"),
        }
        // Looked at only, where so much is asked for.
        let amount = if req.query_string.contains("amount=0") { 0 } else { 1 };
        let sum = increment("versioned", amount).map_err(|error| RpcError::Other(format!("{error:?}")))?;
        let body = format!("{{\"counter\":{sum},\"version\":\"{version}\"}}\n");
        Ok(HttpResponse { status_code: 200, header: Vec::new(), body: body.into_bytes() })
    }
}

impl Health for Versioned {
    fn ready() -> Result<(), String> {
        match word(&black_box(&IS)[37..]).as_str() {
            "unready" => Err("it never will be".to_owned()),
            // By what it remembers with another's help: each call may meet a new instance.
            "warms" => match increment("warm", 1) {
                Ok(3..) => Ok(()),
                Ok(times) => Err(format!("asked {times} times")),
                Err(error) => Err(format!("{error:?}")),
            },
            "dozes" => {
                sleep(Duration::from_secs(3_600));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn word(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).take_while(|letter| *letter != ' ').collect()
}
