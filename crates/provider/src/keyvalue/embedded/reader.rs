//! Reads: beside the writer, on threads for what blocks.

use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation};
use redb::{Database, Error, ReadableDatabase as _};

use super::file::VALUES;
use crate::keyvalue::memory::{page, placed};
use crate::limits::PAGE_KEYS_MAX;

/// The database, as long as it is open: shared by the writer, which closes it when it failed.
#[derive(Clone, Default)]
pub(super) struct Reader(Arc<Mutex<Option<Arc<Database>>>>);

impl Reader {
    /// Reads from now on what `database` holds; nothing where it is closed.
    pub(super) fn turn(&self, database: Option<&Arc<Database>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = database.cloned();
    }

    /// What an operation reads, of all that was committed before; none where the file is closed.
    pub(super) fn read(&self, space: &str, operation: &Operation) -> Option<Result<Answer, Error>> {
        let database = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        database.map(|database| read(&database, space, operation))
    }
}

fn read(database: &Database, space: &str, operation: &Operation) -> Result<Answer, Error> {
    let table = database.begin_read()?.open_table(VALUES)?;
    Ok(match operation {
        Operation::Exists(key) => Answer::Exists(table.get(placed(space, key).as_str())?.is_some()),
        Operation::List { cursor } => {
            let prefix = placed(space, "");
            let from = placed(space, cursor.as_deref().unwrap_or_default());
            let from = if cursor.is_some() { Bound::Excluded(&*from) } else { Bound::Included(&*from) };
            let mut keys = Vec::new();
            for entry in table.range::<&str>((from, Bound::Unbounded))? {
                match entry?.0.value().strip_prefix(&prefix) {
                    Some(key) if keys.len() <= PAGE_KEYS_MAX => keys.push(key.to_owned()),
                    _ => break,
                }
            }
            Answer::Page(page(keys))
        }
        Operation::Read(keys) => {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let value = table.get(placed(space, key).as_str())?;
                values.push(value.map(|value| Bytes::copy_from_slice(value.value())));
            }
            Answer::Values(values)
        }
        Operation::Write(_) | Operation::Add { .. } | Operation::Swap { .. } => Answer::Done,
    })
}
