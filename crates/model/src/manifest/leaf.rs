//! Single values: what each is written like, how it is parsed, and its JSON schema, in one place.

mod texts;
mod values;

use std::cmp::Ordering;
use std::ops::Range;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use super::error::suggestion;
use crate::ids::{NameError, SecretName};
pub(super) use texts::{CommandLine, FunctionName, Pattern, Target, Variable};
pub(super) use values::{FileVersion, ProviderKind};

/// A value of the manifest, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

impl<T> At<T> {
    pub(super) fn into_value(self) -> T {
        self.value
    }
}

/// Values are compared without their places, so that they can be keys.
impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: Ord> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

/// Why a value is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has another type.
    Type,
    /// It has the right type, but means nothing: why, and what to write.
    Value(String, Option<String>),
}

/// A single value as the manifest writes it.
pub(super) trait Leaf: Sized {
    /// What it is, such as "a duration".
    const WHAT: &'static str;
    /// One, as TOML.
    const EXAMPLE: &'static str;

    /// Reads it.
    fn read(value: &DeValue<'_>) -> Result<Self, Refused>;

    /// Its JSON schema, apart from the description.
    fn schema() -> Schema;
}

impl<T: Leaf> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::WHAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// Reads a string with `parse`.
fn text<T>(value: &DeValue<'_>, parse: impl FnOnce(&str) -> Result<T, Refused>) -> Result<T, Refused> {
    parse(value.as_str().ok_or(Refused::Type)?)
}

fn refused(message: String, help: &str) -> Refused {
    Refused::Value(message, Some(help.to_owned()))
}

/// Reads a string that its own type parses.
pub(super) fn parsed<T: FromStr<Err: ToString>>(value: &DeValue<'_>) -> Result<T, Refused> {
    text(value, |text| text.parse().map_err(|error: T::Err| Refused::Value(error.to_string(), None)))
}

/// Reads one of a few words.
fn word<T: Copy>(value: &DeValue<'_>, words: &[(&'static str, T)]) -> Result<T, Refused> {
    text(value, |text| {
        let found = words.iter().find(|(word, _)| *word == text);
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        found
            .map(|(_, meant)| *meant)
            .ok_or_else(|| refused(format!("`{text}` is not known"), &suggestion(text, "choices", &known)))
    })
}

/// The secret that is written in the place of a value: a table with the one key `secret`.
fn secret(value: &DeValue<'_>) -> Result<SecretName, Refused> {
    let table = value.as_table().ok_or(Refused::Type)?;
    let (Some(name), 1) = (table.get("secret"), table.len()) else { return Err(Refused::Type) };
    match name.get_ref().as_str() {
        Some(name) => name.parse().map_err(|error: NameError| Refused::Value(error.to_string(), None)),
        None => Err(refused("the name of a secret is a string".to_owned(), "write `{ secret = \"acme-key\" }`")),
    }
}

/// The schema of [`secret`].
fn secret_schema() -> Schema {
    json_schema!({
        "type": "object",
        "properties": { "secret": { "type": "string", "pattern": texts::NAME_PATTERN } },
        "required": ["secret"],
        "additionalProperties": false
    })
}
