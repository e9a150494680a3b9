//! Running other programs, and saying what is being done.

use std::io::{self, ErrorKind, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// Prints a line for the user.
pub fn say(text: &str) {
    // A reader that has seen enough (`cargo x help | head`) is no failure.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Runs a command with our own input and output.
///
/// # Errors
///
/// It is not installed (then with `mend`), or it failed.
pub fn run(command: &mut Command, mend: &str) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, error, mend))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line_of(command));
    }
    Ok(())
}

/// Runs a command quietly and gives its output.
///
/// # Errors
///
/// As for [`run`]; what the command said of its failure is part of the message.
pub fn output(command: &mut Command, mend: &str) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, error, mend))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}); {mend}\n{}", line_of(command), output.status, said.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("what `{}` printed is not text", line_of(command)))
}

/// Does something and says how long it took.
///
/// # Errors
///
/// Those of `what`.
pub fn timed<T>(what: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = what()?;
    Ok((value, start.elapsed()))
}

/// The command as one would type it.
pub fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: io::Error, mend: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        anyhow!("`{program}` is not installed; {mend}")
    } else {
        anyhow::Error::new(error).context(format!("cannot start `{program}`; {mend}"))
    }
}
