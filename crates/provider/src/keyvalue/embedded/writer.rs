//! The one thread that writes: it takes what waits, commits it together, and answers.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation};
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use redb::{Database, Error, ReadableTable, ReadableTableMetadata, Table};
use tokio::sync::oneshot;

use super::Durability;
use super::file::{self, VALUES};
use super::reader::Reader;
use crate::keyvalue::Room;
use crate::keyvalue::memory::placed;
use crate::keyvalue::store::{Done, Fault, full, full_bytes, sum};
use crate::limits::SYNC_INTERVAL;
use crate::throttle::Throttle;

/// Changes that one transaction commits together: enough to share a sync, few enough to answer soon.
const BATCH_MAX: usize = 1_024;
/// How long a file that failed is left alone before it is opened again, which may read it from end to end.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

type Values<'txn> = Table<'txn, &'static str, &'static [u8]>;

/// A change that waits for the writer.
pub(super) struct Change {
    pub(super) space: String,
    pub(super) operation: Operation,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Done>,
}

/// The owner of the database.
pub(super) struct Writer {
    name: ProviderName,
    data: PathBuf,
    /// Closed after an input or output error: redb refuses a file that failed until it is opened again.
    database: Result<Arc<Database>, Closed>,
    reader: Reader,
    durability: Durability,
    room: Room,
    /// When changes that were answered but not synced must be synced.
    sync_at: Option<Instant>,
    /// Failed transactions in the log.
    failures: Throttle,
    ailment: Ailment,
}

/// Why the last transaction failed, told to whoever asks how the store is; nothing where it did not.
#[derive(Clone, Default)]
pub(super) struct Ailment(Arc<Mutex<Option<String>>>);

impl Ailment {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, ailment: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ailment;
    }
}

/// A file that failed.
struct Closed {
    reopen_at: Instant,
}

impl Closed {
    fn now() -> Self {
        Self { reopen_at: Instant::now() + REOPEN_AFTER }
    }
}

impl Writer {
    pub(super) fn new(
        name: ProviderName,
        data: PathBuf,
        database: Database,
        reader: Reader,
        durability: Durability,
        room: Room,
    ) -> Self {
        let database = Arc::new(database);
        reader.turn(Some(&database));
        let (sync_at, failures, ailment) = Default::default();
        Self { name, data, database: Ok(database), reader, durability, room, sync_at, failures, ailment }
    }

    /// Where it will tell why its last transaction failed.
    pub(super) fn ailment(&self) -> Ailment {
        self.ailment.clone()
    }

