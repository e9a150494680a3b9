//! What every kind of store does, and what none of them may be asked.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, StoreError};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;

use crate::limits::{BATCH_BYTES_MAX, BATCH_KEYS_MAX, CURSOR_LEN_MAX, KEY_LEN_MAX, VALUE_BYTES_MAX};

/// The values that are read in one go, so that a batch is refused soon after it is too large.
const READ_TOGETHER: usize = 8;

/// Why a store does not do what it is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It would be wrong, or there is no room: nothing was changed by it.
    Refused(RpcError),
    /// The store refuses this host.
    Denied(String),
    /// The store failed, before or after the change.
    Failed(Failure),
}

pub(crate) type Done = Result<Answer, Fault>;

/// Keys and values in spaces: one for each store that actors open, and the empty one for counters.
pub(crate) trait Store: Send + Sync + 'static {
    /// Does one thing in a space. Keys, values and batches are within their bounds; so is what [`run`] reads at once.
    fn run<'a>(&'a self, space: &'a str, operation: Operation, deadline: Instant) -> BoxFuture<'a, Done>;

    /// What is wrong with it that a read would not show; nothing where that is all it can be asked for.
    fn ailment(&self) -> Option<String> {
        None
    }

    /// Lets go of files and connections. Nothing runs any more, and nothing is asked of it again.
    fn drain(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// Does one thing in a space of `store`, within bounds.
pub(super) async fn run(store: &Arc<dyn Store>, space: &str, operation: Operation, deadline: Instant) -> Done {
    check(&operation).map_err(Fault::Refused)?;
    match operation {
        Operation::Read(keys) if keys.is_empty() => Ok(Answer::Values(Vec::new())),
        Operation::Write(changes) if changes.is_empty() => Ok(Answer::Done),
        Operation::Read(keys) if keys.len() > READ_TOGETHER => read(store, space, &keys, deadline).await,
        operation => store.run(space, operation, deadline).await,
    }
}

async fn read(store: &Arc<dyn Store>, space: &str, keys: &[String], deadline: Instant) -> Done {
    let (mut values, mut bytes) = (Vec::with_capacity(keys.len()), 0_usize);
    for together in keys.chunks(READ_TOGETHER) {
        let Answer::Values(read) = store.run(space, Operation::Read(together.to_vec()), deadline).await? else {
            continue;
        };
        bytes = read.iter().flatten().fold(bytes, |sum, value| sum.saturating_add(value.len()));
        if bytes > BATCH_BYTES_MAX {
            let text = format!("the values together have more than {BATCH_BYTES_MAX} bytes: read fewer at once");
            return Err(Fault::Refused(RpcError::HostError(text)));
        }
        values.extend(read);
    }
    Ok(Answer::Values(values))
}

/// Whether an operation is one that any store takes.
pub(super) fn check(operation: &Operation) -> Result<(), RpcError> {
    match operation {
        Operation::Exists(key) | Operation::Add { key, .. } => bounded_key(key),
        Operation::Swap { key, value, .. } => bounded_key(key).and_then(|()| bounded_value(value)),
        Operation::List { cursor } => cursor.as_deref().map_or(Ok(()), bounded_cursor),
        Operation::Read(keys) => {
            bounded_batch(keys.len())?;
            keys.iter().try_for_each(|key| bounded_key(key))
        }
        Operation::Write(changes) => {
            bounded_batch(changes.len())?;
            changes.iter().try_for_each(|(key, value)| {
                bounded_key(key)?;
                value.as_ref().map_or(Ok(()), bounded_value)
            })
        }
    }
}

/// Whether what an operation holds is little enough for one message.
pub(super) fn check_together(operation: &Operation) -> Result<(), RpcError> {
    match operation {
        Operation::Write(changes) => {
            let values = changes.iter().filter_map(|(_, value)| value.as_ref());
            if values.fold(0, |sum, value| value.len().saturating_add(sum)) <= BATCH_BYTES_MAX {
                return Ok(());
            }
            let text = format!("the values together have more than {BATCH_BYTES_MAX} bytes: write fewer at once");
            Err(RpcError::InvalidParameter(text))
        }
        Operation::Swap { expected, .. } => expected.as_ref().map_or(Ok(()), bounded_value),
        Operation::List { .. } | Operation::Read(_) | Operation::Exists(_) | Operation::Add { .. } => Ok(()),
    }
}

fn bounded_key(key: &str) -> Result<(), RpcError> {
    if key.len() <= KEY_LEN_MAX {
        return Ok(());
    }
    Err(RpcError::InvalidParameter(format!("the key has {} bytes, a store takes {KEY_LEN_MAX} at most", key.len())))
}

fn bounded_cursor(cursor: &str) -> Result<(), RpcError> {
    if cursor.len() <= CURSOR_LEN_MAX {
        return Ok(());
    }
    let text = format!("the cursor has {} bytes, a store takes {CURSOR_LEN_MAX} at most", cursor.len());
    Err(RpcError::InvalidParameter(text))
}

/// A cursor is none that the store gave.
pub(super) fn strange_cursor() -> Fault {
    let text = "the cursor is none that this store gave; begin again without one".to_owned();
    Fault::Refused(RpcError::InvalidParameter(text))
}

fn bounded_value(value: &Bytes) -> Result<(), RpcError> {
    if value.len() <= VALUE_BYTES_MAX {
        return Ok(());
    }
    let text = format!("the value has {} bytes, a store takes {VALUE_BYTES_MAX} at most", value.len());
    Err(RpcError::InvalidParameter(text))
}

fn bounded_batch(keys: usize) -> Result<(), RpcError> {
    if keys <= BATCH_KEYS_MAX {
        return Ok(());
    }
    Err(RpcError::InvalidParameter(format!("a batch of {keys} keys, a store takes {BATCH_KEYS_MAX} at most")))
}

/// What a store elsewhere answers, if it does before `deadline`.
pub(super) async fn before(store: &ProviderName, deadline: Instant, answer: impl Future<Output = Done>) -> Done {
    if Instant::now() >= deadline {
        let text = format!("store `{store}`: the deadline had passed before the change, nothing was changed");
        return Err(Fault::Failed(Failure::not_started(RpcError::DeadlineExceeded(text))));
    }
    tokio::time::timeout_at(deadline.into(), answer).await.unwrap_or_else(|_| {
        let text = format!("store `{store}` did not answer in time, the change may have been made");
        Err(Fault::Failed(Failure::unknown(RpcError::DeadlineExceeded(text))))
    })
}

/// The sum and its text, or why there is none.
pub(super) fn sum(
    key: &str,
    before: Option<&[u8]>,
    delta: i64,
    bounds: &RangeInclusive<i64>,
) -> Result<(i64, Bytes), RpcError> {
    // As a store writes numbers, and no other way: Redis takes none with a sign or zeros too many.
    let number = |text| {
        let text = std::str::from_utf8(text).ok()?;
        text.parse::<i64>().ok().filter(|number| number.to_string() == text)
    };
    let Some(before) = before.map_or(Some(0), number) else {
        let text = format!("the value of `{key}` is no number, nothing was changed");
        return Err(RpcError::InvalidParameter(text));
    };
    match before.checked_add(delta).filter(|sum| bounds.contains(sum)) {
        Some(sum) => Ok((sum, Bytes::from(sum.to_string()))),
        None => Err(beyond(key, &before.to_string(), delta, bounds)),
    }
}

/// A sum is out of bounds.
pub(super) fn beyond(key: &str, before: &str, delta: i64, bounds: &RangeInclusive<i64>) -> RpcError {
    let end = match (*bounds.start(), *bounds.end()) {
        (start, _) if start == i64::from(i32::MIN) => "goes beyond 32 bits",
        (0, _) => "goes below 0 or beyond 63 bits",
        _ => "goes beyond 64 bits",
    };
    RpcError::InvalidParameter(format!("counter `{key}` is {before}: adding {delta} {end}, nothing was changed"))
}

/// The store holds as many keys as it may.
pub(super) fn full(keys_max: usize) -> RpcError {
    RpcError::HostError(format!("the store is full: it holds {keys_max} keys; raise `max-keys` of the provider"))
}

/// The store holds as many bytes as it may.
pub(super) fn full_bytes(bytes_max: usize) -> RpcError {
    RpcError::HostError(format!("the store is full: it may hold {bytes_max} bytes; raise `max-bytes` of the provider"))
}

/// What an error says.
pub(super) fn told(error: &RpcError) -> String {
    let (case, text) = error.parts();
    text.unwrap_or(case).to_owned()
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => Self::Other(told(&error)),
            Fault::Denied(_) => Self::AccessDenied,
            Fault::Failed(failure) => Self::Other(told(&failure.error)),
        }
    }
}
