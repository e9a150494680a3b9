//! Running `lath` in an environment of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run of `lath` left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as one JSON object.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The error object on standard error: its last line.
    pub(crate) fn error(&self) -> serde_json::Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        object["error"].clone()
    }

    /// Standard output of a run that went well.
    pub(crate) fn success(&self) -> &str {
        assert_eq!(self.code, 0, "{self:#?}");
        &self.stdout
    }

    /// Standard error of a run that failed, without a word on standard output.
    pub(crate) fn failure(&self) -> &str {
        assert_eq!(self.code, 1, "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        &self.stderr
    }
}

/// `lath` with these arguments, and nothing of this process's surroundings.
pub(crate) fn command<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    command_named(env!("CARGO_BIN_EXE_lath"), args)
}

/// A program that may run `lath`, likewise.
pub(crate) fn command_named<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    for name in ["LATH_LOG", "LATH_CACHE", "LATH_CONTEXT", "XDG_CACHE_HOME", "COLUMNS", "NO_COLOR", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.env("LATH_CACHE", testkit::application::root().join("target/tools/compiled"));
    command.env("XDG_RUNTIME_DIR", testkit::application::root().join("target/tools/run"));
    command.env("XDG_CONFIG_HOME", testkit::application::root().join("target/tools/no-settings"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs `lath` to its end.
pub(crate) fn lath<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ended {
    ended(&mut command(args))
}

/// Runs `lath` in a folder, so that paths in its output are the same everywhere.
pub(crate) fn lath_in<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Ended {
    ended(command(args).current_dir(folder))
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The text with digests and sizes left out: they are the compiler's, not ours.
pub(crate) fn redacted(text: &str) -> String {
    text.lines().map(|line| redacted_line(line) + "\n").collect()
}

fn redacted_line(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let shown = words.iter().enumerate().map(|(at, word)| {
        let is_size = words.get(at + 1).is_some_and(|next| next.starts_with("bytes"));
        if word.starts_with("sha256:") {
            "sha256:…".to_owned()
        } else if is_size && word.parse::<usize>().is_ok() {
            "N".to_owned()
        } else {
            (*word).to_owned()
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}
