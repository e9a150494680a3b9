//! As much of Markdown as the checks need: marked tables, fenced blocks and links.

/// The cells of the table between `<!-- name -->` and `<!-- /name -->`, without its head; none where there is no such
/// table. Backticks around a cell's words are dropped.
pub fn table(text: &str, name: &str) -> Option<Vec<Vec<String>>> {
    let (_, rest) = text.split_once(&format!("<!-- {name} -->"))?;
    let (table, _) = rest.split_once(&format!("<!-- /{name} -->"))?;
    Some(rows(table))
}

/// The cells of every table row in a text, without heads.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some(inner) = line.strip_prefix('|').map(|line| line.strip_suffix('|').unwrap_or(line)) else {
            continue;
        };
        let cells: Vec<String> = inner.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect();
        if cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':'))) {
            rows.pop();
        } else {
            rows.push(cells);
        }
    }
    rows
}

/// The names in a cell, parted by commas; a dash means none.
pub fn names(cell: &str) -> Vec<String> {
    let names = cell.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "-" | "–" | "—"));
    names.map(str::to_owned).collect()
}

/// A fenced block of code.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line that it starts on, from 1.
    pub line: usize,
    /// What the fence calls it, such as `toml`.
    pub language: String,
    /// The code.
    pub code: String,
}

/// The fenced blocks of a document.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => {
                open = Some(Block { line: number, language: language.trim().to_owned(), code: String::new() });
            }
            (None, Some(mut block)) => {
                block.code.push_str(line);
                block.code.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The targets of the links in a document with their lines, outside blocks of code.
pub fn links(text: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let after = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(after.map(|(target, _)| (number, target.to_owned())));
        }
    }
    found
}
