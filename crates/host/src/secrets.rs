//! Where a host takes the values of secrets from: its environment, a folder of files, and the lattice's store, in this
//! order. The first that has a secret decides: what it has and cannot be used is an error, and no other is asked.
//!
//! A value is taken when a part starts, and given to that part alone.

mod folder;
mod own_key;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lattice::secrets::{Keeper, Vault, VaultError};
use model::ids::SecretName;
use model::secret::{SecretValue, SecretValueError};

pub use own_key::{OwnKeyError, own_key};

/// What the variables begin with that hold secrets: `LATH_SECRET_ACME_KEY` is `acme-key`.
pub const SECRET_VARIABLE: &str = "LATH_SECRET_";

/// The sources of secrets.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Those of the environment, as it was when the program started; a value that cannot be used says so when it is needed.
    pub environment: BTreeMap<SecretName, Result<SecretValue, SecretValueError>>,
    /// The folder with a file for each.
    pub folder: Option<PathBuf>,
    /// The lattice's store, and the key that opens what is sealed to this host.
    pub lattice: Option<Arc<(Vault, Keeper)>>,
}

/// Why a secret is not at hand. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No source has it.
    #[error("no source of this host has it; {}", mends(name, folder.as_ref(), *lattice))]
    Missing {
        /// The secret.
        name: SecretName,
        /// The folder that was looked into.
        folder: Option<PathBuf>,
        /// True where the lattice's store was asked.
        lattice: bool,
    },
    /// A variable cannot be used.
    #[error("the variable {variable} cannot be used")]
    Variable {
        /// The variable.
        variable: String,
        /// What is wrong with its value.
        source: SecretValueError,
    },
    /// Others may read the file.
    #[error("others may read the file {} (mode {mode:04o}); run `chmod 600` on it", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("the file {} cannot be read", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no value.
    #[error("the file {} cannot be used", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// What is wrong with what it holds.
        source: SecretValueError,
    },
    /// The lattice's store.
    #[error("the lattice's store does not give it; `lath secret set {name}` sets it")]
    Lattice {
        /// The secret.
        name: SecretName,
        /// Why.
        source: VaultError,
    },
    /// A task of the host ended early.
    #[error("a task of the host ended before its work was done; this is a fault of Lath, please report it")]
    Gone,
}

/// The variable that holds a secret.
pub fn secret_variable(name: &SecretName) -> String {
    format!("{SECRET_VARIABLE}{}", name.as_str().replace('-', "_").to_ascii_uppercase())
}

/// The secret that a variable holds whose name goes on like this after [`SECRET_VARIABLE`]; none where that names none.
pub fn secret_of_variable(rest: &str) -> Option<SecretName> {
    let name = rest.to_ascii_lowercase().replace('_', "-").parse().ok()?;
    (secret_variable(&name).strip_prefix(SECRET_VARIABLE) == Some(rest)).then_some(name)
}

impl Secrets {
    /// The value of a secret.
    ///
    /// # Errors
    ///
    /// No source has it, or the one that has it has nothing of use.
    pub async fn resolve(&self, name: &SecretName) -> Result<SecretValue, SecretError> {
        if let Some(found) = self.environment.get(name) {
            let variable = || secret_variable(name);
            return found.clone().map_err(|source| SecretError::Variable { variable: variable(), source });
        }
        if let Some(folder) = &self.folder {
            let file = folder.join(name.as_str());
            let reading = tokio::task::spawn_blocking(move || folder::read(&file));
            if let Some(value) = reading.await.map_err(|_| SecretError::Gone)?? {
                return Ok(value);
            }
        }
        if let Some(lattice) = &self.lattice {
            let (vault, keeper) = &**lattice;
            let found = vault.open(name, keeper).await;
            let failed = |source| SecretError::Lattice { name: name.clone(), source };
            if let Some(value) = found.map_err(failed)? {
                return Ok(value);
            }
        }
        let (folder, lattice) = (self.folder.clone(), self.lattice.is_some());
        Err(SecretError::Missing { name: name.clone(), folder, lattice })
    }
}

/// What can be done about a secret that is missing.
fn mends(name: &SecretName, folder: Option<&PathBuf>, lattice: bool) -> String {
    let mut mends = Vec::new();
    if lattice {
        mends.push(format!("run `lath secret set {name}`"));
    }
    if let Some(folder) = folder {
        mends.push(format!("write it to the file {}", folder.join(name.as_str()).display()));
    }
    mends.push(format!("start the host with {} in its environment", secret_variable(name)));
    mends.join(", or ")
}

/// The sources, without what they have.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = f.debug_struct("Secrets");
        told.field("environment", &self.environment.keys().collect::<Vec<_>>()).field("folder", &self.folder);
        told.field("lattice", &self.lattice.is_some()).finish()
    }
}