    /// Serves changes until the queue is closed.
    pub(super) fn run(mut self, changes: &Receiver<Change>) {
        loop {
            match self.next(changes) {
                Ok(first) => {
                    let more = changes.try_iter().take(BATCH_MAX - 1);
                    self.serve(std::iter::once(first).chain(more).collect());
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.reopen();
                    self.sync();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sync();
        if self.sync_at.is_some() {
            self.lost();
        }
        self.reader.turn(None);
    }

    /// The next change, or a timeout when it is time to sync, or to open the file again.
    fn next(&self, changes: &Receiver<Change>) -> Result<Change, RecvTimeoutError> {
        match self.database.as_ref().map_or_else(|closed| Some(closed.reopen_at), |_| self.sync_at) {
            None => changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => match at.saturating_duration_since(Instant::now()) {
                left if left.is_zero() => Err(RecvTimeoutError::Timeout),
                left => changes.recv_timeout(left),
            },
        }
    }

    fn serve(&mut self, batch: Vec<Change>) {
        let now = Instant::now();
        let (batch, late): (Vec<_>, Vec<_>) = batch.into_iter().partition(|change| now < change.deadline);
        for change in late {
            let text = format!("store `{}` came to the change after its deadline", self.name);
            answer(change.reply, Err(Fault::Failed(Failure::not_started(RpcError::DeadlineExceeded(text)))));
        }
        if batch.is_empty() {
            return;
        }
        self.reopen();
        let Ok(database) = self.database.as_ref().map(Arc::clone) else {
            let text = format!("store `{}` is closed after a failed write and is tried again soon", self.name);
            return refuse(batch, &Failure::not_started(RpcError::HostError(text)));
        };
        match self.commit(&database, &batch) {
            Ok(done) => {
                let has_changed = done.iter().any(Result::is_ok);
                if has_changed && self.durability == Durability::Commit {
                    self.ailment.set(None);
                }
                if has_changed && self.durability == Durability::Interval {
                    self.sync_at.get_or_insert_with(|| Instant::now() + SYNC_INTERVAL);
                }
                for (change, done) in batch.into_iter().zip(done) {
                    answer(change.reply, done.map_err(Fault::Refused));
                }
            }
            Err(error) => {
                drop(database);
                self.failed(&error, batch.len());
                let text = format!("store `{}` could not write; its host's log says why", self.name);
                refuse(batch, &Failure::unknown(RpcError::HostError(text)));
            }
        }
    }

    /// Opens the file again once it was left alone for a while.
    fn reopen(&mut self) {
        if !matches!(&self.database, Err(closed) if Instant::now() >= closed.reopen_at) {
            return;
        }
        match file::open(&self.name, &self.data) {
            Ok(database) => {
                tracing::info!(provider = %self.name, "the store's file is open again");
                let database = Arc::new(database);
                self.reader.turn(Some(&database));
                self.database = Ok(database);
            }
            Err(error) => {
                self.database = Err(Closed::now());
                self.say(&error, 0);
            }
        }
    }

    /// Applies changes in order and commits them together.
    fn commit(&self, database: &Database, batch: &[Change]) -> Result<Vec<Result<Answer, RpcError>>, Error> {
        let mut transaction = database.begin_write()?;
        if self.durability == Durability::Interval {
            transaction.set_durability(redb::Durability::None)?;
        }
        let mut table = transaction.open_table(VALUES)?;
        let mut values = Applied { table: &mut table, room: self.room, is_full: self.is_full() };
        let done = batch.iter().map(|change| values.apply(change)).collect::<Result<Vec<_>, Error>>()?;
        drop(table);
        if done.iter().all(Result::is_err) {
            transaction.abort()?;
            return Ok(done);
        }
        transaction.commit()?;
        Ok(done)
    }

    /// True where the file is as large as it may be.
    fn is_full(&self) -> bool {
        let length = std::fs::metadata(file::path(&self.name, &self.data)).map_or(0, |metadata| metadata.len());
        length > u64::try_from(self.room.bytes_max).unwrap_or(u64::MAX)
    }

    /// Makes durable what was answered before it was; where that fails it is tried again, as long as the file is open.
    fn sync(&mut self) {
        if self.sync_at.is_none() {
            return;
        }
        let Ok(database) = &self.database else { return };
        let synced = database.begin_write().map_err(Error::from).and_then(|transaction| Ok(transaction.commit()?));
        match synced {
            Ok(()) => {
                self.sync_at = None;
                self.ailment.set(None);
            }
            Err(error) => {
                self.sync_at = Some(Instant::now() + SYNC_INTERVAL);
                self.failed(&error, 0);
            }
        }
    }

    /// Says that a transaction failed, and closes a file that cannot be written any more.
    fn failed(&mut self, error: &Error, changes: usize) {
        self.say(error, changes);
        self.ailment.set(Some(format!("store `{}` could not write when it last tried: {error}", self.name)));
        if matches!(error, Error::Io(_) | Error::PreviousIo) {
            if self.sync_at.take().is_some() {
                self.lost();
            }
            self.reader.turn(None);
            self.database = Err(Closed::now());
        }
    }

    fn lost(&self) {
        tracing::error!(provider = %self.name, "changes already answered could not be synced to the disk");
    }

    fn say(&self, error: &(dyn StdError + 'static), changes: usize) {
        if let Some(left_out) = self.failures.admit() {
            tracing::error!(provider = %self.name, error, changes, left_out, "the store could not write");
        }
    }
}

/// The values within a transaction.
struct Applied<'t, 'txn> {
    table: &'t mut Values<'txn>,
    room: Room,
    is_full: bool,
}

impl Applied<'_, '_> {
    fn apply(&mut self, change: &Change) -> Result<Result<Answer, RpcError>, Error> {
        let place = |key: &str| placed(&change.space, key);
        match &change.operation {
            Operation::Write(changes) => self.write(&change.space, changes),
            Operation::Add { key, delta, bounds } => {
                let placed = place(key);
                let before = self.get(&placed)?;
                let (after, text) = match sum(key, before.as_deref(), *delta, bounds) {
                    Ok(sum) => sum,
                    Err(refused) => return Ok(Err(refused)),
                };
                Ok(self.set(&placed, Some(&text))?.map(|()| Answer::Number(after)))
            }
            Operation::Swap { key, expected, value } => {
                let key = place(key);
                if self.get(&key)? != *expected {
                    return Ok(Ok(Answer::Swapped(false)));
                }
                Ok(self.set(&key, Some(value))?.map(|()| Answer::Swapped(true)))
            }
            // Reads never come here.
            Operation::Read(_) | Operation::Exists(_) | Operation::List { .. } => Ok(Ok(Answer::Done)),
        }
    }

    /// All changes or, where one finds no room, none: others may commit with the transaction.
    fn write(&mut self, space: &str, changes: &[(String, Option<Bytes>)]) -> Result<Result<Answer, RpcError>, Error> {
        let mut undo: Vec<(String, Option<Bytes>)> = Vec::with_capacity(changes.len());
        for (key, value) in changes {
            let key = placed(space, key);
            let before = if changes.len() > 1 { self.get(&key)? } else { None };
            if let Err(refused) = self.set(&key, value.as_deref())? {
                for (key, before) in undo.into_iter().rev() {
                    self.put(&key, before)?;
                }
                return Ok(Err(refused));
            }
            undo.push((key, before));
        }
        Ok(Ok(Answer::Done))
    }

    /// Puts back what there was, for which there is room.
    fn put(&mut self, key: &str, value: Option<Bytes>) -> Result<(), Error> {
        match value {
            Some(value) => self.table.insert(key, &value[..])?.is_some(),
            None => self.table.remove(key)?.is_some(),
        };
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.table.get(key)?.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn set(&mut self, key: &str, value: Option<&[u8]>) -> Result<Result<(), RpcError>, Error> {
        let Some(value) = value else {
            self.table.remove(key)?;
            return Ok(Ok(()));
        };
        let before = self.table.get(key)?.map(|before| before.value().len());
        if self.is_full && before.is_none_or(|before| before < value.len()) {
            return Ok(Err(full_bytes(self.room.bytes_max)));
        }
        if before.is_none() && usize::try_from(self.table.len()?).unwrap_or(usize::MAX) >= self.room.keys_max {
            return Ok(Err(full(self.room.keys_max)));
        }
        self.table.insert(key, value)?;
        Ok(Ok(()))
    }
}

fn refuse(batch: Vec<Change>, failure: &Failure) {
    for change in batch {
        answer(change.reply, Err(Fault::Failed(failure.clone())));
    }
}

/// A caller that no longer waits wants no answer.
fn answer(reply: oneshot::Sender<Done>, done: Done) {
    drop(reply.send(done));
}
