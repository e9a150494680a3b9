//! What a lattice's folder says of it, in `lattice.json`: servers, and who was granted what. No secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lattice::authority::{self, AuthorityError, Credentials, Identity, PublicKey, Scope, UnixSeconds};
use lattice::subject::{Subject, Token};
use serde::{Deserialize, Serialize};

/// The form of the file.
const FORMAT: u32 = 1;

/// A fault of the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// It is not the JSON that it should be.
    #[error("lattice.json cannot be understood")]
    Json(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("lattice.json has format {found}, this lath knows format {FORMAT}; update lath")]
    Format {
        /// What it says.
        found: u32,
    },
    /// A value in it is not what its place asks for.
    #[error("lattice.json holds `{text}`, which it cannot")]
    Value {
        /// The value.
        text: String,
    },
    /// A key in it is damaged.
    #[error(transparent)]
    Key(#[from] AuthorityError),
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Record {
    format: u32,
    pub(super) lattice: String,
    /// When it was made: seconds of the Unix epoch, as all times here.
    pub(super) made: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<String>,
    pub(super) servers: Vec<Server>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<Tls>,
    pub(super) grants: Vec<Grant>,
}

/// A NATS server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) listen: String,
    pub(super) advertise: String,
    pub(super) route_port: u16,
}

/// Where certificates are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: PathBuf,
}

/// What somebody was granted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Grant {
    pub(super) user: String,
    pub(super) role: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) applications: Vec<String>,
    pub(super) key: String,
    pub(super) granted: u64,
    pub(super) expires: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<u64>,
}

/// How it stands with a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    Valid,
    Expired,
    Revoked,
}

impl Standing {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Record {
    pub(super) fn new(
        scope: &Scope,
        prefix: Option<&Subject>,
        servers: &authority::Servers,
        made: UnixSeconds,
    ) -> Self {
        let server = |server: &authority::Server| Server {
            name: server.name.clone(),
            listen: server.listen.to_string(),
            advertise: server.advertise.to_string(),
            route_port: server.route_port,
        };
        let tls = |tls: &authority::Tls| Tls { cert: tls.cert.clone(), key: tls.key.clone(), ca: tls.ca.clone() };
        Self {
            format: FORMAT,
            lattice: scope.lattice.to_string(),
            made: made.0,
            prefix: prefix.map(ToString::to_string),
            domain: scope.domain.as_ref().map(ToString::to_string),
            servers: servers.servers.iter().map(server).collect(),
            tls: servers.tls.as_ref().map(tls),
            grants: Vec::new(),
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        match serde_json::from_str(text)? {
            Form { format: FORMAT } => Ok(serde_json::from_str(text)?),
            Form { format: found } => Err(RecordError::Format { found }),
        }
    }

    pub(super) fn write(&self) -> Result<String, RecordError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(super) fn scope(&self) -> Result<Scope, RecordError> {
        let prefix = self.prefix.as_deref().map(value::<Subject>).transpose()?;
        let domain = self.domain.as_deref().map(value::<Token>).transpose()?;
        let refused = |_| RecordError::Value { text: self.prefix.clone().unwrap_or_default() };
        Scope::with(value(&self.lattice)?, prefix.as_ref(), domain).map_err(refused)
    }

    /// Where the servers are, for a client.
    pub(super) fn urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "tls" } else { "nats" };
        self.servers.iter().map(|server| format!("{scheme}://{}", server.advertise)).collect()
    }

    /// Notes a grant. Those that were revoked and have expired since are forgotten: the servers refuse them for their age.
    pub(super) fn add(&mut self, identity: &Identity, credentials: &Credentials, now: UnixSeconds) {
        let applications = match identity {
            Identity::Deployer { applications, .. } => applications.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        self.grants.retain(|grant| grant.revoked.is_none() || grant.expires > now.0);
        self.grants.push(Grant {
            user: credentials.user().to_owned(),
            role: identity.role().to_string(),
            applications,
            key: credentials.key().to_string(),
            granted: now.0,
            expires: credentials.expires().map_or(u64::MAX, |expires| expires.0),
            revoked: None,
        });
    }

    /// The keys that the servers must refuse: those that were revoked, until they would be refused for their age.
    pub(super) fn revocations(&self, now: UnixSeconds) -> Result<BTreeMap<PublicKey, UnixSeconds>, RecordError> {
        let revoked = |grant: &Grant| grant.revoked.filter(|_| grant.expires > now.0).map(UnixSeconds);
        let revoked = self.grants.iter().filter_map(|grant| Some((&grant.key, revoked(grant)?)));
        revoked.map(|(key, at)| Ok((key.parse()?, at))).collect()
    }
}

impl Grant {
    pub(super) fn standing(&self, now: UnixSeconds) -> Standing {
        match self.revoked {
            Some(_) => Standing::Revoked,
            None if self.expires <= now.0 => Standing::Expired,
            None => Standing::Valid,
        }
    }

    /// True for `host.h1`, and for `h1`; a slash is as good as a dot.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let name = name.replace('/', ".");
        self.user == name || self.user.ends_with(&format!(".{name}"))
    }
}

fn value<T: std::str::FromStr>(text: &str) -> Result<T, RecordError> {
    text.parse().map_err(|_| RecordError::Value { text: text.to_owned() })
}
