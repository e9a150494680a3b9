//! Counters by key: `lath:keyvalue/counter`, in memory, in a file, or in the lattice.
//!
//! All kinds add atomically, whoever calls, and refuse a sum beyond 32 bits, a key over [`KEY_LEN_MAX`] bytes and a new
//! key where the store is full, each as `invalid-parameter` or `host-error` and without any change.
//!
//! - `keyvalue/memory` forgets everything when its host ends. Configuration: `max-keys`.
//! - `keyvalue/embedded` keeps a file; see [`embedded`]. Configuration: `max-keys`, `durability`.
//! - `keyvalue/nats` keeps a JetStream bucket that all hosts share; see [`nats`]. Configuration: `bucket`.

pub mod embedded;
mod memory;
pub mod nats;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::failure::{Failure, RpcError};
use model::manifest::ConfigValue;

use crate::config::Config;
use crate::error::ProviderError;
use crate::limits::{EMBEDDED_KEYS_DEFAULT, EMBEDDED_KEYS_MAX, KEY_LEN_MAX, MEMORY_KEYS_DEFAULT, MEMORY_KEYS_MAX};
use crate::service::Service;
use crate::{Provider, Surroundings, contracts};
use embedded::{Durability, Embedded};
use memory::Memory;
use nats::Shared;

pub(crate) const EMBEDDED: &str = "keyvalue/embedded";
pub(crate) const MEMORY: &str = "keyvalue/memory";
pub(crate) const NATS: &str = "keyvalue/nats";

/// What a store answers: the contract's own result, or a failure before or after the change.
type Counted = Result<Result<i32, RpcError>, Failure>;

pub(crate) fn open_memory(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let config = Config::new(MEMORY, surroundings.name, config, &["max-keys"])?;
    let keys_max = config.number("max-keys", 1..=MEMORY_KEYS_MAX, MEMORY_KEYS_DEFAULT)?;
    let service = Service::build(contracts::counter()?, Arc::new(Memory::new(keys_max)))
        .function("increment", async |store: Arc<Memory>, (key, value), _| Ok(store.increment(key, value)))
        .finish()?;
    Ok(Arc::new(service))
}

pub(crate) fn open_embedded(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let Surroundings { name, data, .. } = surroundings;
    let config = Config::new(EMBEDDED, name, config, &["max-keys", "durability"])?;
    let keys_max = config.number("max-keys", 1..=EMBEDDED_KEYS_MAX, EMBEDDED_KEYS_DEFAULT)?;
    let durability = match config.word("durability", &["commit", "interval"])? {
        "interval" => Durability::Interval,
        _ => Durability::Commit,
    };
    let store = Arc::new(Embedded::open(name, data, durability, keys_max)?);
    let service = Service::build(contracts::counter()?, store)
        .function("increment", async |store: Arc<Embedded>, (key, value), deadline| {
            store.increment(key, value, deadline).await
        })
        .finish()?;
    Ok(Arc::new(service))
}

pub(crate) fn open_nats(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let Surroundings { application, name, state, .. } = surroundings;
    let config = Config::new(NATS, name, config, &["bucket"])?;
    let state = state.as_ref().ok_or_else(|| ProviderError::NoLattice { provider: (*name).clone(), kind: NATS })?;
    let bucket = config.name("bucket")?.unwrap_or_else(|| format!("{application}.{name}"));
    let store = Arc::new(Shared::new((*name).clone(), Arc::clone(state), &bucket));
    let service = Service::build(contracts::counter()?, store)
        .function("increment", async |store: Arc<Shared>, (key, value): (String, i32), deadline| {
            store.increment(&key, value, deadline).await
        })
        .finish()?;
    Ok(Arc::new(service))
}

/// Refuses a key that is too long.
fn bounded_key(key: &str) -> Result<(), RpcError> {
    if key.len() <= KEY_LEN_MAX {
        return Ok(());
    }
    Err(RpcError::InvalidParameter(format!("the key has {} bytes, a store takes {KEY_LEN_MAX} at most", key.len())))
}

/// The sum, or why there is none.
fn sum(key: &str, before: i32, value: i32) -> Result<i32, RpcError> {
    before.checked_add(value).ok_or_else(|| {
        let text = format!("counter `{key}` is {before}: adding {value} goes beyond 32 bits, nothing was changed");
        RpcError::InvalidParameter(text)
    })
}

/// The store holds as many keys as it may.
fn full(keys_max: usize) -> RpcError {
    RpcError::HostError(format!("the store is full: it holds {keys_max} keys; raise `max-keys` of the provider"))
}
