//! The key of this host: made at its first start, kept in its data folder, for its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use lattice::secrets::{HostKey, KeyError};

use super::{SecretError, folder};

/// The key's file in the data folder.
const FILE: &str = "sealing.key";

/// Why a host has no key.
#[derive(Debug, thiserror::Error)]
pub enum OwnKeyError {
    /// The file cannot be read.
    #[error("the key that secrets are sealed to cannot be used")]
    Read(#[source] Box<SecretError>),
    /// It holds no key.
    #[error("the file {} is damaged; remove it, and set the secrets of the lattice again", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// It cannot be written.
    #[error("the key that secrets are sealed to cannot be written to {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The key of the host with this data folder; made where there is none. Blocks.
///
/// # Errors
///
/// The folder or the file cannot be used, or others may read it.
pub fn own_key(data: &Path) -> Result<HostKey, OwnKeyError> {
    let file = data.join(FILE);
    match folder::read_bytes(&file).map_err(|error| OwnKeyError::Read(Box::new(error)))? {
        Some(bytes) => {
            let damaged = |source| OwnKeyError::Damaged { file: file.clone(), source };
            HostKey::read(std::str::from_utf8(&bytes).map_err(|_| damaged(KeyError))?).map_err(damaged)
        }
        None => make(data, &file).map_err(|source| OwnKeyError::Write { file, source }),
    }
}

/// Whole or not at all: a start that was interrupted leaves no half of a key.
fn make(data: &Path, file: &Path) -> std::io::Result<HostKey> {
    fs::create_dir_all(data)?;
    let key = HostKey::generate();
    let new = data.join(format!("{FILE}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    written.write_all(key.reveal().as_bytes())?;
    written.write_all(b"\n")?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    File::open(data)?.sync_all()?;
    Ok(key)
}
