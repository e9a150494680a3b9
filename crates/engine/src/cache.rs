//! Compiled code on disk, by content.
//!
//! An entry is a file named after the component's digest and the engine's configuration. It holds what
//! `Component::serialize` gave, and after it the SHA-256 of that: a file cut short by a crash, or changed since, is
//! thrown away.

mod entry;
mod trust;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use crate::precompiled;

/// A folder of compiled code that only this user can write.
pub(crate) struct Cache {
    folder: PathBuf,
    bytes_max: u64,
}

/// The name of an entry.
pub(crate) struct Key(String);

impl Key {
    /// The entry for a component with this digest, compiled by `engine`.
    pub(crate) fn new(engine: &wasmtime::Engine, digest: [u8; 32]) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{digits}-{:016x}.{}", hasher.finish(), entry::EXTENSION))
    }
}

impl Cache {
    /// The cache in `folder`, which is created if it is missing; `None` if it cannot be trusted.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> Option<Self> {
        match trust::own_folder(folder) {
            Ok(()) => Some(Self { folder: folder.to_owned(), bytes_max }),
            Err(reason) => {
                tracing::warn!(
                    folder = %folder.display(),
                    %reason,
                    "compiled code is not cached; use a folder that is yours and that nobody else can write"
                );
                None
            }
        }
    }

    /// The code of an entry, if there is a good one. A bad one is removed.
    pub(crate) fn take(&self, engine: &wasmtime::Engine, key: &Key) -> Option<Component> {
        let file = self.folder.join(&key.0);
        match self.load(engine, &file) {
            Ok(code) => code,
            Err(reason) => {
                tracing::warn!(file = %file.display(), reason = format!("{reason:#}"), "compiled code thrown away");
                let _ = std::fs::remove_file(&file);
                None
            }
        }
    }

    /// Keeps the code of an entry. A failure costs a compilation next time, nothing else.
    pub(crate) fn keep(&self, key: &Key, code: &Component) {
        if let Err(reason) = self.store(key, code) {
            tracing::warn!(folder = %self.folder.display(), %reason, "compiled code was not kept");
        }
    }

    fn load(&self, engine: &wasmtime::Engine, file: &Path) -> wasmtime::Result<Option<Component>> {
        if !file.try_exists()? {
            return Ok(None);
        }
        trust::own_folder(&self.folder)?;
        trust::own_file(file)?;
        entry::verify(file)?;
        let code = precompiled::load(engine, file)?;
        entry::touch(file);
        Ok(Some(code))
    }

    fn store(&self, key: &Key, code: &Component) -> io::Result<()> {
        let code = code.serialize().map_err(io::Error::other)?;
        entry::write(&self.folder, &key.0, &code)?;
        entry::evict(&self.folder, self.bytes_max)
    }
}
