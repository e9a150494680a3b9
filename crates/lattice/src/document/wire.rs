//! How documents are written and read.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::DocumentError;

/// A value that stands in a document as its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// The format of a document, whatever else it holds.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A document's kind: its name, the newest format that is read, and how long it may be. A format has a number of its own
/// wherever a reader that passed a field over would do something else than was asked for.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) format: u32,
    pub(super) bytes_max: usize,
}

impl Kind {
    /// Reads the wire type, which has a field `format` too.
    pub(super) fn read<W: DeserializeOwned>(&self, bytes: &[u8]) -> Result<W, DocumentError> {
        if bytes.len() > self.bytes_max {
            return Err(DocumentError::TooLarge { document: self.name, bytes: bytes.len(), most: self.bytes_max });
        }
        let whole = |error: serde_json::Error| self.malformed("the text", error);
        let Format { format: found } = serde_json::from_slice(bytes).map_err(whole)?;
        if found > self.format {
            return Err(DocumentError::Newer { document: self.name, found, known: self.format });
        }
        if found == 0 {
            return Err(self.malformed("format", "0 was never written"));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            self.malformed(if path == "." { "the text" } else { &path }, error.into_inner())
        })
    }

    /// The format to write: the newest where `needed`, else the first, so that earlier hosts go on reading what they know all
    /// of. They tell of the rest that it is newer, and leave it as it stands.
    pub(super) const fn written(&self, needed: bool) -> u32 {
        if needed { self.format } else { 1 }
    }

    /// The error of one field.
    pub(super) fn malformed(&self, field: &str, reason: impl fmt::Display) -> DocumentError {
        DocumentError::Malformed { document: self.name, field: field.to_owned(), reason: reason.to_string() }
    }
}

/// The bytes of a wire type.
pub(super) fn write<W: Serialize>(wire: &W) -> Bytes {
    // Wire types have keys of text and no other reason to fail; and no bytes are no document.
    serde_json::to_vec(wire).unwrap_or_default().into()
}

/// `text`, or as much of its beginning as `bytes_max` bytes hold.
pub(super) fn clipped(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}
