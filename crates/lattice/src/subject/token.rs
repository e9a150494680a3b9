//! One token of a subject.

use std::fmt;
use std::str::FromStr;

use model::ids::{ActorName, AppName, ClientName, HostName, LatticeName, ProviderName};

use crate::limits::TOKEN_BYTES_MAX;

/// One token of a subject: letters, digits, `-` and `_`. A name that is a token can bring no dot and no wildcard into
/// a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(String);

/// Why a text is not a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one token of a subject: use letters, digits, `-` and `_`, {TOKEN_BYTES_MAX} bytes at most")]
pub struct TokenError {
    /// The refused text.
    pub text: String,
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= TOKEN_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Token {
    /// Two names as one token, which no single name can be: names have no `_`.
    pub fn pair(app: &AppName, member: &ProviderName) -> Self {
        Self(format!("{app}_{member}"))
    }

    /// A token made of what is known to be good.
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if is_token(text) { Ok(Self(text.to_owned())) } else { Err(TokenError { text: text.to_owned() }) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! of_name {
    ($($name:ident),*) => {
        $(impl From<&$name> for Token {
            fn from(name: &$name) -> Self {
                Self(name.as_str().to_owned())
            }
        })*
    };
}

of_name!(ActorName, AppName, ClientName, HostName, LatticeName, ProviderName);
