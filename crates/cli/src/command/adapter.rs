//! `lath adapter`: a sender or a receiver, written to a file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use adapter::generate::generate_in;
use clap::{Args, ValueEnum};
use host::generator::Generator;
use model::contract::Contract;
use model::digest::Digest;
use model::wire::{Side, WireVersion};
use serde::Serialize;

use crate::application::threads;
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
    /// The version of the wire that it speaks
    #[arg(long, value_name = "VERSION", default_value_t = 1)]
    wire: u32,
    /// A generator to use in place of the built-in one: a component that exports `lath:generator/generator`
    #[arg(long, value_name = "FILE")]
    generator: Option<PathBuf>,
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
        let bytes = self.generate(&contract, side, environment)?;
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

impl Adapter {
    fn generate(&self, contract: &Contract, side: Side, environment: &Environment) -> Result<Vec<u8>, CliError> {
        let Some(path) = &self.generator else {
            let version = WireVersion::of_number(self.wire).ok_or_else(|| self.unknown_wire())?;
            return Ok(generate_in(contract, side, version)?);
        };
        let unreadable = |source| CliError::File { verb: "read", path: path.clone(), source };
        let component = fs::read(path).map_err(unreadable)?;
        let generating = async {
            let generator = Generator::alone(environment.cache.clone(), &component).await?;
            generator.adapter(contract, side, self.wire).await
        };
        let unfit = |source| CliError::Generator { path: path.clone(), source: Box::new(source) };
        threads()?.block_on(generating).map_err(unfit)
    }

    fn unknown_wire(&self) -> CliError {
        let known = WireVersion::ALL.map(|version| version.number().to_string()).join(" and ");
        CliError::Usage {
            message: format!("there is no version {} of the wire", self.wire),
            help: Some(format!("the built-in generator knows {known}; another one may know more: `--generator FILE`")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contract, side, file, size, digest } = self;
        writeln!(f, "{}: {side} of {contract}, {size} bytes, {digest}", file.display())
    }
}
