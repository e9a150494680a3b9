//! What both crates of Rust do alike.

use crate::exports::test::conform::values::{Everything, Guest, Shape};
use crate::wasi::config::store as config;
use crate::wasi::keyvalue::store;
use crate::wasi::logging::logging::{Level, log};

impl Guest for crate::Conform {
    fn echo(v: Everything) -> Everything {
        v
    }

    fn settle(v: Shape) -> Result<Shape, String> {
        match v {
            Shape::Named(text) => Err(text),
            other => Ok(other),
        }
    }

    fn told(huge: u64, long: i64, text: String) -> String {
        format!("{huge} {long} {}", text.chars().count())
    }
}

/// The status and the text for a path that needs nothing of HTTP.
pub fn answer(path: &str, query: &str) -> (u16, String) {
    match path {
        "/keep" => (200, kept(query)),
        "/setting" => (200, config::get(query).expect("a configuration").unwrap_or("nothing".to_owned())),
        "/note" => {
            log(Level::Warn, "conform", query);
            (200, "noted".to_owned())
        }
        _ => (404, "no such page".to_owned()),
    }
}

/// What was at the key of `key=value` before.
fn kept(query: &str) -> String {
    let (key, value) = query.split_once('=').unwrap_or((query, ""));
    let bucket = store::open("default").expect("a store");
    let before = bucket.get(key).expect("a value");
    bucket.set(key, value.as_bytes()).expect("room");
    before.map_or("nothing".to_owned(), |value| String::from_utf8_lossy(&value).into_owned())
}
