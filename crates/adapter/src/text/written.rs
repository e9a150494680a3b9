//! Text being written, bounded.

use std::fmt;

use super::{Notation, TextError, TextReason};
use crate::limits::{TEXT_MAX, TYPE_DEPTH_MAX};
use crate::value::{Misfit, MisfitReason};

/// The text so far, in its notation. Every push is refused beyond [`TEXT_MAX`].
pub(super) struct Written {
    text: String,
    notation: Notation,
    depth: usize,
}

impl Written {
    pub(super) fn new(notation: Notation) -> Written {
        Written { text: String::new(), notation, depth: 0 }
    }

    pub(super) fn notation(&self) -> Notation {
        self.notation
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), TextError> {
        if text.len() > TEXT_MAX - self.text.len() {
            return Err(TextError::new(TextReason::TextTooLong { max: TEXT_MAX }));
        }
        self.text.push_str(text);
        Ok(())
    }

    pub(super) fn push_display(&mut self, shown: impl fmt::Display) -> Result<(), TextError> {
        self.push(&shown.to_string())
    }

    /// What stands between items: nothing before the first one.
    pub(super) fn separate(&mut self, index: usize) -> Result<(), TextError> {
        match (index, self.notation) {
            (0, _) => Ok(()),
            (_, Notation::Json) => self.push(","),
            (_, Notation::Wave) => self.push(", "),
        }
    }

    /// Writes one level deeper.
    pub(super) fn deeper(
        &mut self,
        write: impl FnOnce(&mut Written) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        if self.depth == TYPE_DEPTH_MAX {
            return Err(Misfit::new(MisfitReason::TooDeep).into());
        }
        self.depth += 1;
        let written = write(self);
        self.depth -= 1;
        written
    }
}
