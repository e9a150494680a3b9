//! `lath run` of a command: a component with a `main`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use host::command::{self, Command, Ended, Pipe, Request, Stdio, Worlds};
use model::destination::Destination;
use model::folder::Folder;
use model::ids::{ByteSize, EnvName};
use serde::Serialize;

use super::grant::{Pair, Variable, config};
use crate::application::threads;
use crate::command::deployment::duration;
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};
use crate::signal::Termination;

/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;
const SIGINT: u8 = 2;
const SIGPIPE: u8 = 13;
const SIGTERM: u8 = 15;

/// What a command is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of a command")]
pub(super) struct Options {
    /// Run a component as a command that could also be an application
    #[arg(long)]
    command: bool,
    /// A variable of its environment; NAME alone passes one on. Of an application, the environment whose overlay of the
    /// manifest is merged into it: the table `env.NAME`
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<Variable>,
    /// A value of its configuration (`wasi:config`); goes before one of `--config-file`
    #[arg(long, value_name = "KEY=VALUE")]
    config: Vec<Pair>,
    /// A folder that it may read, and where it sees it; with `:rw` it may also write
    #[arg(long, value_name = "HOST[::GUEST][:rw]")]
    dir: Vec<Folder>,
    /// Where it may connect to, such as `tcp://db.example.com:5432`, `tcp://*.example.com:443` or `udp://10.0.0.0/8:53`
    #[arg(long, value_name = "DESTINATION")]
    net: Vec<Destination>,
    /// The most memory that it may have
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<ByteSize>,
    /// How long it may run; not bounded where it is not given
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Its arguments
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

pub(in crate::command) fn size(text: &str) -> Result<ByteSize, String> {
    model::manifest::byte_size(text).ok_or_else(|| "write a whole number and KiB, MiB or GiB, such as 64MiB".to_owned())
}

/// The component at `app` where it is to run as a command.
pub(super) fn wanted<'a>(app: &'a Path, options: &Options) -> Result<Option<&'a Path>, CliError> {
    let asked = options.is_asked_for();
    if !app.exists() {
        return Ok(None);
    }
    if !host::application::is_wasm_file(app)? {
        let is_refused = asked && options.overlay().is_none();
        return if is_refused { Err(no_component(app)) } else { Ok(None) };
    }
    let Worlds { command, actor } = command::worlds(app)?;
    match (command, actor) {
        (true, actor) if asked || !actor => Ok(Some(app)),
        (false, _) if asked => Err(no_command(app)),
        _ => Ok(None),
    }
}

fn no_component(app: &Path) -> CliError {
    CliError::Usage {
        message: format!("the options of a command are for a component, and {} is none", app.display()),
        help: Some("name a component, or put what an actor may use under its `grants` in the manifest".to_owned()),
    }
}

fn no_command(app: &Path) -> CliError {
    CliError::Usage {
        message: format!("{} exports no `wasi:cli/run`: it is no command", app.display()),
        help: Some(
            "build it as a program, with a `main`; or run it as an application, without these options".to_owned(),
        ),
    }
}

/// How a command ended.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Event {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'static str>,
}

impl Event {
    const NONE: Self = Self { event: "", cached: None, exit_code: None, signal: None };
}

impl Options {
    /// Whether only a command is asked for so.
    fn is_asked_for(&self) -> bool {
        self.has_more_than_env() || !self.env.is_empty()
    }

    fn has_more_than_env(&self) -> bool {
        self.command
            || self.memory.is_some()
            || self.timeout.is_some()
            || ![self.config.len(), self.dir.len(), self.net.len(), self.args.len()].iter().all(|count| *count == 0)
    }

    /// The environment of an application, where the options can be meant for one.
    pub(super) fn overlay(&self) -> Option<EnvName> {
        match self.env.as_slice() {
            [one] if !self.has_more_than_env() => one.alone()?.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn run(
        &self,
        app: &Path,
        config_file: Option<&Path>,
        output: &Output,
        environment: &Environment,
    ) -> Result<Outcome, CliError> {
        let name = app.file_name().unwrap_or(app.as_os_str()).to_string_lossy().into_owned();
        let request = self.request(app.to_owned(), config_file, environment)?;
        let threads = threads()?;
        let outcome = threads.block_on(async {
            let refused = |source| CliError::Start { what: "signals cannot be received", source };
            let mut termination = Termination::listen().map_err(refused)?;
            tokio::select! {
                ended = ran(request, stdio(environment), output) => concluded(name, ended?, output),
                signal = termination.next() => Ok(signalled(signal, output)),
            }
        });
        // A command that still runs ends with this process. It may use the threads until then, and may wait for ever
        // for somebody to read or write: they are neither taken from it nor waited for.
        std::mem::forget(threads);
        outcome
    }

    fn request(
        &self,
        path: PathBuf,
        config_file: Option<&Path>,
        environment: &Environment,
    ) -> Result<Request, CliError> {
        Ok(Request {
            path,
            args: self.args.clone(),
            env: self.env.iter().map(Variable::resolved).collect::<Result<_, _>>()?,
            config: config(config_file, &self.config)?,
            folders: self.dir.clone(),
            network: self.net.clone(),
            memory: self.memory.unwrap_or(host::limits::COMMAND_MEMORY_DEFAULT),
            time: self.timeout,
            cache: environment.cache.clone(),
        })
    }
}

fn stdio(environment: &Environment) -> Stdio {
    Stdio {
        input: true,
        output: Pipe::new(io::stdout(), environment.is_stdout_terminal),
        error: Pipe::new(io::stderr(), environment.is_stderr_terminal),
    }
}

async fn ran(request: Request, stdio: Stdio, output: &Output) -> Result<Ended, CliError> {
    let prepared = tokio::task::spawn_blocking(|| Command::prepare(request)).await;
    let broken =
        |error| CliError::Start { what: "the thread that compiles broke down", source: io::Error::other(error) };
    let command = prepared.map_err(broken)??;
    output.aside(&Event { event: "compiled", cached: Some(command.cached), ..Event::NONE });
    Ok(command.run(stdio).await?)
}

fn concluded(name: String, ended: Ended, output: &Output) -> Result<Outcome, CliError> {
    match ended {
        Ended::Exited(code) => {
            output.aside(&Event { event: "ended", exit_code: Some(code), ..Event::NONE });
            Ok(Outcome::Exit(code))
        }
        Ended::BrokenPipe => Ok(Outcome::Exit(SIGNALLED + SIGPIPE)),
        Ended::Trapped { reason, backtrace } => {
            output.progress(&Backtrace(backtrace.as_deref()));
            Err(CliError::Trapped { name, reason, backtrace })
        }
        Ended::Late { backtrace } => {
            output.progress(&Backtrace(backtrace.as_deref()));
            Err(CliError::Late { name, backtrace })
        }
    }
}

/// Where a command was: as it is, because its lines are long.
struct Backtrace<'a>(Option<&'a str>);

impl fmt::Display for Backtrace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.unwrap_or("no code of the command was running").trim_end())
    }
}

fn signalled(signal: &'static str, output: &Output) -> Outcome {
    let code = SIGNALLED + if signal == "SIGINT" { SIGINT } else { SIGTERM };
    output.aside(&Event { event: "ended", exit_code: Some(code), signal: Some(signal), ..Event::NONE });
    Outcome::Exit(code)
}
