//! Every bound in a crate's `limits` module has a row in docs/LIMITS.md with the same value, and the other way round.

use std::collections::BTreeMap;

use super::markdown;
use crate::files::Text;

/// Compares `pub const NAME: T = value;` in `crates/*/src/limits.rs` with rows `crate::NAME | value | …`.
pub fn check(sources: &[Text], document: &str) -> Vec<String> {
    let constants: BTreeMap<String, String> = sources.iter().flat_map(constants).collect();
    let rows: BTreeMap<String, String> = markdown::rows(document).iter().filter_map(|row| listed(row)).collect();
    let mut found = Vec::new();
    for (name, value) in &constants {
        match rows.get(name) {
            None => found.push(format!("docs/LIMITS.md: no row for {name} = {value}; add one")),
            Some(listed) if listed != value => {
                found.push(format!("docs/LIMITS.md: {name} is {value}, not {listed}; change the row"));
            }
            Some(_) => {}
        }
    }
    let idle = rows.keys().filter(|name| !constants.contains_key(*name));
    found.extend(idle.map(|name| format!("docs/LIMITS.md: there is no {name}; drop the row")));
    found
}

fn listed(row: &[String]) -> Option<(String, String)> {
    let name = row.first().filter(|name| name.contains("::"))?;
    Some((name.clone(), one_line(row.get(1)?)))
}

fn constants(source: &Text) -> Vec<(String, String)> {
    let Some(krate) = source.path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/src/limits.rs")) else {
        return Vec::new();
    };
    let code: String = source
        .text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let declarations = code.split("pub const ").skip(1).filter_map(|rest| rest.split_once(';'));
    declarations.filter_map(|(declaration, _)| named(krate, declaration)).collect()
}

fn named(krate: &str, declaration: &str) -> Option<(String, String)> {
    let (name, rest) = declaration.split_once(':')?;
    let (_, value) = rest.split_once('=')?;
    Some((format!("{krate}::{}", name.trim()), one_line(value)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
