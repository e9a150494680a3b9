//! What can be asked for.

use anyhow::{Result, bail};

use crate::guests;

/// One task with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Show the help.
    Help,
    /// Install what guests and tests need.
    Setup,
    /// Build guests; all of them where no name is given.
    Guests {
        /// Names of [`guests::GUESTS`].
        names: Vec<String>,
    },
    /// Run every test.
    Test {
        /// The long ones too.
        long: bool,
        /// Arguments for `cargo test`.
        args: Vec<String>,
    },
    /// Check the sources.
    Tidy,
    /// Everything that must hold before a change lands.
    Ci,
    /// Run an example.
    Demo(Demo),
    /// Drill hosts under load.
    Chaos {
        /// The short run.
        smoke: bool,
        /// Arguments for the rig.
        args: Vec<String>,
    },
    /// Measure.
    Bench {
        /// Arguments for the benchmark.
        args: Vec<String>,
    },
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    /// The first example, on one machine, until Ctrl-C.
    Run,
    /// The same on three hosts, of which one is killed.
    Lattice,
}

impl Task {
    /// Reads a command line without its program.
    ///
    /// # Errors
    ///
    /// An unknown task, or an argument that the task does not take.
    pub fn parse(words: &[String]) -> Result<Self> {
        let (options, args) = split_at_dashes(words);
        let (name, options) = match options.split_first() {
            None => return Ok(Task::Help),
            Some((name, options)) => (name.as_str(), options),
        };
        let task = match name {
            "help" | "-h" | "--help" => return Ok(Task::Help),
            "guests" => Task::Guests { names: guest_names(options)? },
            "test" => Task::Test { long: only_flag(name, options, "--long")?, args: args.to_vec() },
            "chaos" => Task::Chaos { smoke: only_flag(name, options, "--smoke")?, args: args.to_vec() },
            "bench" => bare(name, options, Task::Bench { args: args.to_vec() })?,
            "setup" => bare(name, options, Task::Setup)?,
            "tidy" => bare(name, options, Task::Tidy)?,
            "ci" => bare(name, options, Task::Ci)?,
            "demo" => Task::Demo(demo(options)?),
            other => bail!("there is no task `{other}`; `cargo x help` lists them"),
        };
        let takes_args = matches!(task, Task::Test { .. } | Task::Bench { .. } | Task::Chaos { .. });
        if !takes_args && !args.is_empty() {
            bail!("`cargo x {name}` takes nothing after `--`; leave `{}` out", args.join(" "));
        }
        Ok(task)
    }
}

fn split_at_dashes(words: &[String]) -> (&[String], &[String]) {
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (options, rest) = words.split_at(at);
    (options, rest.get(1..).unwrap_or_default())
}

fn bare(name: &str, options: &[String], task: Task) -> Result<Task> {
    match options.first() {
        None => Ok(task),
        Some(option) => {
            bail!("`cargo x {name}` does not take `{option}`; `cargo x help` shows what it takes")
        }
    }
}

fn demo(options: &[String]) -> Result<Demo> {
    match options {
        [] => Ok(Demo::Run),
        [only] if only == "lattice" => Ok(Demo::Lattice),
        other => bail!("`cargo x demo` takes `lattice` or nothing, not `{}`", other.join(" ")),
    }
}

fn only_flag(name: &str, options: &[String], flag: &str) -> Result<bool> {
    match options.iter().find(|option| *option != flag) {
        None => Ok(!options.is_empty()),
        Some(option) => {
            bail!("`cargo x {name}` takes `{flag}` only, not `{option}`; arguments for the tests go after `--`")
        }
    }
}

fn guest_names(options: &[String]) -> Result<Vec<String>> {
    for name in options {
        if !guests::GUESTS.iter().any(|guest| guest.name == name) {
            bail!("there is no guest `{name}`; there are {}", guests::names());
        }
    }
    Ok(options.to_vec())
}

/// The text of `cargo x help`.
pub fn help() -> String {
    format!(
        "Usage: cargo x TASK

Tasks:
  demo                     run the counter example and say what to open
  demo lattice             run it on three hosts over NATS, kill one while requests flow, and count the failures
  test [--long] [-- ARGS]  run every test; --long adds many more generated cases; ARGS go to `cargo test`
  ci                       everything that must hold before a change lands
  chaos [--smoke] [-- ARGS]
                           patch, break, kill and freeze under load, and count what fails; --smoke is the short run
  bench [-- ARGS]          measure, in release
  setup                    install what is needed: wasm targets, componentize-py and -qjs, servers, reference tests
  guests [NAME...]         build the example and test components that are stale
  tidy                     check sources and documents: crate edges, sizes, limits, links
  help                     this text

What `setup` installs stays under target/tools, apart from the two rustup targets. `test`, `ci`, `bench`, `demo` and
`guests` install what they need of it.
Guests: {}.",
        guests::names()
    )
}
