//! Where an actor may connect to.
//!
//! `tcp://db.example.com:5432`, `tcp://*.example.com:443`, `udp://10.0.0.0/8:53`, `tcp://[fd00::/8]:8000-8999`,
//! `tcp://*:443`. A name says who may be looked up, and the addresses that were found may be connected to. Addresses
//! that lead inside (loopback, private, link-local) are not among them: they are granted as addresses, or as
//! `localhost`, so that no answer of a name server leads inside.

mod network;
mod origin;
mod reach;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub use network::{IpNetwork, is_inside};
pub use origin::{Origin, OriginError};
pub use reach::Reach;

/// What is spoken with a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Whom a destination names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationHost {
    /// Every name, and every address that does not lead inside.
    Any,
    /// One name, in lower case.
    Name(String),
    /// Every name below this one, in lower case.
    Below(String),
    /// Addresses.
    Network(IpNetwork),
}

/// A range of ports; both ends are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

/// Where an actor may connect to: `scheme://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What may be spoken.
    pub transport: Transport,
    /// With whom.
    pub host: DestinationHost,
    /// On which ports.
    pub ports: Ports,
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a destination: {reason}; write for instance `tcp://db.example.com:5432`, `tcp://*.example.com:443`, \
     `udp://10.0.0.0/8:53` or `tcp://[::1]:8000-8999`"
)]
pub struct DestinationError {
    /// The refused text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The one name that means this machine (RFC 6761).
const LOCALHOST: &str = "localhost";

/// The longest name of a host (RFC 1035), and the longest part of one.
const NAME_LEN_MAX: usize = 253;
const PART_LEN_MAX: usize = 63;

impl Destination {
    /// True where `name` may be looked up to reach it. Case and a dot at the end make no difference.
    pub fn names(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_named = match &self.host {
            DestinationHost::Any => true,
            DestinationHost::Name(named) => *named == name,
            DestinationHost::Below(above) => name.strip_suffix(above).is_some_and(|rest| rest.ends_with('.')),
            DestinationHost::Network(_) => false,
        };
        is_named && is_name(&name)
    }

    /// True where it grants an address, which nobody looked up, on a port.
    pub fn grants(&self, transport: Transport, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        let reaches = match &self.host {
            DestinationHost::Any => !is_inside(address),
            DestinationHost::Network(network) => network.contains(address),
            DestinationHost::Name(_) | DestinationHost::Below(_) => false,
        };
        reaches && self.speaks(transport, port)
    }

    /// True where it grants an address that was found under a name of its own.
    pub fn grants_found(&self, transport: Transport, address: IpAddr, port: u16) -> bool {
        self.may_lead_to(address) && self.speaks(transport, port)
    }

    /// True where a name of its own may lead to an address.
    pub fn may_lead_to(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_localhost = matches!(&self.host, DestinationHost::Name(name) if name == LOCALHOST);
        if is_localhost { address.is_loopback() } else { !is_inside(address) }
    }

    fn speaks(&self, transport: Transport, port: u16) -> bool {
        self.transport == transport && (self.ports.first..=self.ports.last).contains(&port)
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        parse(text).map_err(|reason| DestinationError { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Destination, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no `tcp://` or `udp://`")?;
    let transport = match scheme {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return Err("it is neither `tcp://` nor `udp://`"),
    };
    let (host, ports) = rest.rsplit_once(':').ok_or("it has no port; `:*` is every port")?;
    Ok(Destination { transport, host: parse_host(host)?, ports: parse_ports(ports)? })
}

fn parse_host(text: &str) -> Result<DestinationHost, &'static str> {
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or("its `[` is not closed")?;
        return Ok(DestinationHost::Network(inner.parse()?));
    }
    if text == "*" {
        return Ok(DestinationHost::Any);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/')) {
        return Ok(DestinationHost::Network(text.parse()?));
    }
    if text.contains(':') {
        return Err("an IPv6 address is written in `[` and `]`");
    }
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("*.") {
        Some(above) if is_name(above) => Ok(DestinationHost::Below(above.to_owned())),
        None if is_name(&lower) => Ok(DestinationHost::Name(lower)),
        _ => Err("its host is no name; `*` stands for whole parts at the beginning, and other scripts are written as \
                  `xn--…`"),
    }
}

/// Parts of letters, digits, `-` and `_`, joined by dots.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=PART_LEN_MAX).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= NAME_LEN_MAX && text.split('.').all(is_part)
}

fn parse_ports(text: &str) -> Result<Ports, &'static str> {
    const REASON: &str = "its port is not a number from 1 to 65535, a range such as `8000-8999`, or `*`";
    if text == "*" {
        return Ok(Ports { first: 1, last: u16::MAX });
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let port = |text: &str| text.parse().ok().filter(|port| *port > 0 && is_number(text)).ok_or(REASON);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = Ports { first: port(first)?, last: port(last)? };
    if ports.first <= ports.last { Ok(ports) } else { Err(REASON) }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.ports)
    }
}

impl fmt::Display for DestinationHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Below(above) => write!(f, "*.{above}"),
            Self::Network(network) if network.is_v6() => write!(f, "[{network}]"),
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (1, u16::MAX) => f.write_str("*"),
            (first, last) if first == last => first.fmt(f),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}
