//! Arguments: what may be written after `lath`.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::command::Command;
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::Output;

/// Runs WebAssembly components as actors: plain WIT contracts, adapters generated, links composed.
///
/// Exit code: 0 done, 1 failed, 2 wrong usage. Results go to standard output; progress, logs and errors to standard
/// error. docs/CLI.md is the reference.
#[derive(Debug, Parser)]
#[command(name = "lath", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// How results and errors are written; json is one object a line
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// What parsing leads to.
pub(crate) enum Parsed {
    /// A command to run.
    Run(Arguments),
    /// Nothing more to do: help was shown, or the usage was wrong.
    Stop(ExitCode),
}

impl Arguments {
    /// Parses the program's arguments. Shows help and wrong usage itself.
    pub(crate) fn parse(environment: &Environment) -> Parsed {
        match Self::try_parse() {
            Ok(arguments) => Parsed::Run(arguments),
            Err(error) if asks_for_json() && error.use_stderr() => Parsed::Stop(usage_as_json(&error, environment)),
            Err(error) => {
                // A closed pipe is no reason to fail.
                let _ = error.print();
                Parsed::Stop(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)))
            }
        }
    }
}

/// An address to listen on; a name is looked up.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => "write an address and a port, such as `127.0.0.1:8080`".to_owned(),
        _ => error.to_string(),
    })?;
    found.next().ok_or_else(|| "no address has that name".to_owned())
}

/// Arguments that do not parse still say which format the error is to have.
fn asks_for_json() -> bool {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let pairs = arguments.iter().zip(arguments.iter().skip(1));
    arguments.iter().any(|argument| argument == "--format=json")
        || pairs.into_iter().any(|(option, value)| option == "--format" && value == OsStr::new("json"))
}

fn usage_as_json(error: &clap::Error, environment: &Environment) -> ExitCode {
    let text = error.render().to_string();
    let (message, help) = match text.split_once("\n\n") {
        Some((message, help)) => (message, Some(help.trim().to_owned())),
        None => (text.as_str(), None),
    };
    let message = message.trim().trim_start_matches("error: ").to_owned();
    Output::new(Format::Json, environment).conclude(Err(CliError::Usage { message, help }))
}
