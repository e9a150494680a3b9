//! One file of compiled code: written at once, read whole, and the oldest removed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// How the names of entries end.
pub(super) const EXTENSION: &str = "cwasm";

/// How the names of unfinished ones end.
const UNFINISHED: &str = "part";

const CHECKSUM_BYTES: usize = 32;

/// Checks that the last bytes of `file` are the checksum of the others.
pub(super) fn verify(file: &Path) -> io::Result<()> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    let code = length.checked_sub(CHECKSUM_BYTES as u64).ok_or_else(|| io::Error::other("it is cut short"))?;
    let mut hash = Sha256::new();
    io::copy(&mut (&mut file).take(code), &mut HashWriter(&mut hash))?;
    let mut checksum = [0; CHECKSUM_BYTES];
    file.read_exact(&mut checksum)?;
    if <[u8; CHECKSUM_BYTES]>::from(hash.finalize()) != checksum {
        return Err(io::Error::other("its checksum is wrong"));
    }
    Ok(())
}

/// Notes that `file` was used, so that it is not the next to go.
pub(super) fn touch(file: &Path) {
    let touched = File::open(file).and_then(|file| file.set_modified(SystemTime::now()));
    if let Err(reason) = touched {
        tracing::debug!(file = %file.display(), %reason, "the time of use was not noted");
    }
}

/// Writes an entry, so that nobody ever sees a part of it.
pub(super) fn write(folder: &Path, name: &str, code: &[u8]) -> io::Result<()> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.join(format!("{name}.{}-{serial}.{UNFINISHED}", std::process::id()));
    let written = write_new(&unfinished, code).and_then(|()| fs::rename(&unfinished, folder.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_new(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(code)?;
    file.write_all(&Sha256::digest(code))?;
    file.flush()
}

/// Removes the least recently used entries until the others fit into `bytes_max`.
pub(super) fn evict(folder: &Path, bytes_max: u64) -> io::Result<()> {
    let mut entries = entries(folder)?;
    let mut bytes: u64 = entries.iter().map(|(_, found)| found.len()).sum();
    entries.sort_by_key(|(_, found)| found.modified().unwrap_or(SystemTime::UNIX_EPOCH));
    for (path, found) in entries {
        if bytes <= bytes_max {
            break;
        }
        match fs::remove_file(&path) {
            // Another process evicts too.
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        bytes -= found.len();
    }
    Ok(())
}

/// The entries, and what crashes left unfinished.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|end| end == EXTENSION || end == UNFINISHED);
        if let (true, Ok(found)) = (ours, fs::symlink_metadata(&path)) {
            entries.push((path, found));
        }
    }
    Ok(entries)
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
