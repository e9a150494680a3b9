//! Whether a component is older than what it is built from.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobMatcher};
use model::manifest::Build;

use super::BuildError;

/// True where `component` is missing or older than a file that the build reads. Without `watch` patterns the build's
/// own tool decides, so the command always runs.
pub(super) fn is_stale(build: &Build, folder: &Path, component: &Path, files_max: usize) -> Result<bool, BuildError> {
    let Ok(built) = component.metadata().and_then(|meta| meta.modified()) else { return Ok(true) };
    if build.watch.is_empty() {
        return Ok(true);
    }
    let mut files = Files { than: built, left: files_max, most: files_max };
    let failed = |source| BuildError::Watch { folder: folder.to_owned(), source };
    folder.read_dir().map_err(failed)?;
    for pattern in &build.watch {
        if files.newer(&Watched::new(pattern, folder)?).map_err(failed)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files of one pattern.
struct Watched {
    /// The folder or file that the pattern starts with; it may be outside the build's folder.
    base: PathBuf,
    /// What follows: everything where the pattern is just a folder.
    below: GlobMatcher,
}

impl Watched {
    fn new(pattern: &str, folder: &Path) -> Result<Self, BuildError> {
        let steps: Vec<&str> = pattern.split('/').collect();
        let plain = steps.iter().take_while(|step| !step.contains(['*', '?', '[', '{', '\\'])).count();
        let (base, below) = steps.split_at(plain);
        let base = base.iter().fold(folder.to_owned(), |base, step| base.join(step));
        let below = if below.is_empty() { "**".to_owned() } else { below.join("/") };
        let glob = GlobBuilder::new(&below).literal_separator(true).build();
        let glob = glob.map_err(|source| BuildError::Pattern { pattern: pattern.to_owned(), source })?;
        Ok(Self { base, below: glob.compile_matcher() })
    }
}

/// A look for a file that is newer than the component.
struct Files {
    than: SystemTime,
    /// How many may still be looked at.
    left: usize,
    most: usize,
}

impl Files {
    fn newer(&mut self, watched: &Watched) -> std::io::Result<bool> {
        match watched.base.metadata() {
            Ok(found) if found.is_dir() => self.newer_below(&watched.base, &watched.base, &watched.below),
            Ok(found) => Ok(found.modified()? > self.than),
            // A pattern may be of files that are not there yet.
            Err(_) => Ok(false),
        }
    }

    fn newer_below(&mut self, base: &Path, folder: &Path, glob: &GlobMatcher) -> std::io::Result<bool> {
        for entry in folder.read_dir()? {
            let entry = entry?;
            self.count()?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !is_skipped(&entry) && self.newer_below(base, &path, glob)? {
                    return Ok(true);
                }
            } else if glob.is_match(path.strip_prefix(base).unwrap_or(&path))
                && entry.metadata()?.modified()? > self.than
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn count(&mut self) -> std::io::Result<()> {
        let most = self.most;
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| std::io::Error::other(format!("there are more than {most} files")))?;
        Ok(())
    }
}

/// Build outputs and hidden folders hold nothing that a person edits.
fn is_skipped(folder: &DirEntry) -> bool {
    let name = folder.file_name();
    name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.')
}
