//! The store's file: opened, checked, laid out.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use model::ids::ProviderName;
use redb::{Database, Error, ReadableTable, TableDefinition};

use crate::error::ProviderError;
use crate::keyvalue::memory::placed;

/// What redb may keep of the file in memory.
const STORE_CACHE_BYTES: usize = 32 << 20;
/// The largest file that is checked from end to end when it is opened: a larger one would take too long.
const CHECKED_FILE_BYTES_MAX: u64 = 64 << 20;

/// Values by space and key.
pub(super) const VALUES: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("values");
/// The counters of format 1.
const COUNTERS: TableDefinition<'static, &'static str, i32> = TableDefinition::new("counters");
/// Facts about the file.
const FACTS: TableDefinition<'static, &'static str, u32> = TableDefinition::new("lath");
/// The version of the layout.
const FORMAT: u32 = 2;

/// Opens the file of store `name`, or makes it.
pub(super) fn open(name: &ProviderName, data: &Path) -> Result<Database, ProviderError> {
    let folder = |source| ProviderError::Folder { provider: name.clone(), folder: data.to_owned(), source };
    std::fs::create_dir_all(data).map_err(folder)?;
    let path = path(name, data);
    // redb may panic on a file that was altered behind its back.
    let opened = catch_unwind(AssertUnwindSafe(|| open_database(&path).and_then(lay_out)));
    let (database, format) = match opened {
        Ok(opened) => opened.map_err(|error| refusal(name, &path, error))?,
        Err(_) => return Err(damaged(name, &path, "its parts contradict one another".to_owned())),
    };
    if format != FORMAT {
        let file = path;
        return Err(ProviderError::Format { provider: name.clone(), file, found: format, known: FORMAT });
    }
    // The folder's entry of a new file must be as durable as the file.
    File::open(data).and_then(|folder| folder.sync_all()).map_err(folder)?;
    Ok(database)
}

/// The file of store `name`.
pub(super) fn path(name: &ProviderName, data: &Path) -> PathBuf {
    data.join(format!("{name}.redb"))
}

fn open_database(path: &Path) -> Result<Database, Error> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut builder = Database::builder();
    builder.set_cache_size(STORE_CACHE_BYTES);
    builder.set_check_integrity_on_open((1..=CHECKED_FILE_BYTES_MAX).contains(&length));
    Ok(builder.create(path)?)
}

/// Writes the layout into a new file, and brings format 1 up to date; gives the layout's version.
fn lay_out(database: Database) -> Result<(Database, u32), Error> {
    let transaction = database.begin_write()?;
    let mut facts = transaction.open_table(FACTS)?;
    let found = facts.get("format")?.map(|format| format.value());
    if let Some(found) = found.filter(|found| *found != 1) {
        drop(facts);
        transaction.abort()?;
        return Ok((database, found));
    }
    facts.insert("format", FORMAT)?;
    drop(facts);
    let mut values = transaction.open_table(VALUES)?;
    if found.is_some() {
        for counter in transaction.open_table(COUNTERS)?.iter()? {
            let (key, number) = counter?;
            values.insert(placed("", key.value()).as_str(), number.value().to_string().as_bytes())?;
        }
        transaction.delete_table(COUNTERS)?;
    }
    drop(values);
    transaction.commit()?;
    Ok((database, FORMAT))
}

fn refusal(name: &ProviderName, path: &Path, error: Error) -> ProviderError {
    match error {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => {
            ProviderError::Locked { provider: name.clone(), file: path.to_owned() }
        }
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => damaged(name, path, error.to_string()),
        Error::Corrupted(reason) => damaged(name, path, reason),
        error @ (Error::UpgradeRequired(_)
        | Error::TableTypeMismatch { .. }
        | Error::TypeDefinitionChanged { .. }
        | Error::TableIsMultimap(_)) => damaged(name, path, error.to_string()),
        error => ProviderError::Store { provider: name.clone(), file: path.to_owned(), source: Box::new(error) },
    }
}

fn damaged(name: &ProviderName, path: &Path, reason: String) -> ProviderError {
    ProviderError::Damaged { provider: name.clone(), file: path.to_owned(), reason }
}
