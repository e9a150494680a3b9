//! Where in a value something is.

use std::borrow::Cow;
use std::fmt;

/// One step from a value into a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A field, a parameter, a case's payload: `.name`.
    Name(String),
    /// An element: `[3]`.
    Index(usize),
    /// An entry of a map that is written as an object: `["key"]`.
    Key(String),
}

/// Where in a value something is, such as `params.items[3].price`. It is gathered from the inside out, while an
/// error travels up, so that it costs nothing where there is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuePath {
    root: Cow<'static, str>,
    /// The innermost step first.
    inward: Vec<Segment>,
}

impl ValuePath {
    /// The whole value.
    pub(crate) fn root() -> ValuePath {
        ValuePath { root: Cow::Borrowed("value"), inward: Vec::new() }
    }

    /// Puts one more step before the steps gathered so far.
    pub(crate) fn push_outer(&mut self, segment: Segment) {
        self.inward.push(segment);
    }

    /// Names what the path starts from.
    pub(crate) fn set_root(&mut self, root: impl Into<Cow<'static, str>>) {
        self.root = root.into();
    }

    /// What the path starts from: `params`, `result`, `value`, `$` in JSON, or a parameter's name.
    pub fn start(&self) -> &str {
        &self.root
    }

    /// The steps, from the outside in.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.inward.iter().rev()
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        for segment in self.segments() {
            match segment {
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => write!(f, "[{:?}]", excerpt(key))?,
            }
        }
        Ok(())
    }
}

/// At most the first [`crate::limits::EXCERPT_CHARS_MAX`] characters of a text that goes into a message.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(crate::limits::EXCERPT_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}
