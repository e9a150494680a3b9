//! Answers the contract: plain functions, wherever the calls come from.

wit_bindgen::generate!({ world: "callee", path: "../wit", generate_all });

use exports::example::my_actor::greeter::{GreetingError, Guest};

struct Greeter;
export!(Greeter);

impl Guest for Greeter {
    fn greet(name: String) -> Result<String, GreetingError> {
        match name.trim() {
            "" => Err(GreetingError::Nobody),
            name => Ok(format!("Hello, {name}!")),
        }
    }
}
