//! Results on standard output, progress and errors on standard error.

mod events;

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::arguments::Format;
use crate::environment::Environment;
use crate::error::{self, CliError};

pub(crate) use events::Events;

/// How a command ended that could say what it had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Success,
    /// The result itself tells of a failure.
    Failure,
    /// What ran ended with an exit code of its own.
    Exit(u8),
}

/// Where results, progress and errors go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    is_stderr_terminal: bool,
    has_colour: bool,
}

impl Output {
    /// An output in the given format.
    pub(crate) fn new(format: Format, environment: &Environment) -> Self {
        Self { format, is_stderr_terminal: environment.is_stderr_terminal, has_colour: environment.colours_stderr() }
    }

    /// How results are written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a result: its text, or its JSON on one line.
    pub(crate) fn print<T: Serialize + Display>(&self, result: &T) -> Result<(), CliError> {
        match self.format {
            Format::Text => write(plain(&result.to_string()).as_bytes()),
            Format::Json => self.event(result),
        }
    }

    /// Prints one JSON object on a line of its own; a person is not told.
    pub(crate) fn event<T: Serialize>(&self, event: &T) -> Result<(), CliError> {
        if self.format == Format::Text {
            return Ok(());
        }
        let line = serde_json::to_string(event).map_err(|error| CliError::Stdout { source: error.into() })?;
        write(format!("{}\n", plain(&line)).as_bytes())
    }

    /// Writes one JSON object on a line of standard error, where standard output is not ours; a person is not told.
    pub(crate) fn aside<T: Serialize>(&self, event: &T) {
        if self.format == Format::Json
            && let Ok(line) = serde_json::to_string(event)
        {
            // Nobody may be listening.
            let _ = writeln!(io::stderr(), "{}", plain(&line));
        }
    }

    /// Tells a person what is being done; a program is not told.
    pub(crate) fn progress(&self, step: &dyn Display) {
        if self.format == Format::Text {
            // Nobody may be listening.
            let _ = writeln!(io::stderr(), "{}", plain(&step.to_string()));
        }
    }

    /// Tells a person at a terminal what is waited for, where a command's progress is no part of what it says.
    pub(crate) fn waiting(&self, step: &dyn Display) {
        if self.is_stderr_terminal {
            self.progress(step);
        }
    }

    /// Tells of an error, if there is one, and gives the exit code.
    pub(crate) fn conclude(&self, outcome: Result<Outcome, CliError>) -> ExitCode {
        match outcome {
            Ok(Outcome::Success) => ExitCode::SUCCESS,
            Ok(Outcome::Exit(code)) => ExitCode::from(code),
            Ok(Outcome::Failure) => ExitCode::from(error::EXIT_FAILED),
            Err(error) => {
                let text = match self.format {
                    Format::Text => error::diagnostic(&error, self.is_stderr_terminal, self.has_colour),
                    Format::Json => plain(&error::json(&error)).into_owned(),
                };
                let _ = writeln!(io::stderr(), "{}", text.trim_end());
                ExitCode::from(error.exit_code())
            }
        }
    }
}

/// The text as a terminal may be shown it: what would move its cursor, colour it, or turn the direction of writing is an
/// escape. Texts come from components and from other hosts. The escapes are those of JSON, so that JSON stays what it is.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            let _ = write!(plain, "\\u{:04x}", u32::from(c));
        } else {
            plain.push(c);
        }
    }
    plain.into()
}

/// Whether a terminal does something else than to show it, lines and columns apart.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && !matches!(c, '\n' | '\t')
}

/// Writes to standard output. A reader that has seen enough (`lath inspect FILE | head`) is no failure.
pub(crate) fn write(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Stdout { source: error }),
        _ => Ok(()),
    }
}
