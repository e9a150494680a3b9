//! Places in a manifest.

use model::ids::ActorName;

/// Where in the manifest something is, and which import and function it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The manifest's key, dotted, as TOML writes it: `actors.cart.links."acme:tax/rates"`, `routes[1].to`.
    pub key: String,
    /// The actor.
    pub actor: Option<ActorName>,
    /// The import's label.
    pub import: Option<String>,
    /// The function, where it is about one only.
    pub function: Option<String>,
}

impl Place {
    /// A key that is about no actor.
    pub(crate) fn key(key: String) -> Self {
        Self { key, actor: None, import: None, function: None }
    }

    /// A table of an actor: `actors.NAME`.
    pub(crate) fn actor(actor: &ActorName) -> Self {
        Self { actor: Some(actor.clone()), ..Self::key(table_key("actors", actor.as_str())) }
    }

    /// A link of an actor: `actors.NAME.links.KEY`.
    pub(crate) fn link(actor: &ActorName, key: &str) -> Self {
        Self { actor: Some(actor.clone()), ..Self::key(format!("actors.{actor}.links.{}", quoted(key))) }
    }

    /// A key within the same place.
    pub(crate) fn below(self, key: &str) -> Self {
        Self { key: format!("{}.{}", self.key, quoted(key)), ..self }
    }

    /// The same place, about an import.
    pub(crate) fn about(self, import: &str) -> Self {
        Self { import: Some(import.to_owned()), ..self }
    }

    /// The same place, about a function if `functions` holds exactly one.
    pub(crate) fn within(self, functions: &[String]) -> Self {
        match functions {
            [only] => Self { function: Some(only.clone()), ..self },
            _ => self,
        }
    }
}

/// `TABLE.NAME`.
pub(crate) fn table_key(table: &str, name: &str) -> String {
    format!("{table}.{}", quoted(name))
}

/// `routes[INDEX]`.
pub(crate) fn route_key(index: usize) -> String {
    format!("routes[{index}]")
}

/// A key as TOML writes it: bare where it can be.
pub(crate) fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { key.to_owned() } else { format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")) }
}
