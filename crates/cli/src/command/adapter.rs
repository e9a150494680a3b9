//! `lath adapter`: a sender or a receiver, written to a file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use adapter::emit::Side;
use adapter::generate::generate;
use clap::{Args, ValueEnum};
use model::digest::Digest;
use serde::Serialize;

use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{self, Outcome, Output};
use crate::source_file::SourceFile;

/// Generate the sender or the receiver of a contract
///
/// An adapter is a plain component. A sender turns typed calls into messages, a receiver messages into typed calls.
/// Equal contracts give equal bytes.
#[derive(Debug, Args)]
pub(crate) struct Adapter {
    /// A WIT file, a WIT folder (dependencies in `deps/`), or a component or core module that embeds its WIT
    source: PathBuf,
    /// The contract: `namespace:package/interface@version`, or less where that is unique
    #[arg(long, value_name = "NAME")]
    contract: String,
    /// Which of the two adapters
    #[arg(long, value_enum)]
    side: SideName,
    /// Where to write it; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SideName {
    Sender,
    Receiver,
}

#[derive(Serialize)]
struct Report {
    contract: String,
    side: String,
    file: PathBuf,
    size: usize,
    digest: String,
}

impl Adapter {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let to_stdout = self.output == Path::new("-");
        if to_stdout && environment.is_stdout_terminal {
            return Err(CliError::Usage {
                message: "an adapter is WebAssembly, and standard output is a terminal".to_owned(),
                help: Some("write it to a file with `-o FILE`, or into a pipe".to_owned()),
            });
        }
        let side = match self.side {
            SideName::Sender => Side::Sender,
            SideName::Receiver => Side::Receiver,
        };
        let contract = SourceFile::read(&self.source)?.into_source(&self.source)?.contract(&self.contract)?;
        let bytes = generate(&contract, side)?;
        if to_stdout {
            output::write(&bytes)?;
            return Ok(Outcome::Success);
        }
        let unwritable = |source| CliError::File { verb: "write", path: self.output.clone(), source };
        fs::write(&self.output, &bytes).map_err(unwritable)?;
        output.print(&Report {
            contract: contract.name.to_string(),
            side: side.to_string(),
            file: self.output.clone(),
            size: bytes.len(),
            digest: Digest::of(&bytes).to_string(),
        })?;
        Ok(Outcome::Success)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contract, side, file, size, digest } = self;
        writeln!(f, "{}: {side} of {contract}, {size} bytes, {digest}", file.display())
    }
}
