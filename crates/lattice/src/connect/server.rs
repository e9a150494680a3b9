//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use async_nats::ServerAddr;

/// Where a server is: `nats://HOST:PORT`, or `tls://HOST:PORT` to insist on encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(ServerAddr);

/// Why a text does not say where a server is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a NATS server: {reason}; write `nats://HOST:4222`, or `tls://HOST:4222`")]
pub struct ServerUrlError {
    /// The refused text, without what may be a secret.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl ServerUrl {
    /// True where it is on this machine, whatever becomes of the names outside: `localhost` or an address of the loopback.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.map_or(host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
    }

    /// True where it insists on encryption.
    pub(super) fn asks_for_tls(&self) -> bool {
        self.0.tls_required()
    }

    pub(super) fn address(&self) -> ServerAddr {
        self.0.clone()
    }

    pub(super) fn host(&self) -> &str {
        self.0.host().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port()
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let refused = |reason| Err(ServerUrlError { text: without_secret(text), reason });
        let Ok(address) = text.trim().parse::<ServerAddr>() else { return refused("it is no URL of this kind") };
        if address.host().is_empty() {
            return refused("it names no host");
        }
        if address.has_user_pass() || text.contains('@') {
            return refused("it holds a name or a password, which belong in a file of credentials");
        }
        if address.is_websocket() {
            return refused("WebSocket is not supported");
        }
        Ok(Self(address))
    }
}

fn without_secret(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.asks_for_tls() { "tls" } else { "nats" };
        match self.host() {
            host if host.contains(':') => write!(f, "{scheme}://[{host}]:{}", self.port()),
            host => write!(f, "{scheme}://{host}:{}", self.port()),
        }
    }
}
