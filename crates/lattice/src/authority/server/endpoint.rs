//! Addresses of servers.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where a server listens: a name or an address of the machine, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    machine: Machine,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Machine {
    Address(IpAddr),
    Name(String),
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address with a port; write it as 127.0.0.1:4222, [::1]:4222 or nats1.example.com:4222")]
pub struct EndpointError {
    /// The refused text.
    pub text: String,
}

impl Endpoint {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same machine at another port.
    pub fn with_port(&self, port: u16) -> Self {
        Self { machine: self.machine.clone(), port }
    }

    /// True where only programs of the same machine can reach it. A name counts as elsewhere, but for `localhost`: what
    /// it means may change.
    pub fn is_loopback(&self) -> bool {
        match &self.machine {
            Machine::Address(address) => address.is_loopback(),
            Machine::Name(name) => name == "localhost",
        }
    }

    /// True for "every address of this machine", which nobody else can connect to by that name.
    pub fn is_unspecified(&self) -> bool {
        matches!(&self.machine, Machine::Address(address) if address.is_unspecified())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        read(text).ok_or_else(|| EndpointError { text: text.to_owned() })
    }
}

fn read(text: &str) -> Option<Endpoint> {
    let (machine, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let machine = match machine.strip_prefix('[') {
        Some(rest) => Machine::Address(rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into()),
        None => match machine.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => return None,
            Ok(address) => Machine::Address(address),
            Err(_) => Machine::Name(name(machine)?),
        },
    };
    Some(Endpoint { machine, port })
}

/// A name of the domain name system: labels of letters, digits and inner hyphens, 253 bytes at most.
fn name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last label of a name is never a number: that would be a mistyped address.
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let is_name = text.len() <= 253 && text.split('.').all(is_label) && !text.rsplit('.').next().is_some_and(is_number);
    is_name.then(|| text.to_owned())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.machine {
            Machine::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Machine::Address(address) => write!(f, "{address}:{}", self.port),
            Machine::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}
