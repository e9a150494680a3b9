//! Prints its configuration, and logs that it did.

use std::collections::BTreeMap;

wit_bindgen::generate!({ world: "configured", path: "wit", generate_all });

use wasi::config::store;
use wasi::logging::logging::{Level, log};

fn main() {
    let all: BTreeMap<String, String> = store::get_all().unwrap().into_iter().collect();
    for (key, value) in &all {
        assert_eq!(store::get(key).unwrap().as_ref(), Some(value));
    }
    assert_eq!(store::get("not there").unwrap(), None);
    println!("{all:?}");
    log(Level::Debug, "config", "printed");
}
