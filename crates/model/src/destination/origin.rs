//! Whom an actor may send requests of HTTP.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Destination, DestinationHost, Transport, parse_host, parse_ports};

/// Where an actor may send requests: `https://api.example.com`, `http://*.internal:8080`, `http://127.0.0.1:9000`.
/// Without a port it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether TLS is spoken.
    is_tls: bool,
    destination: Destination,
}

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no origin: {reason}; write for instance `https://api.example.com`, `http://*.example.com:8080` or \
     `http://127.0.0.1:9000`"
)]
pub struct OriginError {
    /// The refused text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Origin {
    /// True where requests may be sent to `host`, a name or an address, on `port`.
    pub fn takes(&self, is_tls: bool, host: &str, port: u16) -> bool {
        if self.is_tls != is_tls || !self.destination.speaks(Transport::Tcp, port) {
            return false;
        }
        match address(host) {
            Some(address) => self.destination.grants(Transport::Tcp, address, port),
            None => self.destination.names(host),
        }
    }

    /// True where a `host` that it [takes](Self::takes) may be found at an address.
    pub fn leads_to(&self, host: &str, found: IpAddr) -> bool {
        address(host).is_some_and(|stated| stated.to_canonical() == found.to_canonical())
            || self.destination.may_lead_to(found)
    }
}

/// The address that a host of a URI is, if it is one.
fn address(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        parse(text).map_err(|reason| OriginError { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Origin, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no `https://` or `http://`")?;
    let (is_tls, own) = match scheme {
        "https" => (true, "443"),
        "http" => (false, "80"),
        _ => return Err("it is neither `https://` nor `http://`"),
    };
    // A network of addresses has a slash inside its brackets, or is written without them.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (rest, own),
    };
    let destination = Destination { transport: Transport::Tcp, host: parse_host(host)?, ports: parse_ports(port)? };
    Ok(Origin { is_tls, destination })
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        let Destination { host, ports, .. } = &self.destination;
        let host: &DestinationHost = host;
        write!(f, "{scheme}://{host}:{ports}")
    }
}
