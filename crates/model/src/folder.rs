//! Folders of a machine that a guest may use.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A folder that a guest may use: `HOST::GUEST:rw`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it is on the machine.
    pub path: PathBuf,
    /// Where the guest sees it.
    pub seen_at: String,
    /// Whether the guest may change what is in it; else it only reads.
    pub is_writable: bool,
}

/// Why a text names no folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names no folder; write HOST, or HOST::GUEST where the guest sees it elsewhere, and `:rw` behind it where \
     files may be changed, such as `/srv/data::/data:rw`"
)]
pub struct FolderError {
    /// The refused text.
    pub text: String,
}

impl FromStr for Folder {
    type Err = FolderError;

    fn from_str(text: &str) -> Result<Self, FolderError> {
        let (places, is_writable) = match (text.strip_suffix(":rw"), text.strip_suffix(":ro")) {
            (Some(places), _) => (places, true),
            (None, Some(places)) => (places, false),
            (None, None) => (text, false),
        };
        let (path, seen_at) = places.split_once("::").unwrap_or((places, places));
        // A place that ends as rights do would be read as other rights when it is written again.
        let is_marked = |place: &str| place.ends_with(":rw") || place.ends_with(":ro");
        let is_wrong = |place: &str| place.is_empty() || is_marked(place);
        if is_wrong(path) || is_wrong(seen_at) || seen_at.contains("::") || text.contains('\0') {
            return Err(FolderError { text: text.to_owned() });
        }
        Ok(Self { path: PathBuf::from(path), seen_at: seen_at.to_owned(), is_writable })
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rights = if self.is_writable { ":rw" } else { "" };
        write!(f, "{}::{}{rights}", self.path.display(), self.seen_at)
    }
}
