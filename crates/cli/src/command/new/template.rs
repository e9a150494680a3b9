//! The templates: what each consists of, as this program carries it, and how it reads under another name.

mod files;

use clap::ValueEnum;
use serde::Serialize;

use super::name::Name;

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Template {
    /// A service that answers HTTP
    Http,
    /// A contract, an actor that answers it, and one that calls it
    Contract,
    /// An actor that stands before another one's routes or links, and the service behind it
    Middleware,
    /// A native program that answers a contract on a lattice, and an actor that calls it; Rust only
    Provider,
}

/// What it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// Rust, built by cargo
    Rust,
    /// JavaScript, built by componentize-qjs
    #[value(alias = "js")]
    Javascript,
    /// Python, built by componentize-py
    #[value(alias = "py")]
    Python,
}

/// A file of a template: its path in the new folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// What the words of a template stand for.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) name: &'a Name,
    /// The application that the actors are in.
    pub(super) application: &'a str,
    /// What the paths of its routes begin with: `/`, or `/NAME/`.
    pub(super) base: &'a str,
    /// The new folder, from that of the manifest: nothing, or it and `/`.
    pub(super) folder: &'a str,
    /// The copy of Lath's sources that a provider stands on.
    pub(super) source: &'a str,
}

impl Template {
    pub(super) const ALL: [Self; 4] = [Self::Http, Self::Contract, Self::Middleware, Self::Provider];

    /// The languages that it is there in.
    pub(super) fn languages(self) -> &'static [Language] {
        match self {
            Self::Provider => &[Language::Rust],
            _ => &[Language::Rust, Language::Javascript, Language::Python],
        }
    }

    /// The word for it on the command line.
    pub(super) fn word(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
    }

    /// What it is, in a line.
    pub(super) fn about(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// Its files apart from the manifest, in the words of the caller.
    pub(super) fn files(self, language: Language, words: &Words<'_>) -> Vec<TextFile> {
        let written = |(path, text): &(&str, &str)| TextFile {
            path: (*path).to_owned(),
            text: words.said(&text.replace("{{tools}}", language.tools()).replace("{{language}}", language.title())),
        };
        files::files(self, language).iter().map(written).collect()
    }

    /// Its manifest, in the words of the caller.
    pub(super) fn manifest(self, language: Language, words: &Words<'_>) -> String {
        words.said(files::manifest(self, language))
    }
}

impl Language {
    /// The word for it on the command line.
    pub(super) fn word(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
    }

    fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Javascript => "JavaScript",
            Self::Python => "Python",
        }
    }

    /// The command that installs what builds it.
    pub(super) fn tools(self) -> &'static str {
        match self {
            Self::Rust => "rustup target add wasm32-wasip2",
            Self::Javascript => "npm install --global componentize-qjs@0.4.5",
            Self::Python => "pip install componentize-py==0.25.1",
        }
    }
}

impl Words<'_> {
    /// The text with these words in the place of the template's.
    fn said(&self, text: &str) -> String {
        text.replace("my-actor", self.name.as_str())
            .replace("my_actor", &self.name.snake())
            .replace("{{application}}", self.application)
            .replace("{{base}}", self.base)
            .replace("{{folder}}", self.folder)
            .replace("{{source}}", self.source)
    }
}
