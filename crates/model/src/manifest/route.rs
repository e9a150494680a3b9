//! HTTP routes: which requests go to which actor.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::route_path::RoutePath;
use crate::ids::ActorName;
use crate::limits::DOMAIN_NAME_LEN_MAX;

/// Requests that go to an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The host that is asked for; any where absent.
    pub host: Option<DomainName>,
    /// The paths.
    pub path: RoutePath,
    /// The methods; every one where empty.
    pub methods: BTreeSet<Method>,
    /// Who answers.
    pub to: ActorName,
    /// The middleware that requests pass on their way, in that order: actors that import and export the contract.
    pub via: Vec<ActorName>,
}

impl Route {
    /// True where the route takes requests of this method.
    pub fn takes(&self, method: Method) -> bool {
        self.methods.is_empty() || self.methods.contains(&method)
    }
}

/// A request method of RFC 9110 or RFC 5789. `CONNECT` and `TRACE` are for proxies and have no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 7] =
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];

    /// The method as a request writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a method that routes know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a method of routes: they know {}", super::error::listed(&Method::ALL.map(Method::as_str)))]
pub struct MethodError {
    /// The refused text.
    pub text: String,
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let found = Method::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| MethodError { text: text.to_owned() })
    }
}

/// The host of a request, without its port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not the host of a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a host: write its name in lower case, without scheme, port or `*`, {DOMAIN_NAME_LEN_MAX} bytes at \
     most, such as `shop.example.com`"
)]
pub struct DomainNameError {
    /// The refused text.
    pub text: String,
}

impl FromStr for DomainName {
    type Err = DomainNameError;

    fn from_str(text: &str) -> Result<Self, DomainNameError> {
        if text.len() <= DOMAIN_NAME_LEN_MAX && text.split('.').all(is_host_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(DomainNameError { text: text.to_owned() })
        }
    }
}

fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
