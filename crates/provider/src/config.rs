//! A provider's configuration, read by the keys that its kind knows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use model::ids::ProviderName;
use model::secret::SecretValue;

use crate::error::ProviderError;

/// A value of a provider's configuration, its secret resolved.
pub type ConfigValue = model::manifest::ConfigValue<SecretValue>;

/// The values of a provider, all under keys that its kind knows.
pub(crate) struct Config<'a> {
    provider: &'a ProviderName,
    values: &'a BTreeMap<String, ConfigValue>,
}

impl<'a> Config<'a> {
    /// Refuses keys that are not in `known`.
    pub(crate) fn new(
        kind: &'static str,
        provider: &'a ProviderName,
        values: &'a BTreeMap<String, ConfigValue>,
        known: &[&str],
    ) -> Result<Self, ProviderError> {
        match values.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(ProviderError::UnknownKey {
                provider: provider.clone(),
                kind,
                key: key.clone(),
                known: if known.is_empty() { "no keys".to_owned() } else { quoted(known) },
            }),
            None => Ok(Self { provider, values }),
        }
    }

    /// One of several words; the first is the default.
    pub(crate) fn word<'w>(&self, key: &str, words: &[&'w str]) -> Result<&'w str, ProviderError> {
        let found = match self.values.get(key) {
            None => words.first().copied(),
            Some(value) => shown(value).and_then(|text| words.iter().copied().find(|word| *word == text)),
        };
        found.ok_or_else(|| self.bad(key, quoted(words)))
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &self,
        key: &str,
        bounds: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, ProviderError> {
        let found = match self.values.get(key) {
            None => Some(default),
            Some(ConfigValue::Integer(number)) => usize::try_from(*number).ok().filter(|n| bounds.contains(n)),
            Some(_) => None,
        };
        found.ok_or_else(|| self.bad(key, format!("a whole number from {} to {}", bounds.start(), bounds.end())))
    }

    /// A name in lower-case words joined by hyphens.
    pub(crate) fn name(&self, key: &str) -> Result<Option<String>, ProviderError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        match shown(value).filter(|text| text.parse::<ProviderName>().is_ok()) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.bad(key, "a name of lower-case words joined by hyphens, such as `shop`".to_owned())),
        }
    }

    /// A text that must be there, and may be a secret: whoever takes it shows it nowhere.
    pub(crate) fn text(&self, key: &str, what: &str) -> Result<&'a str, ProviderError> {
        let text = match self.values.get(key) {
            Some(ConfigValue::Secret(value)) => Some(value.expose()),
            value => value.and_then(shown),
        };
        text.filter(|text| !text.is_empty()).ok_or_else(|| self.bad(key, what.to_owned()))
    }

    /// The path of a file.
    pub(crate) fn path(&self, key: &str) -> Result<Option<PathBuf>, ProviderError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        match shown(value).filter(|text| !text.is_empty()) {
            Some(text) => Ok(Some(PathBuf::from(text))),
            None => Err(self.bad(key, "the path of a file".to_owned())),
        }
    }

    fn bad(&self, key: &str, expected: String) -> ProviderError {
        let given = match self.values.get(key) {
            Some(ConfigValue::Text(text)) => format!("{text:?}"),
            Some(ConfigValue::Integer(number)) => number.to_string(),
            Some(ConfigValue::Boolean(value)) => value.to_string(),
            // Whatever is wrong with it, it stays one.
            Some(ConfigValue::Secret(_)) => "a secret".to_owned(),
            None => "absent".to_owned(),
        };
        ProviderError::BadValue { provider: self.provider.clone(), key: key.to_owned(), given, expected }
    }
}

/// A text that may be shown: words, names and paths are in errors and in what is stored.
fn shown(value: &ConfigValue) -> Option<&str> {
    match value {
        ConfigValue::Text(text) => Some(text),
        ConfigValue::Integer(_) | ConfigValue::Boolean(_) | ConfigValue::Secret(_) => None,
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
