//! Keys and values: `wasi:keyvalue` and the counters of `lath:keyvalue/counter`, in memory, in a file, in the lattice, or
//! in Redis.
//!
//! All kinds do the same: `store` says what, and refuses what is too large before any of them sees it. A number is kept
//! as decimal text, so that it can be read as a value, and changed atomically whoever calls. What is refused changes
//! nothing. `keeper` is what every kind is behind: it drains, and knows how the store is.
//!
//! - `keyvalue/memory` forgets everything when its host ends. Configuration: `max-keys`, `max-bytes`.
//! - `keyvalue/embedded` keeps a file; see [`embedded`]. Configuration: `max-keys`, `max-bytes`, `durability`.
//! - `keyvalue/nats` keeps a JetStream bucket that all hosts share; see [`nats`]. Configuration: `bucket`.
//! - `keyvalue/redis` keeps keys of a Redis server; see [`redis`]. Configuration: `url`, `ca`, `prefix`.

pub mod embedded;
mod keeper;
mod memory;
pub mod nats;
pub mod plain;
pub mod redis;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::keyvalue::{Answer, Answering, Operation, StoreError};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;

use self::redis::Redis;
use crate::config::{Config, ConfigValue};
use crate::error::ProviderError;
use crate::limits::{
    EMBEDDED_BYTES_DEFAULT, EMBEDDED_BYTES_MAX, EMBEDDED_KEYS_DEFAULT, EMBEDDED_KEYS_MAX, MEMORY_BYTES_DEFAULT,
    MEMORY_BYTES_MAX, MEMORY_KEYS_DEFAULT, MEMORY_KEYS_MAX,
};
use crate::service::{Backend, Service};
use crate::{Call, Health, Provider, Surroundings, contracts};
use embedded::{Durability, Embedded};
use keeper::Keeper;
use memory::Memory;
use nats::Shared;
use store::{Fault, Store};

pub(crate) const EMBEDDED: &str = "keyvalue/embedded";
pub(crate) const MEMORY: &str = "keyvalue/memory";
pub(crate) const NATS: &str = "keyvalue/nats";
pub(crate) const REDIS: &str = "keyvalue/redis";

/// The space of counters, apart from the stores that actors open.
const COUNTERS: &str = "";

/// What every kind has without messages: `wasi:keyvalue`.
pub(crate) fn natives() -> Vec<String> {
    engine::keyvalue::interfaces().collect()
}

/// How much a store may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) keys_max: usize,
    pub(crate) bytes_max: usize,
}

pub(crate) fn open_memory(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let config = Config::new(MEMORY, surroundings.name, config, &["max-keys", "max-bytes"])?;
    let keys_max = config.number("max-keys", 1..=MEMORY_KEYS_MAX, MEMORY_KEYS_DEFAULT)?;
    let bytes_max = config.number("max-bytes", 1..=MEMORY_BYTES_MAX, MEMORY_BYTES_DEFAULT)?;
    Keyvalue::over(surroundings.name, Memory::new(Room { keys_max, bytes_max }))
}

pub(crate) fn open_embedded(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let Surroundings { name, data, .. } = surroundings;
    let config = Config::new(EMBEDDED, name, config, &["max-keys", "max-bytes", "durability"])?;
    let keys_max = config.number("max-keys", 1..=EMBEDDED_KEYS_MAX, EMBEDDED_KEYS_DEFAULT)?;
    let bytes_max = config.number("max-bytes", 1..=EMBEDDED_BYTES_MAX, EMBEDDED_BYTES_DEFAULT)?;
    let durability = match config.word("durability", &["commit", "interval"])? {
        "interval" => Durability::Interval,
        _ => Durability::Commit,
    };
    Keyvalue::over(name, Embedded::open(name, data, durability, Room { keys_max, bytes_max })?)
}

pub(crate) fn open_nats(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let Surroundings { application, name, state, .. } = surroundings;
    let config = Config::new(NATS, name, config, &["bucket"])?;
    let state = state.as_ref().ok_or_else(|| ProviderError::NoLattice { provider: (*name).clone(), kind: NATS })?;
    let bucket = config.name("bucket")?.unwrap_or_else(|| format!("{application}.{name}"));
    Keyvalue::over(name, Shared::new((*name).clone(), Arc::clone(state), &bucket))
}

pub(crate) fn open_redis(
    config: &BTreeMap<String, ConfigValue>,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let Surroundings { application, name, .. } = surroundings;
    let config = Config::new(REDIS, name, config, &["url", "ca", "prefix"])?;
    let url = config.text("url", "the address of the server, such as `redis://localhost:6379`")?;
    let ca = config.path("ca")?;
    let prefix = config.name("prefix")?.unwrap_or_else(|| format!("{application}.{name}"));
    Keyvalue::over(name, Redis::open(name, url, ca.as_deref(), prefix)?)
}

/// A provider over any kind of store.
struct Keyvalue {
    store: Arc<Keeper>,
    counters: Service<Counters>,
    plain: Service<Spaces>,
}

/// The stores of a provider, as its messages see them.
struct Spaces(Arc<Keeper>);

impl Backend for Spaces {}

impl plain::Stores for Spaces {
    fn run<'a>(&'a self, store: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        async move { self.0.run(store, operation, deadline).await.map_err(StoreError::from) }.boxed()
    }
}

/// The counters of a store.
struct Counters(Arc<Keeper>);

impl Backend for Counters {}

impl Keyvalue {
    fn over(name: &ProviderName, store: impl Store) -> Result<Arc<dyn Provider>, ProviderError> {
        let store = Keeper::new(name.clone(), store);
        let counters = Service::build(contracts::counter()?, Arc::new(Counters(Arc::clone(&store))))
            .function("increment", async |counters: Arc<Counters>, (key, value), deadline| {
                counters.increment(key, value, deadline).await
            })
            .finish()?;
        let plain = plain::service(Arc::new(Spaces(Arc::clone(&store))))?;
        Ok(Arc::new(Self { store, counters, plain }))
    }
}

impl Counters {
    /// Adds to a counter of 32 bits.
    async fn increment(&self, key: String, value: i32, deadline: Instant) -> Result<Result<i32, RpcError>, Failure> {
        let bounds = i64::from(i32::MIN)..=i64::from(i32::MAX);
        let operation = Operation::Add { key, delta: i64::from(value), bounds };
        match self.0.run(COUNTERS, operation, deadline).await {
            Ok(Answer::Number(sum)) => Ok(i32::try_from(sum).map_err(|_| strange())),
            Ok(_) => Ok(Err(strange())),
            Err(Fault::Refused(error)) => Ok(Err(error)),
            Err(Fault::Denied(text)) => Ok(Err(RpcError::HostError(text))),
            Err(Fault::Failed(failure)) => Err(failure),
        }
    }
}

fn strange() -> RpcError {
    RpcError::HostError("the store answered something else than a sum within its bounds".to_owned())
}

impl Provider for Keyvalue {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        if self.counters.serves(call.contract) {
            return self.counters.call(call);
        }
        self.plain.call_if(call, plain::opened(call.opens)).boxed()
    }

    fn keyvalue<'a>(&'a self, name: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        async move { self.store.run(name, operation, deadline).await.map_err(StoreError::from) }.boxed()
    }

    fn health(&self) -> Health {
        self.store.health()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.store.drain().boxed()
    }
}
