//! Middleware on counters: it doubles what is added.

wit_bindgen::generate!({
    world: "test:doubler/doubler",
    path: ["../wit/lath-rpc", "../wit/lath-keyvalue", "wit"],
    generate_all,
});

use exports::lath::keyvalue::counter::{Guest, RpcError};
use lath::keyvalue::counter::increment;

struct Doubler;
export!(Doubler);

impl Guest for Doubler {
    fn increment(key: String, value: i32) -> Result<i32, RpcError> {
        increment(&key, value.saturating_mul(2))
    }
}
