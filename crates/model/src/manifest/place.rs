//! Where things stand in the text: key paths, spans, lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;

/// The byte span of the value at each key path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(BTreeMap<String, Range<usize>>);

impl Spans {
    pub(super) fn insert(&mut self, key: &str, span: Range<usize>) {
        self.0.insert(key.to_owned(), span);
    }

    pub(super) fn get(&self, key: &str) -> Option<Range<usize>> {
        self.0.get(key).cloned()
    }
}

/// The path of `key` within `parent`, quoted where TOML needs it.
pub(super) fn child(parent: &str, key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let key = if is_bare { key.to_owned() } else { format!("{key:?}") };
    if parent.is_empty() { key } else { format!("{parent}.{key}") }
}

/// The path of an array's element.
pub(super) fn element(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// Line and column of a byte, both counted from 1, columns in characters.
pub(super) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c);
    before.fold((1, 1), |(line, column), c| if c == '\n' { (line + 1, 1) } else { (line, column + 1) })
}
