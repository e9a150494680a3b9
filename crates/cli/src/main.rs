//! The command line: `lath`.
//!
//! The only crate that knows terminals, help texts, colours and the environment. It must not know how adapters are
//! generated, links planned or components run: each command asks a library and reports what it answers.
//!
//! Start at [`main`], then [`command`]: one module a command. [`error`] turns what went wrong into a diagnostic or a
//! JSON object, [`output`] does the same for results. `docs/CLI.md` is the reference. Tests are in `tests/it`: they
//! run the binary and compare what it prints.

mod application;
mod arguments;
mod command;
mod context;
mod environment;
mod error;
mod lattice;
pub mod limits;
mod local;
mod logging;
mod observing;
mod output;
mod project;
mod signal;
mod source_file;

use std::process::ExitCode;

use arguments::{Arguments, Parsed};
use environment::Environment;
use output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::read();
    let arguments = match Arguments::parse(&environment) {
        Parsed::Run(arguments) => arguments,
        Parsed::Stop(code) => return code,
    };
    let output = Output::new(arguments.format, &environment);
    let outcome = logging::start(&environment, arguments.format)
        .and_then(|()| command::run(arguments.command, &output, &environment));
    output.conclude(outcome)
}
