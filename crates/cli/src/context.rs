//! Contexts: lattices that the user works with, by a name of their own, in a file of theirs.
//!
//! `LATH_CONTEXT` or `--context` chooses among them, else the file says which is in use.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use model::ids::LatticeName;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::CliError;

/// The file's name in the folder of our settings.
const FILE: &str = "contexts.toml";

/// How a command says which lattice it is about.
#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// The lattice, by the name of its context [default: `LATH_CONTEXT`, else the one in use]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// How to reach a lattice, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Context {
    /// NATS servers: `nats://` or `tls://`, several joined by commas.
    pub(crate) url: String,
    /// The lattice's name.
    #[serde(with = "lattice_name")]
    pub(crate) lattice: LatticeName,
    /// The file of the user's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<PathBuf>,
    /// The file of the certificates that servers are trusted by, beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The file of the user's own certificate, where servers ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The file of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,
    /// What the subjects of the lattice begin with, where it is not `lath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// The JetStream domain, behind a leaf node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
}

/// All contexts, and the one in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// By name.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// A context that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Its name.
    pub(crate) name: String,
    /// The context.
    pub(crate) context: Context,
    /// Named by the command line or the environment, not only in use.
    pub(crate) is_named: bool,
}

impl Choice {
    /// The context that the command is about.
    pub(crate) fn required(&self, environment: &Environment) -> Result<Chosen, CliError> {
        self.optional(environment)?.ok_or_else(|| CliError::NoContext {
            help: "write `lath context add NAME --url nats://HOST:4222 --lattice LATTICE --credentials FILE` first; \
                   `lath lattice init` makes the credentials"
                .to_owned(),
        })
    }

    /// The context that the command is about, if it is about one at all.
    pub(crate) fn optional(&self, environment: &Environment) -> Result<Option<Chosen>, CliError> {
        let named = self.context.as_ref().or(environment.context.as_ref());
        let contexts = Contexts::read(environment)?;
        let Some(name) = named.or(contexts.current.as_ref()) else { return Ok(None) };
        let context = contexts.get(name)?.clone();
        Ok(Some(Chosen { name: name.clone(), context, is_named: named.is_some() }))
    }
}

impl Contexts {
    /// Reads the file; without one there are none.
    pub(crate) fn read(environment: &Environment) -> Result<Self, CliError> {
        let Some(path) = environment.config.as_ref().map(|folder| folder.join(FILE)) else {
            return Ok(Self::default());
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(CliError::File { verb: "read", path, source }),
        };
        toml::from_str(&text).map_err(|source| CliError::Contexts { path, source })
    }

    /// Writes the file: whoever reads it meanwhile has the old or the new one.
    pub(crate) fn write(&self, environment: &Environment) -> Result<(), CliError> {
        let Some(folder) = &environment.config else {
            return Err(CliError::Usage {
                message: "there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set".to_owned(),
                help: Some("set one of them to an absolute path".to_owned()),
            });
        };
        let failed = |path: &Path, source| CliError::File { verb: "write", path: path.to_owned(), source };
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let (path, new) = (folder.join(FILE), folder.join(format!("{FILE}.{}", std::process::id())));
        let text = toml::to_string(self)
            .map_err(|error| failed(&path, std::io::Error::new(ErrorKind::InvalidData, error.to_string())))?;
        fs::write(&new, text).map_err(|source| failed(&new, source))?;
        fs::rename(&new, &path).map_err(|source| failed(&path, source))
    }

    /// The context of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Context, CliError> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
            CliError::Usage {
                message: format!("there is no context `{name}`"),
                help: Some(match known.as_slice() {
                    [] => "add it with `lath context add`".to_owned(),
                    known => format!("there are {}; `lath context add` adds one", known.join(", ")),
                }),
            }
        })
    }
}

/// A lattice's name as text.
mod lattice_name {
    use model::ids::LatticeName;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(name: &LatticeName, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<LatticeName, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
