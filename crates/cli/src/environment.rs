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
    /// `LATH_CONTEXT`: the context of commands that are about a lattice.
    pub(crate) context: Option<String>,
    /// `USER`: who runs the command, where credentials do not say.
    pub(crate) user: Option<String>,
    /// Where our settings are kept: `lath` in `XDG_CONFIG_HOME`, else `~/.config/lath`.
    pub(crate) config: Option<PathBuf>,
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
            context: variable("LATH_CONTEXT").map(|name| name.to_string_lossy().into_owned()),
            user: variable("USER").map(|name| name.to_string_lossy().into_owned()),
            config: folder(variable, "XDG_CONFIG_HOME", ".config"),
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

/// A variable that is passed on under its own name; else why there is none.
pub(crate) fn passed_on(name: &str) -> Result<String, &'static str> {
    env::var(name).map_err(|error| match error {
        env::VarError::NotPresent => "is not set",
        env::VarError::NotUnicode(_) => "is not UTF-8",
    })
}

/// An empty variable is one that is not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable("LATH_CACHE").map(PathBuf::from).or_else(|| folder(variable, "XDG_CACHE_HOME", ".cache"))
}

/// Our folder in the user's folder of this kind.
fn folder(variable: impl Fn(&str) -> Option<OsString>, name: &str, below_home: &str) -> Option<PathBuf> {
    // The base directory specification has relative paths ignored.
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let kind = absolute(name).or_else(|| Some(absolute("HOME")?.join(below_home)));
    Some(kind?.join("lath"))
}
