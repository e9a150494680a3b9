//! Who may have written a file.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Anyone but the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Checks that `folder` is this user's alone; creates it so if it is missing.
pub(super) fn own_folder(folder: &Path) -> io::Result<()> {
    if !folder.try_exists()? {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // The folder itself may be reached by a link, an entry may not.
    let found = fs::metadata(folder)?;
    if !found.is_dir() {
        return Err(io::Error::other("it is not a folder"));
    }
    own(&found)
}

/// Checks that `file` is a plain file of this user's alone.
pub(super) fn own_file(file: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(file)?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    own(&found)
}

fn own(found: &Metadata) -> io::Result<()> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(io::Error::other("others can write it"));
    }
    Ok(())
}
