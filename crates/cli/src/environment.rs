//! The environment, read here and nowhere else, once, before anything is done.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// What the program takes from its surroundings.
#[derive(Debug)]
pub(crate) struct Environment {
    /// `LATH_LOG`: which log lines are written, such as `info` or `warn,host=debug`.
    pub(crate) log: Option<OsString>,
    /// Where compiled components are kept: `LATH_CACHE`, else `lath` in `XDG_CACHE_HOME`, else `~/.cache/lath`.
    pub(crate) cache: Option<PathBuf>,
    /// `NO_COLOR` is set: no colours even on a terminal.
    no_color: bool,
    /// Standard output is a terminal.
    pub(crate) is_stdout_terminal: bool,
    /// Standard error is a terminal.
    pub(crate) is_stderr_terminal: bool,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        Self {
            log: variable("LATH_LOG"),
            cache: cache(variable),
            no_color: variable("NO_COLOR").is_some(),
            is_stdout_terminal: io::stdout().is_terminal(),
            is_stderr_terminal: io::stderr().is_terminal(),
        }
    }

    /// True where errors and logs are coloured.
    pub(crate) fn colours_stderr(&self) -> bool {
        self.is_stderr_terminal && !self.no_color
    }
}

/// An empty variable is one that is not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The base directory specification has relative paths ignored.
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let shared = || absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    variable("LATH_CACHE").map(PathBuf::from).or_else(|| Some(shared()?.join("lath")))
}
