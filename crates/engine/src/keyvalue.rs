//! `wasi:keyvalue`: its host functions, over stores that an actor is handed as plain values.
//!
//! The drafts `0.2.0-draft` and `0.2.0-draft2` are told apart by the types that a component imports, not by their names:
//! both have been published with small differences under one name. No resource leaves the engine: a bucket is a handle
//! of one instance, and [`Stores`] knows it by its name. Start at [`Stores`]; `link` defines the functions, `handles`
//! holds what a guest has open, `wire` has the types.

mod handles;
mod link;
mod wire;

use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::CallContext;

pub(crate) use handles::Handles;
pub(crate) use link::define;

/// What one import of `wasi:keyvalue` is connected to.
#[derive(Clone)]
pub struct StoreImport {
    /// The composite's import.
    pub label: String,
    /// Which interface of the package it is: `store`, `atomics` or `batch`.
    pub interface: String,
    /// The stores that it opens.
    pub stores: Arc<dyn Stores>,
}

impl fmt::Debug for StoreImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreImport").field("label", &self.label).field("interface", &self.interface).finish()
    }
}

/// The interfaces of `wasi:keyvalue` that can be linked, in full.
pub fn interfaces() -> impl Iterator<Item = String> {
    let versions = ["0.2.0-draft", "0.2.0-draft2"];
    let named = move |interface| versions.map(|version| format!("wasi:keyvalue/{interface}@{version}"));
    ["atomics", "batch", "store"].into_iter().flat_map(named)
}

/// What a store is asked to do. Keys are those of the guest, in no way checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The values of keys: [`Answer::Values`].
    Read(Vec<String>),
    /// Whether a key has a value: [`Answer::Exists`].
    Exists(String),
    /// Keys, from a cursor on: [`Answer::Page`].
    List {
        /// What the page before said; the beginning where it is absent.
        cursor: Option<String>,
    },
    /// Sets keys, or deletes those without a value; together or one by one: [`Answer::Done`].
    Write(Vec<(String, Option<Bytes>)>),
    /// Adds to the number that is kept under a key as decimal text; one that is absent is 0: [`Answer::Number`].
    Add {
        /// The key.
        key: String,
        /// What is added.
        delta: i64,
        /// Where the sum must lie; else nothing is changed.
        bounds: RangeInclusive<i64>,
    },
    /// Sets a key if its value is the expected one: [`Answer::Swapped`].
    Swap {
        /// The key.
        key: String,
        /// Its value until now; absent where it must have none.
        expected: Option<Bytes>,
        /// Its value from now on.
        value: Bytes,
    },
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A value for each key, in their order; none where it has none.
    Values(Vec<Option<Bytes>>),
    /// Whether there is a value.
    Exists(bool),
    /// Keys.
    Page(Page),
    /// It is done.
    Done,
    /// The sum.
    Number(i64),
    /// Whether the value was the expected one, and so was replaced.
    Swapped(bool),
}

/// Some of a store's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys, in no particular order.
    pub keys: Vec<String>,
    /// Where the next page begins; absent after the last.
    pub cursor: Option<String>,
}

/// Why a store does not do what it is asked, as `wasi:keyvalue` tells it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The actor has no store of that name.
    #[error("there is no such store")]
    NoSuchStore,
    /// The store is there, and refuses the host.
    #[error("access to the store is denied")]
    AccessDenied,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What [`Stores::run`] returns.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, StoreError>> + Send + 'a>>;

/// The stores that an actor may open, by name.
pub trait Stores: Send + Sync + 'static {
    /// Whether the actor may open the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchStore`] where it is not told of one of that name.
    fn open(&self, name: &str) -> Result<(), StoreError>;

    /// Does one thing in a store, for what an instance does within `call` and before its deadline. The store is found by its
    /// name each time, so that a handle outlives a change of what the name means.
    fn run<'a>(&'a self, name: &'a str, operation: Operation, call: &'a CallContext) -> Answering<'a>;
}
