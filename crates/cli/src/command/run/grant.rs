//! What the options of a command grant.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use model::secret::{SecretValue, Setting};

use crate::environment;
use crate::error::CliError;

/// `NAME=VALUE`, or `NAME` for what lath itself has under that name.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    name: String,
    value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() || name.contains('\0') || value.as_ref().is_some_and(|value| value.contains('\0')) {
            return Err("write NAME=VALUE, or NAME to pass one on".to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

impl Variable {
    /// The name, where no value is given.
    pub(super) fn alone(&self) -> Option<&str> {
        self.value.is_none().then_some(self.name.as_str())
    }

    /// The name with its value. One that is to be passed on must be there.
    pub(super) fn resolved(&self) -> Result<(String, Setting<SecretValue>), CliError> {
        let missing = |what: &str| CliError::Usage {
            message: format!("`--env {}` passes on a variable that {what}", self.name),
            help: Some(format!("set it, or write `--env {}=VALUE`", self.name)),
        };
        let value = match &self.value {
            Some(value) => value.clone(),
            None => environment::passed_on(&self.name).map_err(missing)?,
        };
        Ok((self.name.clone(), value.into()))
    }
}

/// `KEY=VALUE`.
#[derive(Clone, Debug)]
pub(super) struct Pair(String, String);

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
        Ok(Self(key.to_owned(), value.to_owned()))
    }
}

/// A configuration: what the file has, and over it what the options say.
pub(super) fn config(
    file: Option<&Path>,
    options: &[Pair],
) -> Result<BTreeMap<String, Setting<SecretValue>>, CliError> {
    let mut config = file.map_or_else(|| Ok(BTreeMap::new()), read)?;
    config.extend(options.iter().map(|Pair(key, value)| (key.clone(), value.clone())));
    Ok(config.into_iter().map(|(key, value)| (key, value.into())).collect())
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let text = host::command::read_config(path)?;
    toml::from_str(&text).map_err(|error| CliError::Usage {
        message: format!("{} is no configuration: {}", path.display(), error.message()),
        help: Some("write a line `key = \"text\"` for each value".to_owned()),
    })
}
