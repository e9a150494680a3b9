//! What documents show parses, and what they point at exists.

use super::markdown;
use crate::files::Text;

/// Blocks called `toml` that are not TOML.
pub fn bad_toml(documents: &[Text]) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        for block in markdown::blocks(&document.text).iter().filter(|block| block.language == "toml") {
            if let Err(error) = toml::from_str::<toml::Table>(&block.code) {
                let why = error.message();
                found.push(format!("{}:{}: the block is not TOML ({why}); mend it", document.path, block.line));
            }
        }
    }
    found
}

/// Links to files that do not exist; `exists` is asked for paths relative to the project.
pub fn dead_links(documents: &[Text], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        let folder = document.path.rsplit_once('/').map(|(folder, _)| folder);
        for (line, link) in markdown::links(&document.text) {
            let dead = target(folder, &link).filter(|path| !exists(path));
            found.extend(dead.map(|path| format!("{}:{line}: there is no {path}; mend the link", document.path)));
        }
    }
    found
}

/// The path that a link names, if it is one of a file.
fn target(folder: Option<&str>, link: &str) -> Option<String> {
    let path = link.split('#').next().filter(|path| !path.is_empty())?;
    if path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    Some(folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}")))
}
