//! The application that one works in: its manifest, changed by commands without a comment of its user's lost.

mod merge;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use host::application::{ApplicationError, MANIFEST};
use model::manifest::{self, Manifest};
use tempfile::NamedTempFile;
use toml_edit::DocumentMut;

use crate::error::CliError;

/// An application's manifest, as it is on disk.
pub(crate) struct Project {
    path: PathBuf,
    folder: PathBuf,
    text: String,
    manifest: Manifest,
}

impl Project {
    /// The application whose manifest is in `folder`, a path from the root, or in the nearest one above it.
    ///
    /// # Errors
    ///
    /// The manifest cannot be read, or has errors.
    pub(crate) fn around(folder: &Path) -> Result<Option<Self>, CliError> {
        let found = folder.ancestors().find(|above| above.join(MANIFEST).is_file());
        found.map(Self::read).transpose()
    }

    fn read(folder: &Path) -> Result<Self, CliError> {
        let unreadable = |source| CliError::File { verb: "read", path: folder.join(MANIFEST), source };
        // A link stays one: what it leads to is changed.
        let path = folder.join(MANIFEST).canonicalize().map_err(unreadable)?;
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let manifest = manifest::parse(&text).map_err(|source| ApplicationError::Manifest {
            path: path.clone(),
            text: text.clone(),
            source,
        })?;
        Ok(Self { path, folder: folder.to_owned(), text, manifest })
    }

    /// The folder that the manifest's paths start from.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The manifest's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's text with all that `part`, another manifest, has of actors, providers and routes. The part's files are
    /// in `folder` of this application: its paths are changed to lead there.
    ///
    /// # Errors
    ///
    /// A name is taken, or the text cannot be changed so that it stays a manifest.
    pub(crate) fn with(&self, part: &str, folder: &str) -> Result<String, CliError> {
        self.changed(|document| merge::merge(document, &parsed(part)?, folder))
    }

    /// The manifest's text with a link of `actor` more.
    ///
    /// # Errors
    ///
    /// The text cannot be changed so that it stays a manifest.
    pub(crate) fn with_link(&self, actor: &str, contract: &str, to: &str) -> Result<String, CliError> {
        self.changed(|document| merge::link(document, actor, contract, to))
    }

    /// Puts another text in the place of the manifest's; whoever reads meanwhile finds the old or the new.
    ///
    /// # Errors
    ///
    /// It cannot be written, or somebody else changed it since it was read.
    pub(crate) fn replace(&self, text: &str) -> Result<(), CliError> {
        let unwritable = |source| CliError::File { verb: "change", path: self.path.clone(), source };
        if fs::read_to_string(&self.path).map_err(unwritable)? != self.text {
            return Err(CliError::Usage {
                message: format!("{} was changed by somebody else meanwhile", self.path.display()),
                help: Some("try again".to_owned()),
            });
        }
        let mut new = NamedTempFile::new_in(self.path.parent().unwrap_or(&self.folder)).map_err(unwritable)?;
        let written = new.write_all(text.as_bytes()).and_then(|()| {
            new.as_file().set_permissions(fs::metadata(&self.path)?.permissions())?;
            new.as_file().sync_all()
        });
        written.map_err(unwritable)?;
        new.persist(&self.path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }

    fn changed(&self, change: impl FnOnce(&mut DocumentMut) -> Result<(), String>) -> Result<String, CliError> {
        let refused = |message: String| CliError::Usage {
            message: format!("{} cannot be changed: {message}", self.path.display()),
            help: Some("change it by hand, or choose another name".to_owned()),
        };
        let mut document = parsed(&self.text).map_err(refused)?;
        change(&mut document).map_err(refused)?;
        let text = merge::ended_like(&self.text, &document.to_string());
        match manifest::parse(&text) {
            Ok(_) => Ok(text),
            Err(errors) => Err(refused(errors.to_string())),
        }
    }
}

fn parsed(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.to_string())
}
