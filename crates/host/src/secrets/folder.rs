//! Secrets in files: one a file, named as the secret.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use model::limits::SECRET_BYTES_MAX;
use model::secret::SecretValue;
use zeroize::Zeroizing;

use super::SecretError;

/// What others than its owner may do with a file.
const OTHERS: u32 = 0o077;

/// The secret in a file; none where there is no such file. A line's end at its end is no part of it.
pub(super) fn read(file: &Path) -> Result<Option<SecretValue>, SecretError> {
    read_bytes(file)?.map(|bytes| value(file, bytes)).transpose()
}

fn value(file: &Path, mut bytes: Zeroizing<Vec<u8>>) -> Result<SecretValue, SecretError> {
    let bytes = std::mem::take(&mut *bytes);
    SecretValue::from_written(bytes).map_err(|source| SecretError::Value { file: file.to_owned(), source })
}

/// What a file holds that its owner alone may read, as far as a secret may be long; none where there is no such file.
pub(super) fn read_bytes(file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    let failed = |source| SecretError::File { file: file.to_owned(), source };
    // Looked at first, since opening a pipe would wait for whoever writes into it.
    match std::fs::metadata(file) {
        Ok(found) => check(file, &found)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    }
    let opened = File::open(file).map_err(failed)?;
    check(file, &opened.metadata().map_err(failed)?)?;
    // With room for a line's end, and one more byte that tells that it is too long; growing would leave copies behind.
    let room = SECRET_BYTES_MAX + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    opened.take(room as u64).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

fn check(file: &Path, found: &Metadata) -> Result<(), SecretError> {
    if !found.is_file() {
        let source = std::io::Error::new(ErrorKind::InvalidInput, "it is no file");
        return Err(SecretError::File { file: file.to_owned(), source });
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(SecretError::Exposed { file: file.to_owned(), mode });
    }
    Ok(())
}
