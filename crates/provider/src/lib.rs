//! Capabilities: the SDK that providers are written with, the built-in ones, and the HTTP ingress.
//!
//! A provider implements a contract natively. Its functions are ordinary Rust functions; [`service::Service`] decodes
//! parameters and encodes results from the contract, so no provider holds code for calls. [`catalogue`] lists the
//! built-in kinds, [`http`] takes requests from outside and hands them to actors as calls of
//! `lath:httpserver/handler`.
//!
//! This crate must not know the host's internals, the engine or WebAssembly: it sees payloads, and a
//! [`http::Handler`] that takes them away.
//!
//! Start at [`Provider`], then [`service`], then `keyvalue.rs` and `http.rs`. Tests are in `tests/it`: providers are
//! driven by payloads made with the codec, durability by processes that are killed, the ingress over real sockets.

mod catalogue;
mod config;
pub mod contracts;
mod error;
mod gate;
pub mod http;
pub mod keyvalue;
pub mod limits;
pub mod process;
pub mod service;
mod throttle;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use engine::keyvalue::{Answering, Operation, StoreError};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::contract::ContractName;
use model::failure::Failure;
use model::ids::StoreName;
use model::wire::WireVersion;

pub use catalogue::{Kind, State, Surroundings, catalogue, kind};
pub use config::ConfigValue;
pub use error::{ProcessError, ProviderError};

/// One call of one function of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The contract as the caller sees it.
    pub contract: &'a ContractName,
    /// The function's name in the contract.
    pub method: &'a str,
    /// Its parameters, in the version below.
    pub payload: &'a [u8],
    /// The version of the wire: of the parameters, and of the result.
    pub wire: WireVersion,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The stores that the caller may open, where the contract has any.
    pub opens: &'a Opens,
}

/// The stores of a provider that a caller may open. The host says so, by the caller's link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Opens {
    /// None.
    #[default]
    Nothing,
    /// Those that the link names.
    Only(Arc<BTreeSet<StoreName>>),
    /// Each: the caller is the owner of the machine.
    All,
}

impl Opens {
    /// True where the caller may open the store.
    pub fn has(&self, store: &str) -> bool {
        match self {
            Opens::Nothing => false,
            Opens::Only(names) => names.contains(store),
            Opens::All => true,
        }
    }
}

/// How a provider is. It serves in either case: calls are never kept from one that is unwell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// What it was asked last it did, or nothing is known to be wrong.
    #[default]
    Well,
    /// What it needs fails it: why, for people. The text has no clock and no count in it, so that it stays the same while
    /// nothing changes.
    Unwell(String),
}

/// Whoever implements a contract natively.
pub trait Provider: Send + Sync {
    /// Answers a call, with the result in the version of the wire that the call is in.
    ///
    /// # Errors
    ///
    /// `invalid-parameter` where the contract is not this provider's, `method-not-handled` where it has no such
    /// function, `deser` where the payload is malformed, all not started; and whatever the function gives.
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>>;

    /// Does one thing in a store, for an actor in the same process that opens it through `wasi:keyvalue`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchStore`] where the provider keeps no keys and values; and whatever the store gives.
    fn keyvalue<'a>(&'a self, store: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        drop((store, operation, deadline));
        std::future::ready(Err(StoreError::NoSuchStore)).boxed()
    }

    /// How it is, as far as that is known: at once, without asking anybody.
    fn health(&self) -> Health {
        Health::Well
    }

    /// Takes no more calls, which are refused *not started* from then on, finishes those it has, and lets go of files and
    /// connections. Whoever waits for it gives it a deadline.
    fn drain(&self) -> BoxFuture<'_, ()>;
}
