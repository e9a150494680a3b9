//! What is wrong with a manifest, and where.

use std::fmt;
use std::ops::Range;

use super::place::line_and_column;
use crate::limits::{MANIFEST_ERRORS_MAX, NAME_LEN_MAX, SUGGESTIONS_LISTED_MAX};

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// The byte span in the text.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The path of the key, such as `actors.cart.limits.memory`; empty for the manifest as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Everything that one pass found wrong with a manifest, in the order of the text; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestErrors {
    errors: Vec<ManifestError>,
    left_out: usize,
}

impl ManifestErrors {
    /// The errors, at most [`MANIFEST_ERRORS_MAX`].
    pub fn errors(&self) -> &[ManifestError] {
        &self.errors
    }

    /// How many more there were.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        match self.left_out {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// An error that still lacks its line and column.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) key: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// The errors of `faults`, placed in `text`.
pub(super) fn placed(text: &str, mut faults: Vec<Fault>) -> ManifestErrors {
    faults.sort_by_key(|fault| fault.span.start);
    let left_out = faults.len().saturating_sub(MANIFEST_ERRORS_MAX);
    faults.truncate(MANIFEST_ERRORS_MAX);
    let errors = faults.into_iter().map(|Fault { span, key, message, help }| {
        let (line, column) = line_and_column(text, span.start);
        ManifestError { span, line, column, key, message, help }
    });
    ManifestErrors { errors: errors.collect(), left_out }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn listed<T: fmt::Display>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

/// What was probably meant by `text`, among `known`.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > NAME_LEN_MAX {
        return None; // the distance below takes quadratic time
    }
    let allowed = text.chars().count().div_ceil(3);
    let distance = |word: &str| strsim::damerau_levenshtein(&text.to_lowercase(), &word.to_lowercase());
    let near = known.into_iter().map(|word| (distance(word), word)).filter(|(far, _)| *far <= allowed);
    near.min().map(|(_, word)| word)
}

/// "did you mean" for `text`, then what there is.
pub(super) fn suggestion(text: &str, kind: &str, known: &[&str]) -> String {
    let all = match known {
        [] => format!("there are no {kind}"),
        [one] => format!("the only one here is `{one}`"),
        _ if known.len() > SUGGESTIONS_LISTED_MAX => format!("{} {kind} are known here", known.len()),
        _ => format!("the {kind} here are {}", listed(known)),
    };
    match nearest(text, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? {all}"),
        None => all,
    }
}
