//! A world's text, with an import more: a pure change that keeps every other byte.

/// The text with `import` as the first line of the world `name`; nothing where there is no such world in it.
///
/// Comments are stepped over, so that a world in one is not taken for the world. Whether the text is valid afterwards is for
/// the caller to see.
pub(super) fn with_import(text: &str, name: &str, import: &str) -> Option<String> {
    let brace = opening(text, name)?;
    let (before, after) = text.split_at_checked(brace + 1)?;
    let indent = indent(after);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = format!("{end}{indent}import {import};");
    // What follows in the line of the brace gets a line of its own.
    let is_alone = after.lines().next().is_none_or(|rest| rest.trim().is_empty());
    let rest =
        if is_alone { after.to_owned() } else { format!("{end}{indent}{}", after.trim_start_matches([' ', '\t'])) };
    Some(format!("{before}{line}{rest}"))
}

/// Where the brace of the world is.
fn opening(text: &str, name: &str) -> Option<usize> {
    let words = words(text);
    let found = words.windows(3).find(
        |window| matches!(window, [(_, "world"), (_, named), (_, "{")] if named.trim_start_matches('%') == name),
    )?;
    found.last().map(|(at, _)| *at)
}

/// The words and signs of WIT text with the places where they begin, without comments.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '%');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block(rest)
        } else if is_word(first) {
            rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let Some((word, behind)) = rest.split_at_checked(length) else { break };
        let is_comment = word.starts_with("//") || word.starts_with("/*");
        if !is_comment && !word.trim().is_empty() {
            found.push((text.len() - rest.len(), word));
        }
        rest = behind;
    }
    found
}

/// The length of the block comment that the text begins with; such comments may be within one another.
fn block(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            2
        } else {
            rest.chars().next().map_or(0, char::len_utf8)
        };
        at += step;
        if depth == 0 || step == 0 {
            break;
        }
    }
    at
}

/// How the lines behind a brace are indented.
fn indent(after: &str) -> &str {
    let line = after.lines().skip(1).find(|line| !line.trim().is_empty());
    let indent = line.map_or("", |line| line.get(..line.len() - line.trim_start().len()).unwrap_or_default());
    if indent.is_empty() { "  " } else { indent }
}
