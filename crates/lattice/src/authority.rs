//! Who may do what in a lattice: identities, their permissions, signed credentials, and the server's configuration.
//!
//! A lattice is an account on NATS servers in operator mode. Each host, person and program has a key of its own and a
//! token, signed with the account's signing key, that lists what it may publish and subscribe to and when it expires.
//! The servers check all of it; [`permissions`] is where the lists are made, from allowances only.
//!
//! Nothing here touches files or the network: texts go out, and whoever asked writes them. `docs/AUTHORITY.md` tells
//! what is trusted with what.

mod claims;
mod credentials;
mod identity;
mod keys;
mod permissions;
mod server;

use std::collections::BTreeMap;

pub use credentials::Credentials;
pub use identity::{Identity, Role, RoleError};
pub use keys::{PublicKey, Seed};
pub use permissions::{HOSTS, Permissions, Scope, permissions};
pub use server::{
    ACCOUNTS_FILE, Endpoint, EndpointError, RouteSecret, Server, ServerError, Servers, Tls, accounts_text, server_text,
};

use claims::{AccountClaims, Export, Import, OperatorClaims, Token, UserClaims};
use keys::{Key, Kind};

use crate::limits::{CREDENTIALS_SECONDS_MAX, DEPLOYER_APPLICATIONS_MAX, REVOCATIONS_MAX};

/// Seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

/// Why a key, token or credential is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// A seed is damaged, or is one of another kind.
    #[error("the seed is not that of an {expected} key: {reason}; restore the file that it is kept in")]
    Seed {
        /// What it should be.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A public key is damaged.
    #[error("`{text}` is not a public key: {reason}")]
    PublicKey {
        /// The refused text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A token cannot be made.
    #[error("the token cannot be signed: {reason}")]
    Sign {
        /// Why.
        reason: String,
    },
    /// A token would be too long for the servers.
    #[error(
        "deployer {name} is to have {count} applications, and {DEPLOYER_APPLICATIONS_MAX} is the most; grant several \
         deployers, or an operator"
    )]
    Applications {
        /// The deployer.
        name: String,
        /// How many applications were asked for.
        count: usize,
    },
    /// Credentials would never be good, or for too long.
    #[error(
        "credentials cannot be good for {seconds} s; give them at least 1 s and {CREDENTIALS_SECONDS_MAX} s at most"
    )]
    Period {
        /// For how long they were asked for.
        seconds: u64,
    },
    /// Servers would have to remember too many.
    #[error(
        "{count} credentials that have not expired are to be revoked, and {REVOCATIONS_MAX} is the most; make a new \
         lattice, and give shorter periods there"
    )]
    Revocations {
        /// How many there are.
        count: usize,
    },
    /// A text holds no credentials.
    #[error("the text holds no credentials: {reason}; use a `.creds` file that `lath lattice` wrote")]
    Credentials {
        /// What is wrong.
        reason: String,
    },
}

/// The keys that a lattice's authority rests on.
#[derive(Clone, Debug)]
pub struct Authority {
    operator: Key,
    system: Key,
    account: Key,
    signing: Key,
}

/// The private halves of an authority's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// Signs accounts; needed to revoke.
    pub operator: Seed,
    /// The system account's.
    pub system: Seed,
    /// The lattice's account; it is known by this key, which signs nothing.
    pub account: Seed,
    /// Signs users of the lattice; needed to grant.
    pub signing: Seed,
}

/// What the servers are told: the operator, and the accounts it has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// The operator's token.
    pub operator: String,
    /// The system account.
    pub system: PublicKey,
    /// The system account's token.
    pub system_token: String,
    /// The lattice's account.
    pub account: PublicKey,
    /// The lattice's account's token.
    pub account_token: String,
}

impl Authority {
    /// Fresh keys, from the system's random source.
    pub fn generate() -> Self {
        Self {
            operator: Key::generate(Kind::Operator),
            system: Key::generate(Kind::Account),
            account: Key::generate(Kind::Account),
            signing: Key::generate(Kind::Account),
        }
    }

    /// The authority of another lattice on the same servers: the same operator, an account of its own.
    pub fn beside(&self) -> Self {
        Self {
            operator: self.operator.clone(),
            system: self.system.clone(),
            account: Key::generate(Kind::Account),
            signing: Key::generate(Kind::Account),
        }
    }

    /// The authority of keys that were kept.
    pub fn of(seeds: &Seeds) -> Result<Self, AuthorityError> {
        Ok(Self {
            operator: Key::of(Kind::Operator, &seeds.operator)?,
            system: Key::of(Kind::Account, &seeds.system)?,
            account: Key::of(Kind::Account, &seeds.account)?,
            signing: Key::of(Kind::Account, &seeds.signing)?,
        })
    }

