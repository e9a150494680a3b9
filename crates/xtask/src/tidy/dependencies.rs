//! Every dependency on someone else's crate has its reason in ARCHITECTURE.md.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::markdown;

/// Compares the table whose first column names dependencies with `[workspace.dependencies]`.
///
/// # Errors
///
/// The workspace's manifest is not TOML.
pub fn check(architecture: &str, workspace: &str) -> Result<Vec<String>> {
    let Some(rows) = markdown::table(architecture, "dependencies") else {
        return Ok(vec![
            "ARCHITECTURE.md: the table of dependencies is missing; write it between <!-- dependencies --> and \
             <!-- /dependencies -->"
                .to_owned(),
        ]);
    };
    let reasons: BTreeSet<String> =
        rows.iter().filter_map(|row| row.first()).flat_map(|cell| markdown::names(cell)).collect();
    let used = external(workspace)?;
    let missing = used.difference(&reasons).map(|name| {
        format!("ARCHITECTURE.md: the dependency {name} has no row in the table of dependencies; give its reason")
    });
    let idle = reasons.difference(&used).map(|name| {
        format!("ARCHITECTURE.md: the table of dependencies has {name}, which Cargo.toml has not; drop the row")
    });
    Ok(missing.chain(idle).collect())
}

fn external(workspace: &str) -> Result<BTreeSet<String>> {
    let manifest: Table = toml::from_str(workspace).context("Cargo.toml is not TOML")?;
    let table = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies")).and_then(Value::as_table);
    let ours = |value: &Value| value.get("path").is_some();
    let names = table.into_iter().flatten().filter(|(_, value)| !ours(value)).map(|(name, _)| name.clone());
    Ok(names.collect())
}
