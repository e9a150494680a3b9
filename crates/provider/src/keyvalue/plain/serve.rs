//! The answering end: a service over whatever keeps keys and values.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page};
use model::failure::Failure;

use super::{Bounds, Fault, Held, Keys, Stores, bounded, store_name};
use crate::contracts;
use crate::error::ProviderError;
use crate::service::{Builder, Service};

type Reply<T> = Result<Result<T, Fault>, Failure>;

/// `lath:keyvalue/store`, served by `stores`.
///
/// # Errors
///
/// Where the built-in contract cannot be read: this program is damaged.
pub fn service<S: Stores>(stores: Arc<S>) -> Result<Service<S>, ProviderError> {
    let built = Service::build(contracts::store()?, stores)
        .function("get", async |stores: Arc<S>, (store, key): (String, String), deadline| -> Reply<Held> {
            let read = run(&*stores, &store, Operation::Read(vec![key]), deadline).await;
            Ok(read.and_then(values).map(|values| values.into_iter().next().flatten()))
        })
        .function("get-many", async |stores: Arc<S>, (store, keys): (String, Vec<String>), deadline| {
            let read = run(&*stores, &store, Operation::Read(keys), deadline).await;
            Reply::Ok(read.and_then(values))
        })
        .function("exists", async |stores: Arc<S>, (store, key): (String, String), deadline| -> Reply<bool> {
            Ok(match run(&*stores, &store, Operation::Exists(key), deadline).await {
                Ok(Answer::Exists(exists)) => Ok(exists),
                other => Err(strange(other)),
            })
        })
        .function("list-keys", async |stores: Arc<S>, (store, cursor), deadline| -> Reply<Keys> {
            let (store, cursor): (String, Option<String>) = (store, cursor);
            Ok(match run(&*stores, &store, Operation::List { cursor }, deadline).await {
                Ok(Answer::Page(Page { keys, cursor })) => Ok(Keys { keys, cursor }),
                other => Err(strange(other)),
            })
        });
    changing(built).finish()
}

fn changing<S: Stores>(built: Builder<S>) -> Builder<S> {
    built
        .function("set", async |stores: Arc<S>, (store, key, value): (String, String, Vec<u8>), deadline| {
            write(&*stores, &store, vec![(key, Some(value.into()))], deadline).await
        })
        .function("set-many", async |stores: Arc<S>, (store, pairs), deadline| {
            let (store, pairs): (String, Vec<(String, Vec<u8>)>) = (store, pairs);
            let changes = pairs.into_iter().map(|(key, value)| (key, Some(value.into()))).collect();
            write(&*stores, &store, changes, deadline).await
        })
        .function("delete", async |stores: Arc<S>, (store, key): (String, String), deadline| {
            write(&*stores, &store, vec![(key, None)], deadline).await
        })
        .function("delete-many", async |stores: Arc<S>, (store, keys): (String, Vec<String>), deadline| {
            write(&*stores, &store, keys.into_iter().map(|key| (key, None)).collect(), deadline).await
        })
        .function("increment", async |stores: Arc<S>, (store, key, delta, within), deadline| -> Reply<i64> {
            let (store, within): (String, Option<Bounds>) = (store, within);
            let bounds = within.map_or(i64::MIN..=i64::MAX, |Bounds { least, most }| least..=most);
            Ok(match run(&*stores, &store, Operation::Add { key, delta, bounds }, deadline).await {
                Ok(Answer::Number(sum)) => Ok(sum),
                other => Err(strange(other)),
            })
        })
        .function("swap", async |stores: Arc<S>, (store, key, expected, value), deadline| -> Reply<bool> {
            let (store, expected, value): (String, Held, Vec<u8>) = (store, expected, value);
            let operation = Operation::Swap { key, expected: expected.map(Bytes::from), value: value.into() };
            Ok(match run(&*stores, &store, operation, deadline).await {
                Ok(Answer::Swapped(swapped)) => Ok(swapped),
                other => Err(strange(other)),
            })
        })
}

async fn write<S: Stores>(
    stores: &S,
    store: &str,
    changes: Vec<(String, Option<Bytes>)>,
    deadline: Instant,
) -> Reply<()> {
    Ok(match run(stores, store, Operation::Write(changes), deadline).await {
        Ok(Answer::Done) => Ok(()),
        other => Err(strange(other)),
    })
}

/// Does one thing in a store that has a name, within bounds.
async fn run<S: Stores>(stores: &S, store: &str, operation: Operation, deadline: Instant) -> Result<Answer, Fault> {
    let store = store_name(store).ok_or(Fault::NoSuchStore)?;
    bounded(&operation)?;
    Ok(stores.run(store, operation, deadline).await?)
}

fn values(answer: Answer) -> Result<Vec<Held>, Fault> {
    match answer {
        Answer::Values(values) => Ok(values.into_iter().map(|value| value.map(Vec::from)).collect()),
        other => Err(strange(Ok(other))),
    }
}

fn strange(answer: Result<Answer, Fault>) -> Fault {
    answer.map_or_else(|fault| fault, |_| Fault::Other("the store answered something that was not asked".to_owned()))
}
