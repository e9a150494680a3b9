//! The parts of an error that has many: errors of a manifest, problems of a plan.

use std::ops::Range;
use std::path::Path;

use host::application::Application;
use model::manifest::{Manifest, ManifestErrors};
use plan::Problem;

/// What is wrong with one text, in its order.
#[derive(Debug)]
pub(crate) struct Details {
    /// The text's file, for messages.
    pub(super) file: String,
    pub(super) text: String,
    pub(super) list: Vec<Detail>,
    left_out: usize,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The manifest's key; empty for the manifest as a whole.
    pub(super) key: String,
    /// Where in the text, in bytes.
    pub(super) span: Option<Range<usize>>,
    pub(super) actor: Option<String>,
    pub(super) import: Option<String>,
    pub(super) function: Option<String>,
}

impl Detail {
    fn of(problem: &Problem, place: impl Fn(&str) -> Option<Range<usize>>) -> Self {
        Self {
            message: problem.to_string(),
            help: Some(problem.mend()).filter(|mend| !mend.is_empty()),
            key: problem.at.key.clone(),
            span: place(&problem.at.key),
            actor: problem.at.actor.as_ref().map(ToString::to_string),
            import: problem.at.import.clone(),
            function: problem.at.function.clone(),
        }
    }
}

impl Details {
    pub(super) fn of_manifest(path: &Path, text: &str, errors: &ManifestErrors) -> Self {
        let list = errors.errors().iter().map(|error| Detail {
            message: if error.key.is_empty() {
                error.message.clone()
            } else {
                format!("{}: {}", error.key, error.message)
            },
            help: error.help.clone(),
            key: error.key.clone(),
            span: Some(error.span.clone()),
            actor: None,
            import: None,
            function: None,
        });
        Self { file: manifest(path), text: text.to_owned(), list: list.collect(), left_out: errors.left_out() }
    }

    pub(super) fn of_plan(application: &Application, problems: &[Problem]) -> Self {
        let place = |key: &str| span(application.manifest(), key);
        Self {
            file: manifest(application.path()),
            text: application.text().to_owned(),
            list: problems.iter().map(|problem| Detail::of(problem, place)).collect(),
            left_out: 0,
        }
    }

    /// The manifest is not at hand: it is in the lattice.
    pub(super) fn of_patch(component: &Path, problems: &[Problem]) -> Self {
        Self {
            file: component.display().to_string(),
            text: String::new(),
            list: problems.iter().map(|problem| Detail::of(problem, |_| None)).collect(),
            left_out: 0,
        }
    }

    /// How many there are, those that are not listed included.
    pub(super) fn len(&self) -> usize {
        self.list.len().saturating_add(self.left_out)
    }

    /// Line and column of a byte of the text, both from 1, the column in characters.
    pub(super) fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        (before.matches('\n').count().saturating_add(1), column.saturating_add(1))
    }
}

/// The place of a key, or of the nearest key above it that stands in the text.
fn span(manifest: &Manifest, key: &str) -> Option<Range<usize>> {
    let mut key = key;
    loop {
        if let Some(span) = manifest.span_of(key) {
            return Some(span);
        }
        key = key.rsplit_once('.')?.0;
    }
}

/// A lone component has a manifest that was made for it.
fn manifest(path: &Path) -> String {
    if path.extension().is_some_and(|extension| extension == "wasm") {
        return format!("manifest made for {}", path.display());
    }
    file(path)
}

fn file(path: &Path) -> String {
    path.display().to_string()
}
