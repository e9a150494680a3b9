//! `lath:keyvalue/store`: what a store does, as a contract of plain values. Both ends of it are here, so that they agree.
//!
//! Whoever keeps keys and values serves it with [`service`], in a host or in a process of its own: all names are checked and
//! all bounds held before it sees an operation. Whoever has an operation for a store elsewhere makes [`Question`]s of it.

mod ask;
mod serve;

use std::collections::BTreeSet;
use std::time::Instant;

use adapter::value::Value;
use engine::keyvalue::{Answering, Operation, StoreError};
use model::blueprint::DEFAULT_STORE;
use model::ids::StoreName;

pub use self::ask::Question;
pub use self::serve::service;

use super::store::{check, check_together, told};
use crate::Opens;
use crate::service::{Backend, Wire as _};

/// The functions that change nothing: they may be called again after a failure.
const READS: [&str; 4] = ["exists", "get", "get-many", "list-keys"];

/// Whoever keeps keys and values in stores that are known by name.
pub trait Stores: Backend {
    /// Does one thing in a store. The name is one, the empty one replaced; keys, values and batches are within bounds.
    fn run<'a>(&'a self, store: &'a str, operation: Operation, deadline: Instant) -> Answering<'a>;
}

crate::variant! {
    /// The contract's `error`.
    enum Fault { NoSuchStore, AccessDenied, Rpc(String), Other(String) }
}

/// The value of a key, where it has one.
type Held = Option<Vec<u8>>;

crate::record! {
    /// The contract's `page`.
    struct Keys { keys: Vec<String>, cursor: Option<String> }
}

crate::record! {
    /// The contract's `bounds`.
    struct Bounds { least: i64, most: i64 }
}

/// The functions that change nothing.
pub fn reads() -> BTreeSet<String> {
    READS.map(ToOwned::to_owned).into()
}

/// The store that is meant by a name; none where it is no name.
fn store_name(name: &str) -> Option<&str> {
    match name {
        "" => Some(DEFAULT_STORE),
        name => name.parse::<StoreName>().is_ok().then_some(name),
    }
}

/// Admits the parameters of a call where its store is one that the caller's link opens; else there is none for it.
pub(super) fn opened(opens: &Opens) -> impl Fn(&[Value]) -> Result<(), Value> + use<'_> {
    move |params| {
        let named = match params.first() {
            Some(Value::String(name)) => store_name(name),
            _ => None,
        };
        let refused = || Value::err(Some(Fault::NoSuchStore.lower()));
        named.filter(|name| opens.has(name)).map(drop).ok_or_else(refused)
    }
}

fn bounded(operation: &Operation) -> Result<(), StoreError> {
    check(operation).and_then(|()| check_together(operation)).map_err(|error| StoreError::Other(told(&error)))
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchStore => Self::NoSuchStore,
            StoreError::AccessDenied => Self::AccessDenied,
            StoreError::Other(text) => Self::Other(text),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoSuchStore => Self::NoSuchStore,
            Fault::AccessDenied => Self::AccessDenied,
            Fault::Rpc(text) | Fault::Other(text) => Self::Other(text),
        }
    }
}
