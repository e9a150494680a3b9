//! Settings of actors, and where secrets are: what a host gives to actors in the place of what their manifests say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{Schema, json_schema};
use toml::de::{DeTable, DeValue};

use super::super::ManifestErrors;
use super::super::error::placed;
use super::super::leaf::{At, Leaf, Refused};
use super::super::read::{syntax_fault, too_long};
use super::super::tree::{Node, Notes, Table};
use crate::ids::ActorName;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::secret::{SecretValue, SecretValueError};

/// Settings of the actors of one application, by actor and key.
pub type ActorSettings = BTreeMap<ActorName, BTreeMap<String, SecretValue>>;

/// Parses the text of a file with the settings of one application's actors: a table for each.
///
/// ```toml
/// [cart]
/// currency = "CHF"
/// ```
///
/// # Errors
///
/// As of [`super::parse`].
pub fn parse_settings(text: &str) -> Result<ActorSettings, ManifestErrors> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(placed(text, vec![too_long("the file", text.len(), "leave something out")]));
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(placed(text, errors.iter().map(|error| syntax_fault(error, text)).collect()));
    }
    let mut notes = Notes::default();
    let settings = Table::root(root.get_ref()).entries(&mut notes, actor_settings);
    if notes.faults.is_empty() { Ok(named(settings)) } else { Err(placed(text, notes.faults)) }
}

pub(super) fn secrets(node: Node<'_>, notes: &mut Notes) -> Option<At<PathBuf>> {
    let mut table = node.table(r#"{ dir = "secrets" }"#, notes)?;
    let dir = table.need("dir", r#""secrets""#, notes).and_then(|node| node.leaf(notes));
    table.close(notes);
    dir
}

/// The settings of an application.
pub(super) fn application(node: Node<'_>, notes: &mut Notes) -> Option<ActorSettings> {
    Some(named(node.table(r#"{ cart = { currency = "CHF" } }"#, notes)?.entries(notes, actor_settings)))
}

/// The settings of an actor.
fn actor_settings(node: Node<'_>, notes: &mut Notes) -> Option<BTreeMap<String, SecretValue>> {
    let entries = node.table(r#"{ currency = "CHF" }"#, notes)?.entries(notes, Node::leaf::<SecretValue>);
    Some(entries.into_iter().map(|(key, value): (At<String>, _)| (key.value, value.value)).collect())
}

/// The entries without their places.
pub(super) fn named<K: Ord, V>(entries: BTreeMap<At<K>, V>) -> BTreeMap<K, V> {
    entries.into_iter().map(|(key, value)| (key.value, value)).collect()
}

/// A text that may be a secret: what is wrong with it is told without it.
impl Leaf for SecretValue {
    const WHAT: &'static str = "a string";
    const EXAMPLE: &'static str = r#""CHF""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        let text = value.as_str().ok_or(Refused::Type)?;
        let refused = |error: SecretValueError| Refused::Value(error.to_string(), None);
        Self::new(text.to_owned()).map_err(refused)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}
