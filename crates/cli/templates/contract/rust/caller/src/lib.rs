//! Calls the contract as any function. Where it is answered, and in which language, the manifest says.

wit_bindgen::generate!({ world: "caller", path: "../wit", generate_all });

use example::my_actor::greeter::{GreetingError, greet};
use exports::example::my_actor::desk::Guest;

struct Desk;
export!(Desk);

impl Guest for Desk {
    fn welcome(guests: Vec<String>) -> Vec<String> {
        guests.iter().map(|guest| line(guest)).collect()
    }
}

fn line(guest: &str) -> String {
    match greet(guest) {
        Ok(greeting) => greeting,
        Err(GreetingError::Nobody) => "Who is there?".to_owned(),
        Err(GreetingError::Transport(why)) => format!("No greeting: {why}"),
    }
}
