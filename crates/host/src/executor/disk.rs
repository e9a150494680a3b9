//! Components on this host's disk, by content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use model::digest::Digest;

use crate::limits::COMPONENT_BYTES_MAX;

/// How the names of unfinished files end.
const UNFINISHED: &str = "part";

/// A folder of components. Each file is named after its digest, and verified when it is read: a damaged one is removed.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    bytes_max: u64,
}

impl Disk {
    /// The components in `folder`, which is made where it is missing; those least recently used go where all together
    /// have more than `bytes_max` bytes.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be made.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), bytes_max })
    }

    /// The bytes, if they are there and whole.
    pub fn take(&self, digest: Digest) -> Option<Arc<[u8]>> {
        let path = self.path(digest);
        let bytes = read(&path).ok()?;
        if Digest::of(&bytes) == digest {
            touch(&path);
            return Some(bytes.into());
        }
        tracing::warn!(file = %path.display(), "a damaged component was thrown away; it is fetched again");
        let _ = fs::remove_file(&path);
        None
    }

    /// Keeps the bytes. A failure costs fetching them again, nothing else.
    pub fn keep(&self, digest: Digest, bytes: &[u8]) {
        let kept = self.write(digest, bytes).and_then(|()| self.evict());
        if let Err(reason) = kept {
            tracing::warn!(folder = %self.folder.display(), %reason, "a component was not kept on disk");
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.folder.join(name.strip_prefix("sha256:").unwrap_or(&name))
    }

    /// Writes a file so that nobody ever sees a part of it.
    fn write(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("{}-{serial}.{UNFINISHED}", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&unfinished, self.path(digest)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Removes those least recently used until the others have no more than the bytes that they may.
    fn evict(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Ok(found) = entry.metadata()
                && found.is_file()
            {
                files.push((found.modified().unwrap_or(SystemTime::UNIX_EPOCH), found.len(), entry.path()));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if bytes <= self.bytes_max {
                break;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => bytes = bytes.saturating_sub(length),
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(COMPONENT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Notes that a file was used, so that it is not the next to go.
fn touch(path: &Path) {
    let touched = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    if let Err(reason) = touched {
        tracing::debug!(file = %path.display(), %reason, "the time of use was not noted");
    }
}
