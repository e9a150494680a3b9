//! The paths of routes: exact (`/cart`), with parameters (`/cart/{id}`) and with everything below (`/files/*`).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::limits::ROUTE_PATH_LEN_MAX;

/// A pattern of request paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutePath {
    segments: Vec<Segment>,
}

/// What lies between two slashes of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Itself, as it stands in a request (percent-encoded). Empty only as the last one: `/`, or a slash at the end.
    Literal(String),
    /// One segment that is not empty, under a name.
    Parameter(String),
    /// Whatever follows, even nothing; the last segment only.
    Rest,
}

impl RoutePath {
    /// The segments in order; at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The path with the names of its parameters left out: two paths of one shape match the same requests.
    pub fn shape(&self) -> RoutePath {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Parameter(_) => Segment::Parameter(String::new()),
            other => other.clone(),
        });
        RoutePath { segments: segments.collect() }
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{text}"),
            Segment::Parameter(name) => write!(f, "/{{{name}}}"),
            Segment::Rest => f.write_str("/*"),
        })
    }
}

/// Why a text is not the path of a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutePathError {
    /// It does not begin at the root.
    #[error("a path begins with `/`, such as `/cart/{{id}}`")]
    Relative,
    /// It is over the bound.
    #[error("a path has {ROUTE_PATH_LEN_MAX} bytes at most")]
    TooLong,
    /// Two slashes follow one another.
    #[error("nothing stands between two slashes: write one")]
    Empty,
    /// `.` or `..`.
    #[error("`{segment}` is a step, not a place: write the path without it")]
    Dots {
        /// The segment.
        segment: String,
    },
    /// `*` within the path or a segment.
    #[error("`*` stands for all that follows: write it as the last segment, alone, such as `/files/*`")]
    Star,
    /// Braces in a segment that is no parameter.
    #[error(
        "`{segment}` is not a parameter: write a whole segment in braces with a name of letters, digits, `-` and `_`, \
         such as `/cart/{{id}}`"
    )]
    Parameter {
        /// The segment.
        segment: String,
    },
    /// A name used twice.
    #[error("parameter `{name}` appears twice: give each its own name")]
    Twice {
        /// The name.
        name: String,
    },
    /// A character that no request path carries.
    #[error("`{character}` cannot appear in a path: percent-encode it (a query or a fragment is no part of a route)")]
    Character {
        /// The character.
        character: char,
    },
}

impl FromStr for RoutePath {
    type Err = RoutePathError;

    fn from_str(text: &str) -> Result<Self, RoutePathError> {
        if text.len() > ROUTE_PATH_LEN_MAX {
            return Err(RoutePathError::TooLong);
        }
        let rest = text.strip_prefix('/').ok_or(RoutePathError::Relative)?;
        let last = rest.matches('/').count();
        let segments = rest
            .split('/')
            .enumerate()
            .map(|(at, segment)| parse_segment(segment, at == last))
            .collect::<Result<Vec<_>, _>>()?;
        refuse_repeated(&segments)?;
        Ok(RoutePath { segments })
    }
}

fn parse_segment(segment: &str, is_last: bool) -> Result<Segment, RoutePathError> {
    let owned = || segment.to_owned();
    match segment {
        "*" if is_last => Ok(Segment::Rest),
        "" if is_last => Ok(Segment::Literal(String::new())),
        "" => Err(RoutePathError::Empty),
        "." | ".." => Err(RoutePathError::Dots { segment: owned() }),
        _ if segment.contains('*') => Err(RoutePathError::Star),
        _ if segment.contains(['{', '}']) => parameter(segment),
        _ => match refused_character(segment) {
            Some(character) => Err(RoutePathError::Character { character }),
            None => Ok(Segment::Literal(owned())),
        },
    }
}

fn parameter(segment: &str) -> Result<Segment, RoutePathError> {
    segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)))
        .map(|name| Segment::Parameter(name.to_owned()))
        .ok_or_else(|| RoutePathError::Parameter { segment: segment.to_owned() })
}

/// The first character that is not `pchar` of RFC 3986, section 3.3 (`*` was taken out before).
fn refused_character(segment: &str) -> Option<char> {
    let mut rest = segment.chars();
    while let Some(c) = rest.next() {
        let allowed = match c {
            '%' => [rest.next(), rest.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            c => c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@".contains(c),
        };
        if !allowed {
            return Some(c);
        }
    }
    None
}

fn refuse_repeated(segments: &[Segment]) -> Result<(), RoutePathError> {
    let mut seen = BTreeSet::new();
    let names = segments.iter().filter_map(|segment| match segment {
        Segment::Parameter(name) => Some(name),
        Segment::Literal(_) | Segment::Rest => None,
    });
    for name in names {
        if !seen.insert(name) {
            return Err(RoutePathError::Twice { name: name.clone() });
        }
    }
    Ok(())
}
