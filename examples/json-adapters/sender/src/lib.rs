//! A sender written by hand: turns `increment` into a message with a JSON payload.

wit_bindgen::generate!({ world: "sender", path: "../wit", generate_all });

use exports::lath::keyvalue::counter::Guest;
use lath::rpc::types::RpcError;
use lath::wasmbus::sender::{self, Message};
use serde::Serialize;

/// The wire id: Lath links a sender only to a receiver that declares the same one.
#[used]
#[unsafe(link_section = "lath:wire")]
static WIRE: [u8; 14] = *b"json-counter/1";

const CONTRACT: &str = "lath:keyvalue/counter@0.1.0";

#[derive(Serialize)]
struct IncrementRequest {
    key: String,
    value: i32,
}

struct Sender;
export!(Sender);

impl Guest for Sender {
    fn increment(key: String, value: i32) -> Result<i32, RpcError> {
        let arg = serde_json::to_vec(&IncrementRequest { key, value })
            .map_err(|error| RpcError::Ser(format!("increment: {error}")))?;
        let message = Message { method: "increment".into(), arg };
        // No link name: the host knows which link this sender was composed for.
        let reply = sender::send(&message, CONTRACT, None)?;
        serde_json::from_slice(&reply).map_err(|error| RpcError::Deser(format!("reply of increment: {error}")))
    }
}
