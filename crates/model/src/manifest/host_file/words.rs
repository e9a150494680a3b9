//! The words of a host's file: addresses, parts of subjects, counts.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::{Schema, json_schema};
use toml::de::DeValue;

use super::super::leaf::{Leaf, Refused, parsed};
use crate::ids::{HostName, LatticeName};

/// The address of a NATS server: `nats://` or `tls://`, a host, and a port where it is not 4222.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerUrl(String);

/// Tokens joined by dots, such as `lath` or `team.lath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens(String);

/// How many servers may keep a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageReplicas(pub(super) u32);

impl ServerUrl {
    /// The address as text, with its scheme.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            format!("`{text}` is not the address of a NATS server: begin with `nats://` or, with TLS, `tls://`")
        })?;
        if !["nats", "tls"].contains(&scheme) {
            return Err(format!("`{scheme}` is not a way to NATS: begin with `nats://` or, with TLS, `tls://`"));
        }
        if rest.contains('@') {
            return Err("an address holds no credentials: name a file with `credentials`".to_owned());
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let host_is_good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
        };
        let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if host_is_good && port_is_good {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not the address of a NATS server: write for instance `nats://127.0.0.1:4222`"))
    }
}

impl Tokens {
    /// The tokens as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tokens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_token =
            |token: &str| !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if text.len() <= crate::limits::NAME_LEN_MAX && text.split('.').all(is_token) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` cannot be part of a subject: use letters, digits, `-` and `_`, joined by dots"))
    }
}

impl Leaf for StorageReplicas {
    const WHAT: &'static str = "1, 3 or 5";
    const EXAMPLE: &'static str = "3";

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        match u32::read(value)? {
            replicas @ (1 | 3 | 5) => Ok(Self(replicas)),
            other => {
                let help = "write 1, 3 or 5: as many servers as there are, of which more than half must live";
                Err(Refused::Value(format!("{other} is not a number of replicas"), Some(help.to_owned())))
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": [1, 3, 5] })
    }
}

macro_rules! parsed_leaf {
    ($type:ty, $what:literal, $example:literal) => {
        impl Leaf for $type {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;

            fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
                parsed(value)
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    };
}

parsed_leaf!(HostName, "a name", r#""a1""#);
parsed_leaf!(LatticeName, "a name", r#""prod""#);
parsed_leaf!(ServerUrl, "the address of a server", r#""nats://127.0.0.1:4222""#);
parsed_leaf!(Tokens, "tokens of a subject", r#""lath""#);

impl Leaf for SocketAddr {
    const WHAT: &'static str = "an address and a port";
    const EXAMPLE: &'static str = r#""127.0.0.1:8080""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        let text = value.as_str().ok_or(Refused::Type)?;
        text.parse().map_err(|_| {
            let help = r#"write an IP address and a port, such as "0.0.0.0:8080""#;
            Refused::Value(format!("`{text}` is not an address and a port"), Some(help.to_owned()))
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}
