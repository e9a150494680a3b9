//! The functions of `wasi:keyvalue`, defined under the labels of an actor's imports.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use wasmtime::StoreContextMut;
use wasmtime::component::types::{Component as ComponentType, ComponentInstance, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};

use super::handles::{Bucket, Cursors, Swap};
use super::wire::{Draft, Keys, NumberedKeys, SwapError, WireError};
use super::{Answer, Operation, Page, StoreImport, Stores};
use crate::limits::KEYVALUE_OPERATIONS_MAX;
use crate::store::State;

type Guest<'a> = StoreContextMut<'a, State>;
type Reply<T> = wasmtime::Result<(Result<T, WireError>,)>;

/// Connects an actor's imports of the package.
pub(crate) fn define(
    linker: &mut Linker<State>,
    component: &ComponentType,
    engine: &wasmtime::Engine,
    imports: &[StoreImport],
) -> wasmtime::Result<()> {
    let permits = Arc::new(Semaphore::new(KEYVALUE_OPERATIONS_MAX));
    for import in imports {
        let Some(ComponentItem::ComponentInstance(interface)) =
            component.get_import(engine, &import.label).map(|import| import.ty)
        else {
            continue; // a component imports what it calls
        };
        let draft = Draft::of(&interface, engine);
        let mut instance = linker.instance(&import.label)?;
        match import.interface.as_str() {
            "store" => store(&mut instance, draft, &import.stores, &permits)?,
            "atomics" => atomics(&mut instance, draft, &interface, engine)?,
            "batch" => batch(&mut instance, draft)?,
            other => wasmtime::bail!("wasi:keyvalue has no interface `{other}` that can be linked"),
        }
    }
    Ok(())
}

fn store(
    instance: &mut LinkerInstance<'_, State>,
    draft: Draft,
    stores: &Arc<dyn Stores>,
    permits: &Arc<Semaphore>,
) -> wasmtime::Result<()> {
    instance
        .resource("bucket", ResourceType::host::<Bucket>(), |mut guest, rep| guest.data_mut().handles().close(rep))?;
    let (stores, permits) = (Arc::clone(stores), Arc::clone(permits));
    instance.func_wrap("open", move |mut guest: Guest<'_>, (name,): (String,)| {
        let (stores, permits) = (Arc::clone(&stores), Arc::clone(&permits));
        let opened = stores.open(&name).map_err(WireError::from).and_then(|()| {
            guest.data_mut().handles().open(Bucket { stores, name: name.into(), permits, cursors: Cursors::default() })
        });
        Ok((opened,))
    })?;
    instance.func_wrap_async("[method]bucket.get", |guest: Guest<'_>, (bucket, key): (Resource<Bucket>, String)| {
        Box::new(async move {
            let values = run(guest, &bucket, Operation::Read(vec![key])).await?;
            Ok((values.and_then(|answer| Ok(only(values_of(answer)?).map(Vec::from))),)) as Reply<Option<Vec<u8>>>
        })
    })?;
    instance.func_wrap_async(
        "[method]bucket.set",
        |guest: Guest<'_>, (bucket, key, value): (Resource<Bucket>, String, Vec<u8>)| {
            Box::new(async move {
                let written = run(guest, &bucket, Operation::Write(vec![(key, Some(value.into()))])).await?;
                Ok((written.map(drop),)) as Reply<()>
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]bucket.delete",
        |guest: Guest<'_>, (bucket, key): (Resource<Bucket>, String)| {
            Box::new(async move {
                let written = run(guest, &bucket, Operation::Write(vec![(key, None)])).await?;
                Ok((written.map(drop),)) as Reply<()>
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]bucket.exists",
        |guest: Guest<'_>, (bucket, key): (Resource<Bucket>, String)| {
            Box::new(async move {
                let found = run(guest, &bucket, Operation::Exists(key)).await?;
                Ok((found.and_then(|answer| match answer {
                    Answer::Exists(exists) => Ok(exists),
                    other => Err(strange(&other)),
                }),)) as Reply<bool>
            })
        },
    )?;
    if draft.numbered { list_by_number(instance) } else { list(instance) }
}

