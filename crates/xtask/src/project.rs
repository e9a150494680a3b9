//! Where things are in this checkout.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// This checkout.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout that cargo runs us from.
    ///
    /// # Errors
    ///
    /// We were not started by cargo.
    pub fn find() -> Result<Self> {
        let crate_dir =
            env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo x`: cargo says where the project is")?;
        let root = Path::new(&crate_dir).ancestors().nth(2).context("the crate xtask is not in a workspace")?;
        Ok(Self::at_root(root))
    }

    /// The checkout in this folder.
    pub fn at_root(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path relative to the workspace.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The folder of what `cargo x setup` installs.
    pub fn tools(&self) -> PathBuf {
        self.at("target/tools")
    }

    /// Waits until no other `cargo x` of this checkout installs or builds. The right to do so ends with the file.
    ///
    /// # Errors
    ///
    /// The folder of tools cannot be written.
    pub fn alone(&self) -> Result<File> {
        let path = self.tools().join("lock");
        let failed = || format!("cannot lock {}", path.display());
        fs::create_dir_all(self.tools()).with_context(failed)?;
        let file = File::create(&path).with_context(failed)?;
        if file.try_lock().is_err() {
            process::say("waiting for another `cargo x` that installs or builds guests");
            file.lock().with_context(failed)?;
        }
        Ok(file)
    }

    /// The search path with the installed tools first.
    ///
    /// # Errors
    ///
    /// A folder's name that cannot be part of a search path.
    pub fn search_path(&self) -> Result<OsString> {
        let ours = [self.tools().join("python/bin"), self.tools().join("node/node_modules/.bin")];
        let theirs = env::var_os("PATH").unwrap_or_default();
        env::join_paths(ours.into_iter().chain(env::split_paths(&theirs)))
            .context("the project's folder has a character that search paths cannot hold; move the project")
    }
}
