//! The actor that is to call a contract: where its WIT is, which world is its own, and which language it is in.

use std::fs;
use std::path::{Path, PathBuf};

use adapter::source::{Source, WorldView};
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::{Actor, ComponentRef};

use crate::error::CliError;
use crate::project::Project;
use crate::source_file::SourceFile;

/// The WIT of an actor.
pub(super) struct Target {
    /// The folder that the language's tools read.
    pub(super) folder: PathBuf,
    pub(super) source: Source,
    /// The actor's world, where it can be told.
    pub(super) world: Option<WorldView>,
    pub(super) language: Option<Language>,
}

/// What an actor is written in, as far as its build command tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Javascript,
    Python,
}

impl Target {
    /// The WIT of `actor`; nothing where it has none on disk.
    ///
    /// # Errors
    ///
    /// The WIT is there and is not valid.
    pub(super) fn of(project: &Project, name: &ActorName, actor: &Actor) -> Result<Option<Self>, CliError> {
        let run = actor.build.as_ref().map_or("", |build| build.run.as_str());
        let words: Vec<&str> = run.split_whitespace().collect();
        let dir = folder(project, actor);
        let Some(folder) = wit_folder(&words, &dir) else { return Ok(None) };
        let source = SourceFile::read(&folder)?.into_source(&folder)?;
        let world = world(&source, &words, &crates(&words, &dir), name);
        Ok(Some(Self { folder, source, world, language: Language::of(run) }))
    }
}

/// Where the actor is built; else where its component is.
fn folder(project: &Project, actor: &Actor) -> PathBuf {
    let ComponentRef::Path(component) = &actor.component;
    let below = actor.build.as_ref().map(|build| build.dir.as_path());
    project.folder().join(below.or_else(|| component.parent()).unwrap_or(Path::new("")))
}

/// The folder that the build command names, else `wit` in the folder or above it.
fn wit_folder(words: &[&str], dir: &Path) -> Option<PathBuf> {
    let named = flag(words, &["--wit", "--wit-path", "-d"]).map(|path| dir.join(path));
    let usual = [dir.join("wit"), dir.join("../wit")];
    named.into_iter().chain(usual).find(|folder| folder.is_dir())
}

/// The folders that a crate's sources may be in: the build's, and the members of a workspace there that `-p` names.
fn crates(words: &[&str], dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let Some(package) = flag(words, &["-p", "--package"]) else { return found };
    let named = format!("name = \"{package}\"");
    let below = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    found.extend(below.filter(|path| {
        fs::read_to_string(path.join("Cargo.toml")).is_ok_and(|text| text.lines().any(|line| line.trim() == named))
    }));
    found.reverse();
    found
}

/// The world that the build command or the bindings of the crate name, else the one of the actor's name, else the only one.
fn world(source: &Source, words: &[&str], crates: &[PathBuf], actor: &ActorName) -> Option<WorldView> {
    let worlds = source.worlds();
    let of = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        let name = name.split('@').next().unwrap_or(name);
        worlds.iter().find(|world| world.name == name).cloned()
    };
    let is_cargo = words.contains(&"cargo");
    let said = flag(words, &["--world", "--world-name", "-w"]).map(str::to_owned);
    let bound = || crates.iter().map(|path| path.join("src/lib.rs")).find_map(|path| bound_world(&path));
    match said.or_else(|| is_cargo.then(bound).flatten()) {
        Some(name) => of(&name),
        None => of(actor.as_str()).or_else(|| match worlds.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }),
    }
}

/// The world in `wit_bindgen::generate!({ world: "…" })`.
fn bound_world(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.split_once("generate!")?;
    let (_, rest) = rest.split_once("world:")?;
    rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
}

fn flag<'a>(words: &[&'a str], names: &[&str]) -> Option<&'a str> {
    let joined = |word: &'a str| names.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('='));
    let apart = words.iter().zip(words.iter().skip(1)).find(|(word, _)| names.contains(word)).map(|(_, value)| *value);
    apart.or_else(|| words.iter().find_map(|word| joined(word)))
}

impl Language {
    fn of(run: &str) -> Option<Self> {
        let known = [
            ("cargo", Self::Rust),
            ("componentize-py", Self::Python),
            ("componentize-", Self::Javascript),
            ("jco", Self::Javascript),
        ];
        known.into_iter().find(|(word, _)| run.contains(word)).map(|(_, language)| language)
    }

    /// What the code of an actor says to call functions of the contract.
    pub(super) fn import(self, contract: &ContractName, function: &str) -> String {
        let snake = |text: &str| text.replace('-', "_");
        let ContractName { namespace, package, interface, .. } = contract;
        match self {
            Self::Rust => format!("use {}::{}::{};", snake(namespace), snake(package), snake(interface)),
            Self::Javascript => format!("import {{ {} }} from \"{contract}\";", camel(function)),
            Self::Python => format!("from wit_world.imports import {}", snake(interface)),
        }
    }
}

fn camel(kebab: &str) -> String {
    let mut words = kebab.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (head, tail) = word.split_at_checked(1).unwrap_or((word, ""));
        text + &head.to_uppercase() + tail
    })
}
