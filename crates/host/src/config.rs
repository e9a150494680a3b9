//! The file of a host of a lattice, read.

use std::path::{Path, PathBuf};

use model::host_file::{self, HostFile};
use model::manifest::ManifestErrors;

use crate::application::{ApplicationError, read_text};

/// Why a host's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It has errors.
    #[error("{} has errors", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Its text, into which the errors point.
        text: String,
        /// The errors.
        source: ManifestErrors,
    },
}

/// Reads the file at `path`. Paths in it start from its folder, and are joined with that.
///
/// # Errors
///
/// Where it cannot be read, or with everything that is wrong with it.
pub fn read(path: &Path) -> Result<HostFile, ConfigError> {
    let text = read_text(path).map_err(|error| match error {
        ApplicationError::Read { path, source } => ConfigError::Read { path, source },
        other => ConfigError::Read { path: path.to_owned(), source: std::io::Error::other(other) },
    })?;
    let mut file = host_file::parse(&text).map_err(|source| ConfigError::Invalid {
        path: path.to_owned(),
        text: text.clone(),
        source,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let HostFile { host, lattice } = &mut file;
    let tls = &mut lattice.tls;
    let identity = tls.identity.iter_mut().flat_map(|(cert, key)| [cert, key]);
    let optional = host.cache.iter_mut().chain(&mut lattice.credentials).chain(&mut tls.ca);
    for path in [&mut host.data].into_iter().chain(optional).chain(identity) {
        *path = folder.join(&*path);
    }
    Ok(file)
}

/// The folder for components and compiled code.
pub fn cache(file: &HostFile) -> PathBuf {
    file.host.cache.clone().unwrap_or_else(|| file.host.data.join("cache"))
}
