//! Why there is no connection.

use std::path::PathBuf;

use super::{ConnectSettings, SERVER_MIN};

/// Why there is no connection, or not what a lattice needs at the other end of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No servers are named.
    #[error("no NATS server is named; give at least one, such as `nats://127.0.0.1:4222`")]
    NoServers,
    /// The file of credentials cannot be used.
    #[error("cannot use the credentials in {}: {reason}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Nobody answers there.
    #[error("cannot reach the NATS server {server}: {reason}; check that it runs, and the address and the port")]
    Unreachable {
        /// Which servers were tried.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// What answers is no NATS server.
    #[error("what answers at {server} is not a NATS server; check the address and the port")]
    NotNats {
        /// Which server.
        server: String,
    },
    /// The server does not encrypt, and is not on this machine.
    #[error(
        "the NATS server {server} offers no TLS, and plain text is refused off the loopback; give it a certificate, as \
         `lath lattice init` writes one, or reach it at 127.0.0.1"
    )]
    PlainText {
        /// Which server.
        server: String,
    },
    /// The encrypted connection could not be made.
    #[error(
        "no TLS connection to the NATS server {server}: {reason}; check that `ca` names whoever signed its certificate, \
         that the certificate is for this host name, and that the clocks agree"
    )]
    Tls {
        /// Which server.
        server: String,
        /// What failed.
        reason: String,
    },
    /// The credentials are too old.
    #[error("the credentials of {user} have expired; ask whoever runs the lattice for new ones (`lath lattice grant`)")]
    Expired {
        /// The user.
        user: String,
    },
    /// The server does not know this user, or no more.
    #[error(
        "the NATS server {server} refuses {user}: authorization violation; the credentials are of another lattice or \
         were revoked: ask whoever runs the lattice for new ones (`lath lattice grant`)"
    )]
    Refused {
        /// Which server.
        server: String,
        /// The user.
        user: String,
    },
    /// The server asks for credentials and there are none.
    #[error("the NATS server {server} asks for credentials; name the file of yours (`credentials`)")]
    NoCredentials {
        /// Which server.
        server: String,
    },
    /// The server is too old.
    #[error(
        "the NATS server {server} has version {found}, a lattice needs {}.{} or later: earlier ones lose or leak what \
         they keep; update it", SERVER_MIN.0, SERVER_MIN.1
    )]
    Version {
        /// Which server.
        server: String,
        /// Its version.
        found: String,
    },
    /// The bucket is not there.
    #[error(
        "the lattice `{lattice}` has no bucket `{bucket}`; start a host, or run `lath lattice init`, which makes it"
    )]
    NoBucket {
        /// The lattice.
        lattice: String,
        /// The bucket.
        bucket: String,
    },
    /// The bucket is not kept as it must be.
    #[error("the bucket `{bucket}` is not as a lattice needs it: {reason}; it was made by something else: remove it")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// What differs.
        reason: String,
    },
    /// The bucket cannot be asked for.
    #[error(
        "the bucket `{bucket}` cannot be opened: {reason}; check that JetStream is on and has a leader, and the role of this user"
    )]
    Unavailable {
        /// The bucket.
        bucket: String,
        /// What is known.
        reason: String,
    },
}

impl ConnectError {
    /// True where the same may succeed later, with nothing changed here: whoever can wait tries again.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unavailable { .. })
    }
}

impl ConnectSettings {
    /// The servers, for messages.
    pub(super) fn listed(&self) -> String {
        self.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
