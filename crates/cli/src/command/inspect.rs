//! `lath inspect`: what a file is and holds.

mod report;
mod text;

use std::path::PathBuf;

use adapter::inspect::{contracts, inspect};
use clap::Args;

use crate::arguments::Format;
use crate::error::CliError;
use crate::output::{self, Outcome, Output};
use crate::source_file::SourceFile;
use report::{Report, WitReport};

pub(crate) use text::LabelTable;

/// Show what a file holds: imports, exports, contracts, adapters inside, labels, sizes
///
/// Takes any component, a core module that embeds its WIT, an encoded WIT package, a WIT file or a WIT folder.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file or folder
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    /// Print the JSON schema of `lath.toml` instead
    #[arg(long, conflicts_with = "file")]
    schema: bool,
}

impl Inspect {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        match &self.file {
            None => schema(output)?,
            Some(path) => match SourceFile::read(path)? {
                SourceFile::Wit(source) => output.print(&WitReport::of(path, &contracts(&source)))?,
                SourceFile::Wasm(bytes) => {
                    let inspection = inspect(&path.display().to_string(), &bytes)?;
                    output.print(&Report::of(path, &inspection))?;
                }
            },
        }
        Ok(Outcome::Success)
    }
}

fn schema(output: &Output) -> Result<(), CliError> {
    let text = model::manifest::schema();
    match output.format() {
        Format::Text => output::write(output::plain(&text).as_bytes()),
        Format::Json => {
            let schema = serde_json::from_str::<serde_json::Value>(&text);
            output.event(&schema.map_err(|error| CliError::Stdout { source: error.into() })?)
        }
    }
}
