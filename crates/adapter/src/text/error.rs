//! Why a text is not a value, or a value not a text.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use model::contract::Type;

use super::suggest::nearest;
use crate::limits::DECODED_MAX;
use crate::value::{Misfit, Segment, ValuePath};

/// A text that is not a value of its type, or the reverse: what is wrong, and where.
#[derive(Debug)]
pub struct TextError {
    fault: Box<Fault>,
}

#[derive(Debug)]
struct Fault {
    path: ValuePath,
    reason: TextReason,
}

/// What is wrong with a text.
#[derive(Debug, thiserror::Error)]
pub enum TextReason {
    /// The text is no JSON.
    #[error("this is not JSON")]
    Json(#[source] serde_json::Error),
    /// The text is no WAVE.
    #[error("this is not WAVE")]
    Wave(#[source] wasm_wave::parser::ParserError),
    /// Something else is needed.
    #[error("{expected} is needed, {found} was found")]
    Mismatch {
        /// What is needed, as a type in WIT with what the notation asks for.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A field, case, flag or parameter that does not exist.
    #[error("{owner} has no {what} `{name}`{}", did_you_mean(.suggestion.as_deref()))]
    Unknown {
        /// The type, or the function.
        owner: String,
        /// `field`, `case`, `flag` or `parameter`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// A field or parameter that is not there.
    #[error("{what} `{name}` of type `{ty}` is missing: add it")]
    Missing {
        /// `field` or `parameter`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its type.
        ty: String,
    },
    /// Something given twice.
    #[error("{what} `{name}` is given twice: keep one")]
    Duplicate {
        /// `field`, `key` or `flag`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A number of arguments that the function does not take.
    #[error("the function takes {wanted}, {found} given: {signature}")]
    ArgumentCount {
        /// The number of arguments that it takes, in words.
        wanted: String,
        /// The number given.
        found: usize,
        /// The parameters with their types.
        signature: String,
    },
    /// The text is too long.
    #[error("the text is longer than {max} bytes: pass less at once")]
    TextTooLong {
        /// The bound, in bytes.
        max: usize,
    },
    /// The value would take too much memory.
    #[error("the value takes more than {DECODED_MAX} bytes of memory: pass less at once")]
    ValueTooLarge,
    /// The value to be written does not fit its type.
    #[error(transparent)]
    Misfit(crate::value::MisfitReason),
}

impl TextError {
    pub(super) fn new(reason: TextReason) -> TextError {
        TextError { fault: Box::new(Fault { path: ValuePath::root(), reason }) }
    }

    pub(super) fn mismatch(ty: &Type, how: &str, found: impl Into<String>) -> TextError {
        let expected = if how.is_empty() { format!("`{ty}`") } else { format!("`{ty}` ({how})") };
        TextError::new(TextReason::Mismatch { expected, found: found.into() })
    }

    pub(super) fn unknown<'n>(
        owner: impl Into<String>,
        what: &'static str,
        name: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> TextError {
        let suggestion = nearest(name, names).map(str::to_owned);
        let name = crate::value::excerpt(name).into_owned();
        TextError::new(TextReason::Unknown { owner: owner.into(), what, name, suggestion })
    }

    pub(super) fn duplicate(what: &'static str, name: &str) -> TextError {
        TextError::new(TextReason::Duplicate { what, name: crate::value::excerpt(name).into_owned() })
    }

    pub(super) fn too_large() -> TextError {
        TextError::new(TextReason::ValueTooLarge)
    }

    pub(super) fn within(mut self, segment: Segment) -> TextError {
        self.fault.path.push_outer(segment);
        self
    }

    pub(super) fn rooted_at(mut self, root: impl Into<Cow<'static, str>>) -> TextError {
        self.fault.path.set_root(root);
        self
    }

    /// Where in the value; `$` is a whole JSON text.
    pub fn path(&self) -> &ValuePath {
        &self.fault.path
    }

    /// What is wrong there.
    pub fn reason(&self) -> &TextReason {
        &self.fault.reason
    }
}

impl From<Misfit> for TextError {
    fn from(misfit: Misfit) -> TextError {
        let (path, reason) = misfit.into_parts();
        TextError { fault: Box::new(Fault { path, reason: TextReason::Misfit(reason) }) }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault.path, self.fault.reason)
    }
}

impl Error for TextError {
    /// The reason is in the text already; what is behind the reason is not.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.reason.source()
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}
