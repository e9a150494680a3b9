//! Routes: from host, path and method to an actor.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::Split;
use std::sync::Arc;

use http::HeaderValue;
use model::ids::{ActorName, AppName};
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

/// A route that is not served, because of another application's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// Another application has it.
    #[error(
        "route `{path}` of `{application}` takes {method}, which `{owner}` has: give one of them a host or a path of \
         its own"
    )]
    Taken {
        /// Whose it would be.
        application: AppName,
        /// Whose it is.
        owner: AppName,
        /// The path.
        path: String,
        /// The first method that both take.
        method: Method,
    },
    /// There are too many.
    #[error("{routes} routes of `{application}` have no room, an ingress takes {ROUTES_MAX}: join some with `/*`")]
    NoRoom {
        /// Whose they would be.
        application: AppName,
        /// Their number.
        routes: usize,
    },
}

/// Who answers requests: an actor of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) application: AppName,
    pub(super) actor: ActorName,
    /// The middleware before it.
    pub(super) via: Arc<[ActorName]>,
    /// The pattern of the route.
    pub(super) route: Arc<str>,
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
    doors: [Option<Door>; Method::ALL.len()],
    allow: HeaderValue,
}

/// What a request meets.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// An actor, and the method that it sees.
    Actor(&'r Door, Method),
    /// The path is routed for other methods: these.
    OtherMethods(&'r HeaderValue),
    /// The path is not routed.
    Nothing,
}

impl Router {
    /// Prepares the routes of an application; their order does not matter.
    ///
    /// # Errors
    ///
    /// Where two routes take the same requests, or there are more than [`ROUTES_MAX`].
    pub fn new(application: &AppName, routes: &[Route]) -> Result<Self, RouterError> {
        if routes.len() > ROUTES_MAX {
            return Err(RouterError::TooMany { count: routes.len() });
        }
        let mut router = Self::default();
        for route in routes {
            router.endpoint(route).add(application, route).map_err(|taken| RouterError::Twice {
                path: route.path.to_string(),
                method: taken.method,
                first: taken.by.actor,
                second: route.to.clone(),
            })?;
        }
        Ok(router)
    }

    /// Prepares the routes of several applications. Where two of them take the same requests, the one that comes first
    /// has them; a route of which another application has any request is left out.
    pub fn merged<'a>(applications: impl IntoIterator<Item = (&'a AppName, &'a [Route])>) -> (Self, Vec<LeftOut>) {
        let (mut router, mut left_out, mut count) = (Self::default(), Vec::new(), 0);
        for (application, routes) in applications {
            if count + routes.len() > ROUTES_MAX {
                left_out.push(LeftOut::NoRoom { application: application.clone(), routes: routes.len() });
                continue;
            }
            count += routes.len();
            for route in routes {
                if let Err(taken) = router.endpoint(route).add(application, route) {
                    left_out.push(LeftOut::Taken {
                        application: application.clone(),
                        owner: taken.by.application,
                        path: format!(
                            "{}{}",
                            route.host.iter().map(ToString::to_string).collect::<String>(),
                            route.path
                        ),
                        method: taken.method,
                    });
                }
            }
        }
        (router, left_out)
    }

    fn endpoint(&mut self, route: &Route) -> &mut Endpoint {
        let root = match &route.host {
            Some(host) => self.hosts.entry(host.as_str().to_owned()).or_default(),
            None => &mut self.any,
        };
        root.endpoint(route.path.segments())
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

/// The host without its port and without the dot that a whole name may end in, in lower case.
fn host_name(host: &str) -> Cow<'_, str> {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
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

/// The requests of a route are another's.
struct Taken {
    method: Method,
    by: Door,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self { doors: Default::default(), allow: HeaderValue::from_static("") }
    }
}

impl Endpoint {
    /// Leads the requests of `route` to its actor: all, or none.
    fn add(&mut self, application: &AppName, route: &Route) -> Result<(), Taken> {
        // A route of every method sees `HEAD` as `GET`: few actors know it.
        let takes = |method| route.takes(method) && (method != Method::Head || route.methods.contains(&method));
        let wanted = || Method::ALL.into_iter().filter(|method| takes(*method));
        if let Some((method, by)) = wanted().find_map(|method| Some((method, self.door(method)?.clone()))) {
            return Err(Taken { method, by });
        }
        let path: Arc<str> = route.path.to_string().into();
        let via: Arc<[ActorName]> = route.via.as_slice().into();
        for (method, door) in Method::ALL.into_iter().zip(&mut self.doors) {
            if takes(method) {
                let (application, actor) = (application.clone(), route.to.clone());
                *door = Some(Door { application, actor, via: Arc::clone(&via), route: Arc::clone(&path) });
            }
        }
        self.allow = self.allowed();
        Ok(())
    }

    /// What `allow` says: `HEAD` goes with `GET`, `OPTIONS` is always answered.
    fn allowed(&self) -> HeaderValue {
        let taken = |method: &Method| match method {
            Method::Head => self.door(Method::Head).or(self.door(Method::Get)).is_some(),
            Method::Options => true,
            method => self.door(*method).is_some(),
        };
        let words: Vec<_> = Method::ALL.into_iter().filter(taken).map(Method::as_str).collect();
        HeaderValue::from_str(&words.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }

    fn door(&self, method: Method) -> Option<&Door> {
        Method::ALL.into_iter().zip(&self.doors).find(|(each, _)| *each == method).and_then(|(_, door)| door.as_ref())
    }

    fn find(&self, method: Method) -> Found<'_> {
        let found = self.door(method).map(|door| (door, method));
        let found = match method {
            Method::Head => found.or_else(|| self.door(Method::Get).map(|door| (door, Method::Get))),
            _ => found,
        };
        found.map_or(Found::OtherMethods(&self.allow), |(door, method)| Found::Actor(door, method))
    }
}