    /// What must be kept of it, and kept secret.
    pub fn seeds(&self) -> Result<Seeds, AuthorityError> {
        Ok(Seeds {
            operator: self.operator.seed()?,
            system: self.system.seed()?,
            account: self.account.seed()?,
            signing: self.signing.seed()?,
        })
    }

    /// The account of the lattice.
    pub fn account(&self) -> PublicKey {
        self.account.public()
    }

    /// Signs the accounts of a lattice that was made at `made`: the servers refuse users whose key is in `revocations`,
    /// issued until the time there, and drop them if they are connected. Equal input gives equal tokens, for a server
    /// does not take another operator while it runs.
    pub fn accounts(
        &self,
        scope: &Scope,
        made: UnixSeconds,
        revocations: &BTreeMap<PublicKey, UnixSeconds>,
    ) -> Result<Accounts, AuthorityError> {
        if revocations.len() > REVOCATIONS_MAX {
            return Err(AuthorityError::Revocations { count: revocations.len() });
        }
        let (operator, system, account) = (self.operator.public(), self.system.public(), self.account.public());
        let name = scope.lattice.as_str();
        let operator_token =
            Token { name, subject: &operator, issued: made, expires: None, nats: OperatorClaims::new(&system) };
        let system_claims = AccountClaims::system(exports());
        let system_token = Token { name: "SYS", subject: &system, issued: made, expires: None, nats: system_claims };
        let changed = revocations.values().copied().max().map_or(made, |last| last.max(made));
        let claims = AccountClaims::lattice(&self.signing.public(), imports(&system, &account), revocations);
        let account_token = Token { name, subject: &account, issued: changed, expires: None, nats: claims };
        Ok(Accounts {
            operator: operator_token.sign(&self.operator)?,
            system_token: system_token.sign(&self.operator)?,
            account_token: account_token.sign(&self.operator)?,
            system,
            account,
        })
    }

    /// Makes a key for `identity` and signs what it may do, from `now` until `expires`.
    pub fn grant(
        &self,
        scope: &Scope,
        identity: &Identity,
        now: UnixSeconds,
        expires: UnixSeconds,
    ) -> Result<Credentials, AuthorityError> {
        let seconds = expires.0.saturating_sub(now.0);
        if seconds == 0 || seconds > CREDENTIALS_SECONDS_MAX {
            return Err(AuthorityError::Period { seconds });
        }
        if let Identity::Deployer { name, applications } = identity
            && applications.len() > DEPLOYER_APPLICATIONS_MAX
        {
            return Err(AuthorityError::Applications { name: name.to_string(), count: applications.len() });
        }
        let key = Key::generate(Kind::User);
        let (public, account) = (key.public(), self.account.public());
        let permissions = permissions(scope, identity);
        let user = identity.user();
        let token = Token {
            name: &user,
            subject: &public,
            issued: now,
            expires: Some(expires),
            nats: UserClaims::new(&account, &permissions),
        };
        Ok(Credentials::new(token.sign(&self.signing)?, key.seed()?, public, user, Some(expires)))
    }
}

/// The user whom a token names that a server has verified.
pub(crate) fn user_of(token: &str) -> Result<String, AuthorityError> {
    claims::read_user(token).map(|claims| claims.name)
}

/// What the system account shows: that storage is safe, and who has gone.
fn exports() -> Vec<Export> {
    vec![
        Export {
            name: "disconnects",
            subject: DISCONNECTS,
            r#type: "stream",
            // An account sees its own connections only.
            account_token_position: Some(3),
            response_type: None,
        },
        Export {
            name: "storage",
            subject: STORAGE,
            r#type: "service",
            account_token_position: None,
            response_type: Some("Stream"),
        },
    ]
}

fn imports(system: &PublicKey, account: &PublicKey) -> Vec<Import> {
    let import = |name, r#type, subject| Import { name, subject, account: system.to_string(), r#type };
    vec![
        import("disconnects", "stream", format!("$SYS.ACCOUNT.{account}.DISCONNECT")),
        import("storage", "service", STORAGE.to_owned()),
    ]
}

/// Where every server answers how it fares, as JSON: `statsz.jetstream.config.sync_always` tells whether what it
/// acknowledges is on the disk. Of the requests that tell so it is the one that shows nothing of other accounts.
pub const STORAGE: &str = "$SYS.REQ.SERVER.PING.STATSZ";

/// Where a host hears of connections of its own account that have ended: JSON, of which `client.user` is the
/// user's public key and `client.jwt` its token.
pub const DISCONNECTS: &str = "$SYS.ACCOUNT.*.DISCONNECT";
