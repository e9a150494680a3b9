//! Errors for a person: message, causes, the text pointed into, help.

use std::error::Error;
use std::fmt;

use miette::{
    Diagnostic, LabeledSpan, MietteHandler, MietteHandlerOpts, NamedSource, ReportHandler, RgbColors, SourceCode,
};

use super::CliError;
use super::detail::{Detail, Details};
use crate::output::plain;

/// Columns of a diagnostic where there is no terminal to ask.
const WIDTH_COLUMNS: usize = 100;

/// The error as text. A terminal is asked for its width.
pub(crate) fn diagnostic(error: &CliError, is_terminal: bool, has_colour: bool) -> String {
    let options = MietteHandlerOpts::new()
        .force_graphical(true)
        .unicode(true)
        .color(has_colour)
        .rgb_colors(RgbColors::Never)
        .terminal_links(false)
        .break_words(false);
    let options = if is_terminal { options } else { options.width(WIDTH_COLUMNS) };
    let parts = error.details().map(parts).unwrap_or_default();
    let drawn = match parts.as_slice() {
        // One alone says all there is to say.
        [only] => Drawn { handler: options.build(), diagnostic: only }.to_string(),
        _ => {
            let whole = Whole { said: Said::of(error), help: error.help(), parts };
            Drawn { handler: options.build(), diagnostic: &whole }.to_string()
        }
    };
    drawn.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn parts(details: &Details) -> Vec<Part<'_>> {
    details
        .list
        .iter()
        .map(|detail| Part { detail, source: NamedSource::new(&details.file, details.text.clone()) })
        .collect()
}

struct Drawn<'a> {
    handler: MietteHandler,
    diagnostic: &'a dyn Diagnostic,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handler.debug(self.diagnostic, f)
    }
}

/// The error itself.
#[derive(Debug)]
struct Whole<'a> {
    said: Said,
    help: Option<String>,
    parts: Vec<Part<'a>>,
}

/// What an error says, and what its causes say, as a terminal may be shown it.
#[derive(Debug)]
struct Said {
    text: String,
    cause: Option<Box<Said>>,
}

impl Said {
    fn of(error: &dyn Error) -> Self {
        let cause = error.source().map(|cause| Box::new(Self::of(cause)));
        Self { text: plain(&error.to_string()).into_owned(), cause }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Said {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.fmt(f)
    }
}

impl Error for Whole<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.said.source()
    }
}

impl Diagnostic for Whole<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_deref().map(|help| Box::new(plain(help)) as Box<dyn fmt::Display>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.parts.iter().map(|part| part as &dyn Diagnostic)))
    }
}

/// One of its parts, with the text that it points into.
#[derive(Debug)]
struct Part<'a> {
    detail: &'a Detail,
    source: NamedSource<String>,
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&self.detail.message))
    }
}

impl Error for Part<'_> {}

impl Diagnostic for Part<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.detail.help.as_deref().map(|help| Box::new(plain(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.detail.span.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.detail.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}
