//! Identities: who a credential stands for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use model::ids::{AppName, ClientName, HostName, ProviderName, UserName};

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Writes the intent of every application, stores and removes components, makes the buckets.
    Operator,
    /// Writes the intent of the applications named with it, stores components.
    Deployer,
    /// Reads what was asked for and what runs.
    Viewer,
    /// Runs actors and providers.
    Host,
    /// A process that serves one provider of one application.
    Provider,
    /// A program that calls actors of one application.
    Client,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Operator, Self::Deployer, Self::Viewer, Self::Host, Self::Provider, Self::Client];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Deployer => "deployer",
            Self::Viewer => "viewer",
            Self::Host => "host",
            Self::Provider => "provider",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a role: use operator, deployer, viewer, host, provider or client")]
pub struct RoleError {
    /// The refused text.
    pub text: String,
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| RoleError { text: text.to_owned() })
    }
}

/// Who a credential stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// An operator of the whole lattice.
    Operator(UserName),
    /// A deployer of some applications.
    Deployer {
        /// Its name.
        name: UserName,
        /// The applications whose intent it may write.
        applications: BTreeSet<AppName>,
    },
    /// A viewer.
    Viewer(UserName),
    /// A host.
    Host(HostName),
    /// A process that serves a provider.
    Provider {
        /// The application that the provider is of.
        application: AppName,
        /// The provider.
        provider: ProviderName,
    },
    /// A program that calls actors.
    Client {
        /// The application that it calls.
        application: AppName,
        /// The client, as the manifest names it.
        client: ClientName,
    },
}

impl Identity {
    /// Its role.
    pub fn role(&self) -> Role {
        match self {
            Self::Operator(_) => Role::Operator,
            Self::Deployer { .. } => Role::Deployer,
            Self::Viewer(_) => Role::Viewer,
            Self::Host(_) => Role::Host,
            Self::Provider { .. } => Role::Provider,
            Self::Client { .. } => Role::Client,
        }
    }

    /// The user, as subjects name it: `host.h1`, `client.shop.nightly`. Names have no dots, so no two identities share
    /// one, except deployers that differ by their applications only.
    pub fn user(&self) -> String {
        let role = self.role();
        match self {
            Self::Operator(name) | Self::Deployer { name, .. } | Self::Viewer(name) => format!("{role}.{name}"),
            Self::Host(name) => format!("{role}.{name}"),
            Self::Provider { application, provider } => format!("{role}.{application}.{provider}"),
            Self::Client { application, client } => format!("{role}.{application}.{client}"),
        }
    }

    /// Where answers to this user go, and to nobody else: the prefix of its inboxes, `_INBOX.host.h1`. A client library
    /// is told it (`custom_inbox_prefix`, `inbox_prefix`), for the user may not subscribe to any other.
    pub fn inbox(&self) -> String {
        inbox(&self.user())
    }
}

/// The prefix of the inboxes of `user`.
pub(super) fn inbox(user: &str) -> String {
    format!("_INBOX.{user}")
}
