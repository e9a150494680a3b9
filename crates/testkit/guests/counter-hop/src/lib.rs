//! Passes a count on over its link; where its environment names an address, it sends a request there first. Says so in
//! its log.

wit_bindgen::generate!({
    world: "test:counter-hop/hop",
    path: ["../wit/lath-rpc", "../wit/lath-keyvalue", "wit"],
    generate_all,
});

use exports::lath::keyvalue::counter::{Guest, RpcError};
use lath::keyvalue::counter::increment;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

struct Hop;
export!(Hop);

impl Guest for Hop {
    fn increment(key: String, value: i32) -> Result<i32, RpcError> {
        println!("passing {key} on");
        if let Ok(authority) = std::env::var("ASK") {
            let status = ask(&authority).ok_or_else(|| RpcError::Other(format!("{authority} does not answer")))?;
            println!("{authority} answered {status}");
        }
        increment(&key, value)
    }
}

/// The status that a server answers.
fn ask(authority: &str) -> Option<u16> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some("/page")).ok()?;
    let answer = outgoing_handler::handle(request, None).ok()?;
    answer.subscribe().block();
    Some(answer.get()?.ok()?.ok()?.status())
}
