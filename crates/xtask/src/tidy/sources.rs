//! Sizes of files, and words that mean "not done yet".

use crate::files::Text;

/// The most lines that a source file may have.
pub const LINES_MAX: usize = 800;

/// What no source may say. Spelled in parts, for this file is a source too.
const UNFINISHED: [&str; 6] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[ig", "nore"),
];

/// Files above [`LINES_MAX`].
pub fn too_long(sources: &[Text]) -> Vec<String> {
    let long =
        sources.iter().map(|source| (source, source.text.lines().count())).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(source, lines)| format!("{}: {lines} lines; part it, {LINES_MAX} are the most", source.path)).collect()
}

/// Lines that say that something is not done.
pub fn unfinished(sources: &[Text]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in (1..).zip(source.text.lines()) {
            for word in UNFINISHED.iter().filter(|word| says(line, word)) {
                found.push(format!("{}:{number}: `{word}`; do it, or refuse with an error", source.path));
            }
        }
    }
    found
}

/// True where the line has the word by itself, not as a part of a longer one.
fn says(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}
