//! Counters in a file, `NAME.redb` in the application's folder for data.
//!
//! # What is promised
//!
//! With `durability = "commit"`, the default, an increment is answered after the transaction that holds it was
//! written and synced (`fsync`): what was answered is there after `kill -9`, and after a power cut as far as the disk
//! keeps what it has synced. Many callers share one sync: a single writer thread takes all changes that wait into one
//! transaction. With `durability = "interval"` changes are answered
//! at once and synced every [`SYNC_INTERVAL`](crate::limits::SYNC_INTERVAL): a crash loses that much at most, a
//! drain loses nothing. Changes are applied in the order of their arrival, all or none of a transaction.
//!
//! After a failed write, such as on a full disk, the file is closed and opened again after a second. What was answered
//! before is still there; with `durability = "interval"` but for what was not synced yet, which the log says.
//!
//! # The file
//!
//! A redb database, opened by one process at a time. Table `counters`: key, a string (UTF-8), to a
//! signed number of 32 bits. Table `lath`: `format`, a string, to the number 1, the version of this layout. A file
//! of 64 MiB or less is checked from end to end when it is opened, a larger one after a crash only.

mod file;
mod writer;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

use super::{Counted, bounded_key};
use crate::error::ProviderError;
use crate::limits::QUEUE_MAX;
use crate::service::Backend;
use writer::{Change, Writer};

/// When an increment is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After it is on the disk.
    Commit,
    /// At once; it is on the disk a little later.
    Interval,
}

/// A store in a file.
pub struct Embedded {
    name: ProviderName,
    /// Absent once the store drains.
    running: Mutex<Option<Running>>,
}

struct Running {
    queue: SyncSender<Change>,
    thread: JoinHandle<()>,
}

impl Embedded {
    /// Opens the store `NAME.redb` in `data`, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// Where the folder or file cannot be used, another process has the file, or it is damaged.
    pub fn open(
        name: &ProviderName,
        data: &Path,
        durability: Durability,
        keys_max: usize,
    ) -> Result<Self, ProviderError> {
        let database = file::open(name, data)?;
        let (queue, changes) = sync_channel(QUEUE_MAX);
        let writer = Writer::new(name.clone(), data.to_owned(), database, durability, keys_max);
        let thread = std::thread::Builder::new()
            .name(format!("store-{name}"))
            .spawn(move || writer.run(&changes))
            .map_err(|source| ProviderError::Thread { provider: name.clone(), source })?;
        Ok(Self { name: name.clone(), running: Mutex::new(Some(Running { queue, thread })) })
    }

    /// Adds `value` to the counter of `key` and gives the new value.
    ///
    /// # Errors
    ///
    /// `host-error`, not started, where too many changes wait or the store drains; `deadline-exceeded`, which says
    /// whether the change may have been made.
    pub async fn increment(&self, key: String, value: i32, deadline: Instant) -> Counted {
        if let Err(error) = bounded_key(&key) {
            return Ok(Err(error));
        }
        let (reply, answer) = oneshot::channel();
        self.enqueue(Change { key, value, deadline, reply })?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(counted)) => counted,
            Ok(Err(_)) => Err(Failure::unknown(self.stopped())),
            Err(_) => {
                let text = format!("store `{}` did not answer in time, the change may have been made", self.name);
                Err(Failure::unknown(RpcError::DeadlineExceeded(text)))
            }
        }
    }

    fn enqueue(&self, change: Change) -> Result<(), Failure> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match running.as_ref() {
            Some(running) => running.queue.try_send(change),
            None => Err(TrySendError::Disconnected(change)),
        };
        sent.map_err(|error| {
            Failure::not_started(match error {
                TrySendError::Full(_) => {
                    let text = format!("store `{}` is busy: {QUEUE_MAX} changes wait; try again", self.name);
                    RpcError::HostError(text)
                }
                TrySendError::Disconnected(_) => self.stopped(),
            })
        })
    }

    fn stopped(&self) -> RpcError {
        RpcError::HostError(format!("store `{}` has stopped", self.name))
    }

    /// Closes the queue; the writer finishes what is in it, closes the file and ends.
    fn close(&self) -> Option<JoinHandle<()>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        running.map(|running| running.thread)
    }
}

impl Backend for Embedded {
    fn drain(&self) -> BoxFuture<'_, ()> {
        async move {
            let Some(thread) = self.close() else { return };
            if !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(()))) {
                tracing::error!(provider = %self.name, "the store's thread ended by a panic");
            }
        }
        .boxed()
    }
}

impl Drop for Embedded {
    /// Waits for the writer, so that the file can be opened again at once.
    fn drop(&mut self) {
        if let Some(thread) = self.close()
            && thread.join().is_err()
        {
            tracing::error!(provider = %self.name, "the store's thread ended by a panic");
        }
    }
}
