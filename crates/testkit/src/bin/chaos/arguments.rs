//! The command line of the rig.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::DRILLS;

/// What to do, and how to say what was found.
pub(crate) struct Arguments {
    /// Names of drills; all where empty.
    pub(crate) only: Vec<String>,
    pub(crate) smoke: bool,
    /// The program whose hosts are drilled.
    pub(crate) lath: PathBuf,
    pub(crate) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Arguments {
    /// None where help is asked for.
    pub(crate) fn parse(words: &[String]) -> Result<Option<Self>> {
        let beside = std::env::current_exe()?.with_file_name("lath");
        let mut arguments = Self { only: Vec::new(), smoke: false, lath: beside, format: Format::Text };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value; see `--help`"));
            match word {
                "-h" | "--help" => return Ok(None),
                "--smoke" => arguments.smoke = true,
                "--lath" => arguments.lath = value()?.into(),
                "--only" => arguments.only = value()?.split(',').map(drill).collect::<Result<_>>()?,
                "--format" => arguments.format = format(value()?)?,
                other => bail!("there is no option `{other}`; see `--help`"),
            }
        }
        Ok(Some(arguments))
    }
}

fn drill(name: &str) -> Result<String> {
    if DRILLS.iter().any(|(known, ..)| *known == name) {
        return Ok(name.to_owned());
    }
    bail!("there is no drill `{name}`; see `--help`")
}

fn format(name: &str) -> Result<Format> {
    match name {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => bail!("there is no format `{other}`; there are `text` and `json`"),
    }
}

pub(crate) fn help() -> String {
    let drills: String = DRILLS.iter().map(|(name, about, _)| format!("  {name:<8} {about}\n")).collect();
    format!(
        "Usage: cargo x chaos [--smoke] [-- [--only NAME[,NAME]] [--format text|json] [--lath FILE]]\n\n\
         Drills:\n{drills}\n\
         --smoke is the short run, which is part of `cargo x ci`: times are told and fail nothing.\n"
    )
}
