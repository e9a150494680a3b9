//! A counter that does not count: it answers 42, as the host of the article did.

wit_bindgen::generate!({ world: "answer", path: "../wit", generate_all });

use exports::lath::keyvalue::counter::{Guest, RpcError};

struct Answer;
export!(Answer);

impl Guest for Answer {
    fn increment(_key: String, _value: i32) -> Result<i32, RpcError> {
        Ok(42)
    }
}
