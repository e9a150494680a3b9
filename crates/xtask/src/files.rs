//! Finding and reading files of the project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold what tools made.
const MADE: [&str; 6] = ["target", "build", "node_modules", "__pycache__", ".git", ".lath"];

/// A file's path relative to the project, with `/` between its parts, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it is.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Text {
    /// A text with its place.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Reads the file at `path` below `root`.
    ///
    /// # Errors
    ///
    /// It is missing or not text.
    pub fn read(root: &Path, path: &str) -> Result<Self> {
        let text = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        Ok(Self::new(path, text))
    }
}

/// Every file below a file or folder, sorted, without what tools made.
///
/// # Errors
///
/// A folder cannot be listed.
pub fn below(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(path, &mut found)?;
    found.sort();
    Ok(found)
}

/// The texts with this extension below the folders `within` of `root`; folders that do not exist are empty.
///
/// # Errors
///
/// A folder cannot be listed, or a file is not text.
pub fn texts(root: &Path, within: &[&str], extension: &str) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for folder in within.iter().filter(|folder| root.join(folder).exists()) {
        for file in below(&root.join(folder))? {
            if file.extension().is_some_and(|found| found == extension) {
                texts.push(Text::read(root, &relative(root, &file))?);
            }
        }
    }
    Ok(texts)
}

/// `file` relative to `root`, with `/` between its parts.
pub fn relative(root: &Path, file: &Path) -> String {
    let path = file.strip_prefix(root).unwrap_or(file);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
        if !MADE.iter().any(|made| entry.file_name() == *made) {
            collect(&entry.path(), found)?;
        }
    }
    Ok(())
}