fn list(instance: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    instance.func_wrap_async(
        "[method]bucket.list-keys",
        |guest: Guest<'_>, (bucket, cursor): (Resource<Bucket>, Option<String>)| {
            Box::new(async move {
                let page = run(guest, &bucket, Operation::List { cursor }).await?.and_then(page_of);
                Ok((page.map(|Page { keys, cursor }| Keys { keys, cursor }),)) as Reply<Keys>
            })
        },
    )
}

fn list_by_number(instance: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    instance.func_wrap_async(
        "[method]bucket.list-keys",
        |mut guest: Guest<'_>, (bucket, number): (Resource<Bucket>, Option<u64>)| {
            Box::new(async move {
                let cursors = guest.data_mut().handles().cursors(&bucket)?;
                let cursor = match number.map(|number| cursors.find(number)).transpose() {
                    Ok(cursor) => cursor,
                    Err(unknown) => return Ok((Err(unknown),)),
                };
                let page = run(mut_again(&mut guest), &bucket, Operation::List { cursor }).await?;
                let cursors = guest.data_mut().handles().cursors(&bucket)?;
                let numbered = |Page { keys, cursor }| {
                    let cursor = cursor.map(|cursor| cursors.give(cursor));
                    NumberedKeys { keys, cursor }
                };
                Ok((page.and_then(page_of).map(numbered),)) as Reply<NumberedKeys>
            })
        },
    )
}

fn atomics(
    instance: &mut LinkerInstance<'_, State>,
    draft: Draft,
    interface: &ComponentInstance,
    engine: &wasmtime::Engine,
) -> wasmtime::Result<()> {
    match draft.unsigned {
        true => add_unsigned(instance)?,
        false => add(instance)?,
    }
    if interface.get_export(engine, "cas").is_some() { swap(instance) } else { Ok(()) }
}

fn add(instance: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    instance.func_wrap_async("increment", |guest: Guest<'_>, (bucket, key, delta): (Resource<Bucket>, String, i64)| {
        Box::new(async move {
            let added = run(guest, &bucket, Operation::Add { key, delta, bounds: i64::MIN..=i64::MAX }).await?;
            Ok((added.and_then(number_of),)) as Reply<i64>
        })
    })
}

fn add_unsigned(instance: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    instance.func_wrap_async("increment", |guest: Guest<'_>, (bucket, key, delta): (Resource<Bucket>, String, u64)| {
        Box::new(async move {
            let Ok(delta) = i64::try_from(delta) else {
                return Ok((Err(WireError::Other(format!("{delta} is beyond 63 bits, nothing was changed"))),));
            };
            let added = run(guest, &bucket, Operation::Add { key, delta, bounds: 0..=i64::MAX }).await?;
            Ok((added.and_then(number_of).map(i64::unsigned_abs),)) as Reply<u64>
        })
    })
}

fn swap(instance: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    instance.resource("cas", ResourceType::host::<Swap>(), |mut guest, rep| {
        guest.data_mut().handles().end(rep).map(drop)
    })?;
    instance.func_wrap_async(
        "[static]cas.new",
        |mut guest: Guest<'_>, (bucket, key): (Resource<Bucket>, String)| {
            Box::new(async move {
                let bucket = guest.data_mut().handles().bucket(&bucket)?;
                let begun = begin(&mut guest, bucket, key).await;
                Ok((begun,)) as Reply<Resource<Swap>>
            })
        },
    )?;
    instance.func_wrap_async("[method]cas.current", |mut guest: Guest<'_>, (handle,): (Resource<Swap>,)| {
        Box::new(async move {
            let swap = guest.data_mut().handles().swap(&handle)?;
            Ok((Ok(swap.seen.clone().map(Vec::from)),)) as Reply<Option<Vec<u8>>>
        })
    })?;
    instance.func_wrap_async("swap", |mut guest: Guest<'_>, (handle, value): (Resource<Swap>, Vec<u8>)| {
        Box::new(async move {
            let swap = guest.data_mut().handles().end(handle.rep())?;
            Ok((exchange(&mut guest, swap, value.into()).await,))
        })
    })
}

/// A swap that has seen the value of its key.
async fn begin(guest: &mut Guest<'_>, bucket: Bucket, key: String) -> Result<Resource<Swap>, WireError> {
    let call = guest.data().call.clone();
    let seen = only(values_of(bucket.run(Operation::Read(vec![key.clone()]), &call).await?)?);
    guest.data_mut().handles().begin(Swap { bucket, key, seen })
}

