//! Subjects: where a message goes.

use std::fmt;
use std::str::FromStr;

use crate::limits::SUBJECT_BYTES_MAX;

/// A subject, or a pattern of subjects: tokens joined by dots. In a pattern, `*` stands for one token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

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
    /// Where a client or host `from` sends calls for host `to`. Each name is one token.
    pub fn call(lattice: &str, to: &str, from: &str) -> Result<Self, SubjectError> {
        Self::of_call(lattice, to, from)?.concrete()
    }

    /// All calls for host `to`, whoever sends them.
    pub fn calls(lattice: &str, to: &str) -> Result<Self, SubjectError> {
        Self::of_call(lattice, to, "*")
    }

    /// A name is one token: one with a dot or a `*` would take the calls of other hosts.
    fn of_call(lattice: &str, to: &str, from: &str) -> Result<Self, SubjectError> {
        let named = [lattice, to].into_iter().find(|name| *name == "*" || name.contains('.'));
        match named.or_else(|| Some(from).filter(|name| name.contains('.'))) {
            Some(name) => Err(SubjectError { text: name.to_owned() }),
            None => format!("lath.{lattice}.call.{to}.{from}").parse(),
        }
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where this pattern covers `subject`.
    pub fn covers(&self, subject: &Subject) -> bool {
        let mut tokens = subject.0.split('.');
        self.0.split('.').all(|wanted| tokens.next().is_some_and(|token| wanted == "*" || wanted == token))
            && tokens.next().is_none()
    }

    /// The last token: in a call, who sends it.
    pub fn sender(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }

    fn is_pattern(&self) -> bool {
        self.0.split('.').any(|token| token == "*")
    }

    /// A subject to publish on; a pattern is refused.
    pub fn concrete(self) -> Result<Self, SubjectError> {
        if self.is_pattern() { Err(SubjectError { text: self.0 }) } else { Ok(self) }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let token = |token: &str| {
            token == "*"
                || !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if text.len() <= SUBJECT_BYTES_MAX && text.split('.').all(token) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SubjectError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
