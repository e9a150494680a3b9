//! A folder that appears as a whole, or not at all.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::template::TextFile;
use crate::error::CliError;

/// The files of a folder, written beside the place that it is to have.
pub(super) struct Draft {
    draft: TempDir,
    target: PathBuf,
}

impl Draft {
    /// Writes `files` for the folder `target`, which is not there, or holds nothing.
    pub(super) fn write(target: &Path, files: &[TextFile]) -> Result<Self, CliError> {
        if !is_free(target) {
            return Err(taken(target));
        }
        let failed = |source| CliError::File { verb: "make", path: target.to_owned(), source };
        let parent = target.parent().unwrap_or(target);
        // As any folder that is made: the process's mask decides who may see it.
        let all = Permissions::from_mode(0o777);
        let draft =
            tempfile::Builder::new().prefix(".lath-new-").permissions(all).tempdir_in(parent).map_err(failed)?;
        for TextFile { path, text } in files {
            let path = draft.path().join(path);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
            made.map_err(failed)?;
        }
        Ok(Self { draft, target: target.to_owned() })
    }

    /// Puts the folder in its place.
    pub(super) fn place(self) -> Result<(), CliError> {
        match fs::rename(self.draft.path(), &self.target) {
            Ok(()) => {
                // There is nothing left to remove.
                let _ = self.draft.keep();
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) => {
                Err(taken(&self.target))
            }
            Err(source) => Err(CliError::File { verb: "make", path: self.target, source }),
        }
    }
}

fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound && is_absent(folder),
    }
}

/// A link that leads nowhere is there, too.
fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error: io::Error| error.kind() == ErrorKind::NotFound)
}

fn taken(folder: &Path) -> CliError {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    CliError::Usage {
        message: format!("{} is there already, and nothing is written over it", Path::new(name).display()),
        help: Some("choose another name, or another folder".to_owned()),
    }
}
