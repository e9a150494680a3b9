//! Who is called, who calls, and the words of a call.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::ids::{ActorName, AppName, ClientName, ProviderName, is_name};

use crate::limits::WORD_BYTES_MAX;

/// An actor or a provider of an application, `app/name`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(Arc<str>);

/// Why a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a target: write application and name, such as `shop/cart`")]
pub struct TargetError {
    /// The refused text.
    pub text: String,
}

impl Target {
    /// An actor.
    pub fn actor(app: &AppName, actor: &ActorName) -> Self {
        Self(format!("{app}/{actor}").into())
    }

    /// A provider.
    pub fn provider(app: &AppName, provider: &ProviderName) -> Self {
        Self(format!("{app}/{provider}").into())
    }

    /// The target as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The application.
    pub fn app(&self) -> &str {
        self.0.split_once('/').map_or("", |(app, _)| app)
    }

    /// The actor or provider; they share one space of names.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let good = |(app, name): (&str, &str)| is_name(app) && is_name(name);
        match text.split_once('/').is_some_and(good) {
            true => Ok(Self(text.into())),
            false => Err(TargetError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An actor, over one of its links.
    Actor(Target),
    /// The HTTP ingress of the calling host, by a route.
    Ingress,
    /// A client outside the lattice, which the calling host has checked.
    Client(ClientName),
    /// A person at the command line.
    Operator,
}

impl FromStr for Origin {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.strip_prefix('@') {
            None => text.parse().map(Self::Actor),
            Some("ingress") => Ok(Self::Ingress),
            Some("operator") => Ok(Self::Operator),
            Some(other) => {
                let client = other.strip_prefix("client/").and_then(|name| name.parse().ok());
                client.map(Self::Client).ok_or_else(|| TargetError { text: text.to_owned() })
            }
        }
    }
}

impl Origin {
    /// The origin as text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Actor(actor) => actor.as_str().into(),
            Self::Ingress => "@ingress".into(),
            Self::Client(client) => format!("@client/{client}").into(),
            Self::Operator => "@operator".into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// One word of a call, such as a contract or a function: visible ASCII characters, at least one, [`WORD_BYTES_MAX`] at
/// most. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

/// Why a text cannot be part of a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be part of a call: use visible ASCII characters, {WORD_BYTES_MAX} at most")]
pub struct WordError {
    /// The refused text, or its beginning.
    pub text: String,
}

impl Word {
    /// The word as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        if !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(WordError { text: super::shown(text) })
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
