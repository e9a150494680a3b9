//! The file of a host of a lattice, read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::host_file::{self, ActorSettings, HostFile};
use model::ids::AppName;
use model::manifest::ManifestErrors;

use crate::application::{ApplicationError, read_text};
use crate::settings::{Given, Source};

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
    let text = text(path)?;
    let mut file = host_file::parse(&text).map_err(|source| ConfigError::Invalid {
        path: path.to_owned(),
        text: text.clone(),
        source,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let HostFile { host, lattice, secrets, .. } = &mut file;
    let tls = &mut lattice.tls;
    let identity = tls.identity.iter_mut().chain(&mut host.tls).flat_map(|(cert, key)| [cert, key]);
    let optional = host.cache.iter_mut().chain(&mut lattice.credentials).chain(&mut tls.ca).chain(secrets);
    for path in [&mut host.data].into_iter().chain(optional).chain(identity) {
        *path = folder.join(&*path);
    }
    Ok(file)
}

/// Reads a file with the settings of an application's actors.
///
/// # Errors
///
/// As of [`read`].
pub fn read_settings(path: &Path) -> Result<ActorSettings, ConfigError> {
    let text = text(path)?;
    host_file::parse_settings(&text).map_err(|source| ConfigError::Invalid { path: path.to_owned(), text, source })
}

/// The settings of a file, as a host gives them.
pub fn given(config: BTreeMap<AppName, ActorSettings>) -> Vec<Given> {
    let mut given = Vec::new();
    for (app, actors) in config {
        for (actor, settings) in actors {
            given.extend(settings.into_iter().map(|(key, value)| {
                let (app, actor) = (app.clone(), actor.clone());
                Given { app, actor, key, source: Source::File, value }
            }));
        }
    }
    given
}

fn text(path: &Path) -> Result<String, ConfigError> {
    read_text(path).map_err(|error| match error {
        ApplicationError::Read { path, source } => ConfigError::Read { path, source },
        other => ConfigError::Read { path: path.to_owned(), source: std::io::Error::other(other) },
    })
}

/// The folder for components and compiled code.
pub fn cache(file: &HostFile) -> PathBuf {
    file.host.cache.clone().unwrap_or_else(|| file.host.data.join("cache"))
}
