//! Keys and values in a file, `NAME.redb` in the application's folder for data.
//!
//! # What is promised
//!
//! With `durability = "commit"`, the default, a change is answered after the transaction that holds it was
//! written and synced (`fsync`): what was answered is there after `kill -9`, and after a power cut as far as the disk
//! keeps what it has synced. Many callers share one sync: a single writer thread takes all changes that wait into one
//! transaction. With `durability = "interval"` changes are answered
//! at once and synced every [`SYNC_INTERVAL`](crate::limits::SYNC_INTERVAL): a crash loses that much at most, a
//! drain loses nothing. Changes are applied in the order of their arrival, all or none of a transaction.
//!
//! After a failed write, such as on a full disk, the file is closed and opened again after a second, and again until that
//! succeeds. What was answered before is still there; with `durability = "interval"` but for what was not synced yet, which the log says.
//!
//! # The file
//!
//! A redb database, opened by one process at a time. Table `values`: the name of a store (empty for counters), a zero byte
//! and the key, as one string (UTF-8), to bytes. Table `lath`: `format`, a string, to the number 2, the version of this
//! layout; format 1, which had counters only, is brought up to date when it is opened. A file
//! of 64 MiB or less is checked from end to end when it is opened, a larger one after a crash only.

mod file;
mod reader;
mod writer;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use engine::keyvalue::Operation;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

use super::Room;
use super::store::{Done, Fault, Store};
use crate::error::ProviderError;
use crate::limits::QUEUE_MAX;
use reader::Reader;
use writer::{Ailment, Change, Writer};

/// When a change is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// After it is on the disk.
    Commit,
    /// At once; it is on the disk a little later.
    Interval,
}

/// A store in a file.
pub(super) struct Embedded {
    name: ProviderName,
    reader: Reader,
    ailment: Ailment,
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
    pub(super) fn open(
        name: &ProviderName,
        data: &Path,
        durability: Durability,
        room: Room,
    ) -> Result<Self, ProviderError> {
        let database = file::open(name, data)?;
        let (queue, changes) = sync_channel(QUEUE_MAX);
        let reader = Reader::default();
        let writer = Writer::new(name.clone(), data.to_owned(), database, reader.clone(), durability, room);
        let ailment = writer.ailment();
        let thread = std::thread::Builder::new()
            .name(format!("store-{name}"))
            .spawn(move || writer.run(&changes))
            .map_err(|source| ProviderError::Thread { provider: name.clone(), source })?;
        Ok(Self { name: name.clone(), reader, ailment, running: Mutex::new(Some(Running { queue, thread })) })
    }

    async fn change(&self, space: &str, operation: Operation, deadline: Instant) -> Done {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Change { space: space.to_owned(), operation, deadline, reply }).map_err(Fault::Failed)?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Fault::Failed(Failure::unknown(self.stopped()))),
            Err(_) => {
                let text = format!("store `{}` did not answer in time, the change may have been made", self.name);
                Err(Fault::Failed(Failure::unknown(RpcError::DeadlineExceeded(text))))
            }
        }
    }

    /// Reads on a thread of its own, so that a slow disk holds up nobody else.
    async fn read(&self, space: &str, operation: Operation, deadline: Instant) -> Done {
        let (reader, space) = (self.reader.clone(), space.to_owned());
        let reading = tokio::task::spawn_blocking(move || reader.read(&space, &operation));
        let failed = |error| Err(Fault::Failed(Failure::not_started(error)));
        match tokio::time::timeout_at(deadline.into(), reading).await {
            Ok(Ok(Some(Ok(answer)))) => Ok(answer),
            Ok(Ok(Some(Err(error)))) => {
                tracing::error!(provider = %self.name, error = &error as &dyn std::error::Error, "the store could not be read");
                failed(RpcError::HostError(format!("store `{}` could not be read; its host's log says why", self.name)))
            }
            Ok(Ok(None)) if self.is_running() => {
                let text = format!("store `{}` is closed after a failed write and is tried again soon", self.name);
                failed(RpcError::HostError(text))
            }
            Ok(Ok(None) | Err(_)) => failed(self.stopped()),
            Err(_) => failed(RpcError::DeadlineExceeded(format!("store `{}` did not answer in time", self.name))),
        }
    }

    fn is_running(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
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

impl Store for Embedded {
    fn run<'a>(&'a self, space: &'a str, operation: Operation, deadline: Instant) -> BoxFuture<'a, Done> {
        match operation {
            Operation::Read(_) | Operation::Exists(_) | Operation::List { .. } => {
                self.read(space, operation, deadline).boxed()
            }
            _ => self.change(space, operation, deadline).boxed(),
        }
    }

    fn ailment(&self) -> Option<String> {
        self.ailment.get()
    }

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
