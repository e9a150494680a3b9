//! The command line of the benchmark.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::SECTIONS;
use crate::telemetry::Observed;

/// What the program is asked to do. The servers are the program itself, in processes of their own.
pub(crate) enum Task {
    Help,
    Measure(Arguments),
    ServeHyper,
    ServeEcho { as_host: bool, address: String },
    ServeLath { application: PathBuf, data: PathBuf, observed: Observed },
    ServeSink,
}

/// What to measure, and how to say it.
#[derive(Default)]
pub(crate) struct Arguments {
    /// Names of sections; all where empty.
    pub(crate) only: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// The hidden words that start a server.
pub(crate) const SERVE_HYPER: &str = "serve-hyper";
pub(crate) const SERVE_LATH: &str = "serve-lath";
pub(crate) const SERVE_SINK: &str = "serve-sink";
pub(crate) const SERVE_BARE: &str = "serve-bare";
pub(crate) const SERVE_CALLS: &str = "serve-calls";

impl Task {
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["-h" | "--help" | "help"] => Ok(Task::Help),
            [SERVE_HYPER] => Ok(Task::ServeHyper),
            [SERVE_BARE, address] => Ok(Task::ServeEcho { as_host: false, address: (*address).to_owned() }),
            [SERVE_CALLS, address] => Ok(Task::ServeEcho { as_host: true, address: (*address).to_owned() }),
            [SERVE_LATH, application, data, observed] => {
                let observed = observed.parse()?;
                Ok(Task::ServeLath { application: application.into(), data: data.into(), observed })
            }
            [SERVE_SINK] => Ok(Task::ServeSink),
            words => Arguments::parse(words).map(Task::Measure),
        }
    }
}

impl Arguments {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut arguments = Arguments::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value; see `--help`"));
            match word {
                "--quick" => arguments.quick = true,
                "--only" => arguments.only = value()?.split(',').map(section).collect::<Result<_>>()?,
                "--format" => arguments.format = format(value()?)?,
                other => bail!("there is no option `{other}`; see `--help`"),
            }
        }
        Ok(arguments)
    }
}

fn section(name: &str) -> Result<String> {
    if SECTIONS.iter().any(|(known, ..)| *known == name) {
        return Ok(name.to_owned());
    }
    bail!("there is no section `{name}`; see `--help`")
}

fn format(name: &str) -> Result<Format> {
    match name {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => bail!("there is no format `{other}`; there are `text` and `json`"),
    }
}

pub(crate) fn help() -> String {
    let sections: String = SECTIONS.iter().map(|(name, about, _)| format!("  {name:<10} {about}\n")).collect();
    format!(
        "Usage: cargo x bench -- [--quick] [--only NAME[,NAME]] [--format text|json]\n\n\
         Sections:\n{sections}\n\
         --quick measures fewer and shorter rounds, and leaves out what takes minutes.\n"
    )
}
