//! Names of applications, actors, providers, clients, hosts, lattices and secrets; labels of hosts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::limits::NAME_LEN_MAX;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a name: use lower-case words of letters and digits joined by single hyphens, each beginning \
     with a letter, {NAME_LEN_MAX} characters at most, such as `price-list`"
)]
pub struct NameError {
    /// The refused text.
    pub text: String,
}

/// True where `text` is a name: kebab-case in lower-case only, each word begun by a letter, bounded in length. For those
/// who need to know that alone, on each call.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LEN_MAX
        && text.as_bytes().split(|byte| *byte == b'-').all(|word| {
            word.first().is_some_and(u8::is_ascii_lowercase)
                && word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { text: text.to_owned() })
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of an application, unique in a lattice.
    AppName
}
name! {
    /// The name of an actor within its application.
    ActorName
}
name! {
    /// The name of a provider within its application. Actors and providers share one space of names.
    ProviderName
}
name! {
    /// The name of a client: a program outside the lattice that may call actors of an application.
    ClientName
}
name! {
    /// The name of an environment, whose overlay in the manifest says what is otherwise there, such as `prod`.
    EnvName
}
name! {
    /// The name of whoever operates, deploys to or watches a lattice: a person or a program.
    UserName
}
name! {
    /// The name of a host, unique in its lattice.
    HostName
}
name! {
    /// The name of a lattice, unique on its NATS account.
    LatticeName
}
name! {
    /// The key of a host's label, such as `zone`.
    LabelKey
}
name! {
    /// The name of a secret, such as `acme-key`.
    SecretName
}

/// The name of a store that a component opens: letters, digits, `-`, `_` and `.`, 63 characters at most, such as
/// `sessions`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName(String);

/// Why a text is not the name of a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the name of a store: use letters, digits, `-`, `_` and `.`, {NAME_LEN_MAX} characters at most"
)]
pub struct StoreNameError {
    /// The refused text.
    pub text: String,
}

impl StoreName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for StoreName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreName {
    type Err = StoreNameError;

    fn from_str(text: &str) -> Result<Self, StoreNameError> {
        match text.parse::<LabelValue>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(StoreNameError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of a host's label: letters, digits, `-`, `_` and `.`, 63 characters at most, such as `eu-1.a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelValue(String);

/// Why a text is not the value of a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the value of a label: use letters, digits, `-`, `_` and `.`, {NAME_LEN_MAX} characters at most"
)]
pub struct LabelValueError {
    /// The refused text.
    pub text: String,
}

impl LabelValue {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelValue {
    type Err = LabelValueError;

    fn from_str(text: &str) -> Result<Self, LabelValueError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !text.is_empty() && text.len() <= NAME_LEN_MAX && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelValueError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for LabelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The labels of a host.
pub type Labels = BTreeMap<LabelKey, LabelValue>;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}B", self.0)
    }
}
