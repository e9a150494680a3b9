//! A receiver written by hand: turns a message with a JSON payload into a call of `increment`.

wit_bindgen::generate!({ world: "receiver", path: "../wit", generate_all });

use exports::lath::wasmbus::receiver::{Guest, Message, Payload};
use lath::keyvalue::counter;
use lath::rpc::types::RpcError;
use serde::Deserialize;

/// The wire id: Lath links a sender only to a receiver that declares the same one.
#[used]
#[unsafe(link_section = "lath:wire")]
static WIRE: [u8; 14] = *b"json-counter/1";

#[derive(Deserialize)]
struct IncrementRequest {
    key: String,
    value: i32,
}

struct Receiver;
export!(Receiver);

impl Guest for Receiver {
    fn receive(message: Message) -> Result<Payload, RpcError> {
        if message.method != "increment" {
            let unknown = format!("the counter contract has no function `{}`", message.method);
            return Err(RpcError::MethodNotHandled(unknown));
        }
        let request: IncrementRequest = serde_json::from_slice(&message.arg)
            .map_err(|error| RpcError::Deser(format!("arguments of increment: {error}")))?;
        let value = counter::increment(&request.key, request.value)?;
        serde_json::to_vec(&value).map_err(|error| RpcError::Ser(format!("increment: {error}")))
    }
}
