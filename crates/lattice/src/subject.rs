//! Subjects: where a message goes.

mod subjects;
mod token;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::limits::SUBJECT_BYTES_MAX;

pub use subjects::{ClientCall, HostCall, Reply, Subjects};
pub use token::{Token, TokenError};

/// A subject, or a pattern of subjects: tokens joined by dots. In a pattern, `*` stands for one token, and a last `>`
/// for one or more. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(async_nats::Subject);

/// Why a text is not a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a subject: use tokens of letters, digits, `-` and `_` joined by dots, {SUBJECT_BYTES_MAX} bytes at \
     most"
)]
pub struct SubjectError {
    /// The refused text.
    pub text: String,
}

impl Subject {
    /// A subject made of tokens, which are known to be good.
    fn of(text: String) -> Self {
        Self(text.into())
    }

    /// The subject of a message that the bus delivered.
    pub(crate) fn received(subject: async_nats::Subject) -> Self {
        Self(subject)
    }

    /// As the client of NATS takes it.
    pub(crate) fn to_nats(&self) -> async_nats::Subject {
        self.0.clone()
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// True where this pattern covers `subject`.
    pub fn covers(&self, subject: &Subject) -> bool {
        let mut tokens = subject.as_str().split('.');
        let mut wanted = self.as_str().split('.');
        loop {
            match (wanted.next(), tokens.next()) {
                (None, None) | (Some(">"), Some(_)) => return true,
                (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
                _ => return false,
            }
        }
    }

    fn is_pattern(&self) -> bool {
        self.as_str().split('.').any(|token| matches!(token, "*" | ">"))
    }

    /// A subject to publish on; a pattern is refused.
    pub fn concrete(self) -> Result<Self, SubjectError> {
        if self.is_pattern() { Err(SubjectError { text: self.as_str().to_owned() }) } else { Ok(self) }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let (all_but_last, last) = text.rsplit_once('.').map_or((None, text), |(front, last)| (Some(front), last));
        let good = |token: &str| token == "*" || token::is_token(token);
        let front_is_good = all_but_last.is_none_or(|front| front.split('.').all(good));
        if text.len() <= SUBJECT_BYTES_MAX && front_is_good && (last == ">" || good(last)) {
            Ok(Self::of(text.to_owned()))
        } else {
            Err(SubjectError { text: text.to_owned() })
        }
    }
}

impl Hash for Subject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
