//! The one thread that writes: it takes what waits, commits it together, and answers.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use redb::{Database, Error, ReadableTable, ReadableTableMetadata, Table};
use tokio::sync::oneshot;

use super::Durability;
use super::file::{self, COUNTERS};
use crate::keyvalue::{Counted, full, sum};
use crate::limits::SYNC_INTERVAL;
use crate::throttle::Throttle;

/// Changes that one transaction commits together: enough to share a sync, few enough to answer soon.
const BATCH_MAX: usize = 1_024;
/// How long a file that failed is left alone before it is opened again, which may read it from end to end.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

type Counters<'txn> = Table<'txn, &'static str, i32>;

/// A change that waits for the writer.
pub(super) struct Change {
    pub(super) key: String,
    pub(super) value: i32,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Counted>,
}

/// The owner of the database.
pub(super) struct Writer {
    name: ProviderName,
    data: PathBuf,
    /// Closed after an input or output error: redb refuses a file that failed until it is opened again.
    database: Result<Database, Closed>,
    durability: Durability,
    keys_max: usize,
    /// When changes that were answered but not synced must be synced.
    sync_at: Option<Instant>,
    /// Failed transactions in the log.
    failures: Throttle,
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
        durability: Durability,
        keys_max: usize,
    ) -> Self {
        Self { name, data, database: Ok(database), durability, keys_max, sync_at: None, failures: Throttle::default() }
    }

    /// Serves changes until the queue is closed.
    pub(super) fn run(mut self, changes: &Receiver<Change>) {
        loop {
            match self.next(changes) {
                Ok(first) => {
                    let more = changes.try_iter().take(BATCH_MAX - 1);
                    self.serve(std::iter::once(first).chain(more).collect());
                }
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sync();
    }

    /// The next change, or a timeout when it is time to sync.
    fn next(&self, changes: &Receiver<Change>) -> Result<Change, RecvTimeoutError> {
        match self.sync_at {
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
            answer(change.reply, Err(Failure::not_started(RpcError::DeadlineExceeded(text))));
        }
        if batch.is_empty() {
            return;
        }
        self.reopen();
        let Ok(database) = &self.database else {
            let text = format!("store `{}` is closed after a failed write and is tried again soon", self.name);
            return refuse(batch, &Failure::not_started(RpcError::HostError(text)));
        };
        match self.commit(database, &batch) {
            Ok(counted) => {
                if self.durability == Durability::Interval && counted.iter().any(Result::is_ok) {
                    self.sync_at.get_or_insert_with(|| Instant::now() + SYNC_INTERVAL);
                }
                for (change, counted) in batch.into_iter().zip(counted) {
                    answer(change.reply, Ok(counted));
                }
            }
            Err(error) => {
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
                self.database = Ok(database);
            }
            Err(error) => {
                self.database = Err(Closed::now());
                self.say(&error, 0);
            }
        }
    }

    /// Applies changes in order and commits them together.
    fn commit(&self, database: &Database, batch: &[Change]) -> Result<Vec<Result<i32, RpcError>>, Error> {
        let mut transaction = database.begin_write()?;
        if self.durability == Durability::Interval {
            transaction.set_durability(redb::Durability::None)?;
        }
        let mut table = transaction.open_table(COUNTERS)?;
        let counted = batch.iter().map(|change| self.apply(&mut table, change)).collect::<Result<Vec<_>, Error>>()?;
        drop(table);
        if counted.iter().all(Result::is_err) {
            transaction.abort()?;
            return Ok(counted);
        }
        transaction.commit()?;
        Ok(counted)
    }

    fn apply(&self, table: &mut Counters<'_>, change: &Change) -> Result<Result<i32, RpcError>, Error> {
        let before = table.get(change.key.as_str())?.map(|value| value.value());
        if before.is_none() && usize::try_from(table.len()?).unwrap_or(usize::MAX) >= self.keys_max {
            return Ok(Err(full(self.keys_max)));
        }
        let after = match sum(&change.key, before.unwrap_or_default(), change.value) {
            Ok(after) => after,
            Err(error) => return Ok(Err(error)),
        };
        table.insert(change.key.as_str(), after)?;
        Ok(Ok(after))
    }

    /// Makes durable what was answered before it was.
    fn sync(&mut self) {
        if self.sync_at.take().is_none() {
            return;
        }
        let Ok(database) = &self.database else { return };
        let synced = database.begin_write().map_err(Error::from).and_then(|transaction| Ok(transaction.commit()?));
        if let Err(error) = synced {
            self.lost();
            self.failed(&error, 0);
        }
    }

    /// Says that a transaction failed, and closes a file that cannot be written any more.
    fn failed(&mut self, error: &Error, changes: usize) {
        self.say(error, changes);
        if matches!(error, Error::Io(_) | Error::PreviousIo) {
            if self.sync_at.take().is_some() {
                self.lost();
            }
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

fn refuse(batch: Vec<Change>, failure: &Failure) {
    for change in batch {
        answer(change.reply, Err(failure.clone()));
    }
}

/// A caller that no longer waits wants no answer.
fn answer(reply: oneshot::Sender<Counted>, counted: Counted) {
    drop(reply.send(counted));
}
