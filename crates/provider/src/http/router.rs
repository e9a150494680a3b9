//! Routes: from host, path and method to an actor.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::Split;

use http::HeaderValue;
use model::ids::ActorName;
use model::manifest::{Method, Route, Segment};

use crate::limits::ROUTES_MAX;

/// Why routes cannot be served together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouterError {
    /// Two routes take the same requests.
    #[error("route `{path}` takes {method} for both `{first}` and `{second}`: leave one of them out")]
    Twice {
        /// The path of the second.
        path: String,
        /// The method.
        method: Method,
        /// The actor of the first.
        first: ActorName,
        /// The actor of the second.
        second: ActorName,
    },
    /// Too many routes.
    #[error("there are {count} routes, an ingress takes {ROUTES_MAX}: join some with parameters or `/*`")]
    TooMany {
        /// Their number.
        count: usize,
    },
}

/// Routes, ready for look-up.
#[derive(Debug, Default)]
pub struct Router {
    hosts: HashMap<String, Node>,
    any: Node,
}

/// A segment of the paths of one host; children are the segments that may follow.
#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    parameter: Option<Box<Node>>,
    here: Option<Endpoint>,
    below: Option<Endpoint>,
}

/// Who answers for one path.
#[derive(Debug)]
struct Endpoint {
    actors: [Option<ActorName>; Method::ALL.len()],
    allow: HeaderValue,
}

/// What a request meets.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// An actor, and the method that it sees.
    Actor(&'r ActorName, Method),
    /// The path is routed for other methods: these.
    OtherMethods(&'r HeaderValue),
    /// The path is not routed.
    Nothing,
}

impl Router {
    /// Prepares routes; their order does not matter.
    ///
    /// # Errors
    ///
    /// Where two routes take the same requests, or there are more than [`ROUTES_MAX`].
    pub fn new(routes: &[Route]) -> Result<Self, RouterError> {
        if routes.len() > ROUTES_MAX {
            return Err(RouterError::TooMany { count: routes.len() });
        }
        let mut router = Self::default();
        for route in routes {
            let root = match &route.host {
                Some(host) => router.hosts.entry(host.as_str().to_owned()).or_default(),
                None => &mut router.any,
            };
            root.endpoint(route.path.segments()).add(route)?;
        }
        Ok(router)
    }

    /// Who answers a request. `host` is as the request writes it, with or without a port.
    pub(super) fn find(&self, host: Option<&str>, path: &str, method: Method) -> Found<'_> {
        let mut named = None;
        if !self.hosts.is_empty() {
            named = host.and_then(|host| self.hosts.get(host_name(host).as_ref())).and_then(|root| root.find(path));
        }
        named.or_else(|| self.any.find(path)).map_or(Found::Nothing, |endpoint| endpoint.find(method))
    }
}

/// The host without its port, in lower case.
fn host_name(host: &str) -> Cow<'_, str> {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

impl Node {
    /// The endpoint of a pattern, made where it is missing.
    fn endpoint(&mut self, pattern: &[Segment]) -> &mut Endpoint {
        match pattern.split_first() {
            None => self.here.get_or_insert_with(Endpoint::default),
            Some((Segment::Rest, _)) => self.below.get_or_insert_with(Endpoint::default),
            Some((Segment::Parameter(_), rest)) => self.parameter.get_or_insert_default().endpoint(rest),
            Some((Segment::Literal(text), rest)) => self.literals.entry(text.clone()).or_default().endpoint(rest),
        }
    }

    fn find(&self, path: &str) -> Option<&Endpoint> {
        let segments = path.strip_prefix('/')?.split('/');
        self.exact(segments.clone()).or_else(|| self.deepest(segments, 0).map(|(_, endpoint)| endpoint))
    }

    /// The endpoint of the whole path; literals before parameters, from left to right.
    fn exact(&self, mut segments: Split<'_, char>) -> Option<&Endpoint> {
        let Some(segment) = segments.next() else { return self.here.as_ref() };
        let literal = self.literals.get(segment).and_then(|node| node.exact(segments.clone()));
        literal.or_else(|| self.parameter_for(segment)?.exact(segments))
    }

    /// The `/*` with most segments, and their number.
    fn deepest(&self, mut segments: Split<'_, char>, depth: usize) -> Option<(usize, &Endpoint)> {
        let here = self.below.as_ref().map(|endpoint| (depth, endpoint));
        let Some(segment) = segments.next() else { return here };
        let literal = self.literals.get(segment).and_then(|node| node.deepest(segments.clone(), depth + 1));
        let parameter = self.parameter_for(segment).and_then(|node| node.deepest(segments, depth + 1));
        let below = match (literal, parameter) {
            (Some(literal), Some(parameter)) if parameter.0 > literal.0 => Some(parameter),
            (literal, parameter) => literal.or(parameter),
        };
        below.or(here)
    }

    fn parameter_for(&self, segment: &str) -> Option<&Node> {
        self.parameter.as_deref().filter(|_| !segment.is_empty())
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self { actors: Default::default(), allow: HeaderValue::from_static("") }
    }
}

impl Endpoint {
    fn add(&mut self, route: &Route) -> Result<(), RouterError> {
        for (method, actor) in Method::ALL.into_iter().zip(&mut self.actors) {
            // A route of every method sees `HEAD` as `GET`: few actors know it.
            if !route.takes(method) || method == Method::Head && !route.methods.contains(&method) {
                continue;
            }
            if let Some(first) = actor {
                let (first, second) = (first.clone(), route.to.clone());
                return Err(RouterError::Twice { path: route.path.to_string(), method, first, second });
            }
            *actor = Some(route.to.clone());
        }
        self.allow = self.allowed();
        Ok(())
    }

    /// What `allow` says: `HEAD` goes with `GET`, `OPTIONS` is always answered.
    fn allowed(&self) -> HeaderValue {
        let taken = |method: &Method| match method {
            Method::Head => self.actor(Method::Head).or(self.actor(Method::Get)).is_some(),
            Method::Options => true,
            method => self.actor(*method).is_some(),
        };
        let words: Vec<_> = Method::ALL.into_iter().filter(taken).map(Method::as_str).collect();
        HeaderValue::from_str(&words.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }

    fn actor(&self, method: Method) -> Option<&ActorName> {
        Method::ALL
            .into_iter()
            .zip(&self.actors)
            .find(|(each, _)| *each == method)
            .and_then(|(_, actor)| actor.as_ref())
    }

    fn find(&self, method: Method) -> Found<'_> {
        let found = self.actor(method).map(|actor| (actor, method));
        let found = match method {
            Method::Head => found.or_else(|| self.actor(Method::Get).map(|actor| (actor, Method::Get))),
            _ => found,
        };
        found.map_or(Found::OtherMethods(&self.allow), |(actor, method)| Found::Actor(actor, method))
    }
}
