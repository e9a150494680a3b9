//! Checks of the sources and documents. Each is a pure function over text that gives what it found wrong, in words
//! that say where and what to do; [`check`] feeds them from the project's files.

pub mod contracts;
pub mod dependencies;
pub mod documents;
pub mod edges;
pub mod limits;
pub mod manifests;
pub mod markdown;
pub mod sources;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::files::{Text, texts};
use crate::guests::GUESTS;
use crate::process::{self, say};
use crate::project::Project;

const RUST_FOLDERS: [&str; 4] = ["crates", "examples", "fuzz", "guests"];

/// Prints everything that is wrong.
///
/// # Errors
///
/// Something is wrong, or a file cannot be read.
pub fn run(project: &Project) -> Result<()> {
    let findings = check(project)?;
    for finding in &findings {
        say(finding);
    }
    if !findings.is_empty() {
        bail!("tidy: {} to mend", findings.len());
    }
    Ok(())
}

/// Everything that is wrong, by every check.
///
/// # Errors
///
/// A file cannot be read, or cargo cannot describe the workspace.
pub fn check(project: &Project) -> Result<Vec<String>> {
    let root = project.root();
    let rust = texts(root, &RUST_FOLDERS, "rs")?;
    let wit = texts(root, &["wit", "examples", "crates/testkit/guests"], "wit")?;
    let architecture = document(project, "ARCHITECTURE.md");
    let cargo = Text::read(root, "Cargo.toml")?;
    let mut findings = edges::check(&architecture.text, &metadata(project)?);
    findings.extend(dependencies::check(&architecture.text, &cargo.text)?);
    findings.extend(limits::check(&rust, &document(project, "docs/LIMITS.md").text));
    findings.extend(sources::too_long(&rust));
    findings.extend(sources::unfinished(&rust));
    findings.extend(contracts::check(&wit));
    findings.extend(manifests::check(&texts(root, &["examples"], "toml")?, &GUESTS));
    let documents = documents(project)?;
    findings.extend(documents::bad_toml(&documents));
    findings.extend(documents::dead_links(&documents, |path| root.join(path).exists()));
    Ok(findings)
}

/// A document that has to be there; where it is not, its checks find everything missing.
fn document(project: &Project, path: &str) -> Text {
    Text::read(project.root(), path).unwrap_or_else(|_| Text::new(path, ""))
}

/// The documents at the root, in `docs` and beside the examples.
fn documents(project: &Project) -> Result<Vec<Text>> {
    let root = project.root();
    let mut found = texts(root, &["docs", "examples"], "md")?;
    for entry in fs::read_dir(root).context("cannot list the project's folder")? {
        let name = entry.context("cannot list the project's folder")?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".md")) {
            found.push(Text::read(root, name)?);
        }
    }
    Ok(found)
}

/// What cargo says of the workspace's own crates.
fn metadata(project: &Project) -> Result<serde_json::Value> {
    let mut command = Command::new("cargo");
    command.current_dir(project.root()).args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let text = process::output(&mut command, crate::ci::CARGO_MEND)?;
    serde_json::from_str(&text).context("what `cargo metadata` printed is not JSON")
}