async fn exchange(guest: &mut Guest<'_>, swap: Swap, value: Bytes) -> Result<(), SwapError> {
    let call = guest.data().call.clone();
    let Swap { bucket, key, seen: expected } = swap;
    let operation = Operation::Swap { key: key.clone(), expected, value };
    match bucket.run(operation, &call).await.map_err(SwapError::Store)? {
        Answer::Swapped(true) => Ok(()),
        Answer::Swapped(false) => Err(begin(guest, bucket, key).await.map_or_else(SwapError::Store, SwapError::Failed)),
        other => Err(SwapError::Store(strange(&other))),
    }
}

fn batch(instance: &mut LinkerInstance<'_, State>, draft: Draft) -> wasmtime::Result<()> {
    if draft.paired {
        instance.func_wrap_async("get-many", |guest: Guest<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
            Box::new(async move {
                let values = run(guest, &bucket, Operation::Read(keys.clone())).await?.and_then(values_of);
                let pairs = |values: Vec<Option<Bytes>>| keys.into_iter().zip(plain(values)).collect::<Vec<_>>();
                Ok((values.map(pairs),)) as Reply<Vec<(String, Option<Vec<u8>>)>>
            })
        })?;
    } else {
        instance.func_wrap_async("get-many", |guest: Guest<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
            Box::new(async move {
                let values = run(guest, &bucket, Operation::Read(keys.clone())).await?.and_then(values_of);
                let pairs = |values: Vec<Option<Bytes>>| {
                    keys.into_iter().zip(plain(values)).map(|(key, value)| Some((key, value?))).collect::<Vec<_>>()
                };
                Ok((values.map(pairs),)) as Reply<Vec<Option<(String, Vec<u8>)>>>
            })
        })?;
    }
    instance.func_wrap_async(
        "set-many",
        |guest: Guest<'_>, (bucket, pairs): (Resource<Bucket>, Vec<(String, Vec<u8>)>)| {
            Box::new(async move {
                let changes = pairs.into_iter().map(|(key, value)| (key, Some(value.into()))).collect();
                Ok((run(guest, &bucket, Operation::Write(changes)).await?.map(drop),)) as Reply<()>
            })
        },
    )?;
    instance.func_wrap_async("delete-many", |guest: Guest<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
        Box::new(async move {
            let changes = keys.into_iter().map(|key| (key, None)).collect();
            Ok((run(guest, &bucket, Operation::Write(changes)).await?.map(drop),)) as Reply<()>
        })
    })
}

/// Does one thing in the bucket of a handle, within the deadline of the guest's call.
async fn run(
    mut guest: Guest<'_>,
    handle: &Resource<Bucket>,
    operation: Operation,
) -> wasmtime::Result<Result<Answer, WireError>> {
    let call = guest.data().call.clone();
    let bucket = guest.data_mut().handles().bucket(handle)?;
    Ok(bucket.run(operation, &call).await)
}

fn mut_again<'a>(guest: &'a mut Guest<'_>) -> Guest<'a> {
    wasmtime::AsContextMut::as_context_mut(guest)
}

fn plain(values: Vec<Option<Bytes>>) -> impl Iterator<Item = Option<Vec<u8>>> {
    values.into_iter().map(|value| value.map(Vec::from))
}

fn only(values: Vec<Option<Bytes>>) -> Option<Bytes> {
    values.into_iter().next().flatten()
}

fn values_of(answer: Answer) -> Result<Vec<Option<Bytes>>, WireError> {
    match answer {
        Answer::Values(values) => Ok(values),
        other => Err(strange(&other)),
    }
}

fn page_of(answer: Answer) -> Result<Page, WireError> {
    match answer {
        Answer::Page(page) => Ok(page),
        other => Err(strange(&other)),
    }
}

fn number_of(answer: Answer) -> Result<i64, WireError> {
    match answer {
        Answer::Number(number) => Ok(number),
        other => Err(strange(&other)),
    }
}

fn strange(answer: &Answer) -> WireError {
    let kind = match answer {
        Answer::Values(_) => "values",
        Answer::Exists(_) => "whether there is a value",
        Answer::Page(_) => "keys",
        Answer::Done => "nothing",
        Answer::Number(_) => "a number",
        Answer::Swapped(_) => "whether it was swapped",
    };
    WireError::Other(format!("the store answered {kind}, which was not asked"))
}
