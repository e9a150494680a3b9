//! `lath new`: an application, or another part of one, out of a template that this program carries.

mod draft;
mod name;
mod template;

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use self::draft::Draft;
use self::name::Name;
use self::template::{Language, Template, Words};
use crate::error::CliError;
use crate::output::{Outcome, Output};
use crate::project::Project;

/// Make an application out of a template, or another part of one
///
/// Everything is in a new folder, NAME. Where a `lath.toml` is here or in a folder above, its actors, providers and routes
/// become part of that application; its comments stay. Otherwise the folder has a `lath.toml` of its own. Nothing is
/// fetched, and nothing is written where anything is refused.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name, such as `price-list`: that of the folder, of the application, and of the first actor
    #[arg(required_unless_present = "list")]
    name: Option<Name>,
    /// What to make
    #[arg(long, value_enum, default_value_t = Template::Http)]
    template: Template,
    /// What to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
    /// A copy of Lath's sources: a provider stands on crates of it
    #[arg(long, value_name = "FOLDER")]
    source: Option<PathBuf>,
    /// List the templates
    #[arg(long, conflicts_with_all = ["name", "template", "language", "source"])]
    list: bool,
}

/// What was made.
#[derive(Serialize)]
struct Report {
    name: String,
    template: Template,
    language: Language,
    /// The new folder, from where the command was typed.
    folder: PathBuf,
    /// The manifest that says how it runs, likewise.
    manifest: PathBuf,
    files: Vec<String>,
    /// Commands to type next.
    next: Vec<String>,
}

/// The templates that there are.
#[derive(Serialize)]
struct Listed {
    templates: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    template: String,
    languages: Vec<String>,
    about: String,
}

impl New {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        match &self.name {
            None => output.print(&Listed::all())?,
            Some(name) => output.print(&self.make(name)?)?,
        }
        Ok(Outcome::Success)
    }

    fn make(&self, name: &Name) -> Result<Report, CliError> {
        self.check_language()?;
        let source = self.sources()?;
        let unreadable = |source| CliError::File { verb: "read", path: PathBuf::from("."), source };
        let here = env::current_dir().and_then(|here| here.canonicalize()).map_err(unreadable)?;
        let place = Place { name, project: Project::around(&here)?, here };
        let (application, base, folder) = (place.application(), place.base(), place.folder()?);
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let words = Words { name, application: &application, base: &base, folder: &prefix, source: &source };
        let mut files = self.template.files(self.language, &words);
        let manifest = self.template.manifest(self.language, &words);
        let target = place.here.join(name.as_str());
        match &place.project {
            None => {
                files.push(template::TextFile { path: host::application::MANIFEST.to_owned(), text: manifest });
                Draft::write(&target, &files)?.place()?;
            }
            Some(project) => {
                let routed = place.routed(&manifest);
                let text = project.with(&routed, &folder)?;
                Draft::write(&target, &files)?.place()?;
                project.replace(&text).inspect_err(|_| {
                    // Without the manifest it is part of nothing. What cannot be removed is seen by its name.
                    let _ = fs::remove_dir_all(&target);
                })?;
            }
        }
        Ok(Report {
            name: name.to_string(),
            template: self.template,
            language: self.language,
            folder: PathBuf::from(name.as_str()),
            manifest: place.manifest(),
            files: files.into_iter().map(|file| file.path).collect(),
            next: self.next(&place, &base),
        })
    }

    fn check_language(&self) -> Result<(), CliError> {
        let known = self.template.languages();
        if known.contains(&self.language) {
            return Ok(());
        }
        let known: Vec<_> = known.iter().map(|language| language.word()).collect();
        Err(CliError::Usage {
            message: format!("there is no template {} in {}", self.template.word(), self.language.word()),
            help: Some(format!("it is there in {}: an actor may be in any language", known.join(", "))),
        })
    }

    /// The copy of Lath's sources, from the root; empty where none is needed.
    fn sources(&self) -> Result<String, CliError> {
        if self.template != Template::Provider {
            return match self.source {
                None => Ok(String::new()),
                Some(_) => Err(CliError::Usage {
                    message: format!("the template {} needs no copy of Lath's sources", self.template.word()),
                    help: Some("leave `--source` away, or take `--template provider`".to_owned()),
                }),
            };
        }
        let usage = |message: String| CliError::Usage {
            message,
            help: Some(
                "name a copy of Lath's sources with `--source FOLDER`, or take `--template contract`".to_owned(),
            ),
        };
        let Some(folder) = &self.source else {
            let message = "a provider is a program on Lath's own crates, which are in no registry";
            return Err(usage(message.to_owned()));
        };
        let is_there = |name: &str| folder.join("crates").join(name).join("Cargo.toml").is_file();
        let whole = folder.canonicalize().ok().filter(|_| ["lattice", "model", "provider"].into_iter().all(is_there));
        let text = whole.as_deref().and_then(Path::to_str).filter(|text| !text.contains(['"', '\\']));
        text.map(str::to_owned).ok_or_else(|| usage(format!("{} is no copy of Lath's sources", folder.display())))
    }

    fn next(&self, place: &Place<'_>, base: &str) -> Vec<String> {
        let name = place.name;
        let app = place.app();
        let of = |command: &str| if app == "." { command.to_owned() } else { format!("{command} {app}") };
        let serve = format!("{} --listen 127.0.0.1:8080", of("lath run"));
        let curl = |option: &str| format!("curl {option}http://127.0.0.1:8080{base}ada");
        let call = format!("lath call {app} welcome '[\"ada\"]' --actor {name}-caller");
        let begin = match place.project {
            None => format!("cd {name}"),
            Some(_) => self.language.tools().to_owned(),
        };
        match self.template {
            Template::Http => vec![begin, serve, curl("")],
            Template::Middleware => vec![begin, serve, curl("-i ")],
            Template::Contract => vec![begin, call, of("lath plan")],
            Template::Provider => {
                let folder = if place.project.is_some() { format!("{name}/") } else { String::new() };
                let help = format!("cargo run --manifest-path {folder}provider/Cargo.toml -- --help");
                vec![begin, of("lath plan"), help]
            }
        }
    }
}

/// Where the new folder is to be.
struct Place<'a> {
    name: &'a Name,
    project: Option<Project>,
    here: PathBuf,
}

impl Place<'_> {
    fn application(&self) -> String {
        match &self.project {
            None => self.name.to_string(),
            Some(project) => project.manifest().application.to_string(),
        }
    }

    /// What paths of routes begin with: an application of others has its routes already.
    fn base(&self) -> String {
        match self.project {
            None => "/".to_owned(),
            Some(_) => format!("/{}/", self.name),
        }
    }

    /// A template's manifest with its routes below [`Self::base`].
    fn routed(&self, manifest: &str) -> String {
        manifest.replace("path = \"/*\"", &format!("path = \"{}*\"", self.base()))
    }

    /// The new folder, from that of the manifest, in the notation of manifests.
    fn folder(&self) -> Result<String, CliError> {
        let Some(project) = &self.project else { return Ok(String::new()) };
        let below = self.here.strip_prefix(project.folder()).unwrap_or(Path::new(""));
        let folder = below.join(self.name.as_str());
        folder.to_str().map(str::to_owned).ok_or_else(|| CliError::Usage {
            message: format!("{} cannot be named in a manifest: it is not UTF-8", folder.display()),
            help: Some("make it in another folder".to_owned()),
        })
    }

    /// The way from here to the folder of the manifest that there was.
    fn up(&self) -> PathBuf {
        let project = self.project.as_ref().map(Project::folder);
        let below = project.and_then(|folder| self.here.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
        below.iter().map(|_| "..").collect()
    }

    /// The application as the next commands name it.
    fn app(&self) -> String {
        let up = self.up();
        if up.as_os_str().is_empty() { ".".to_owned() } else { up.display().to_string() }
    }

    fn manifest(&self) -> PathBuf {
        let folder = if self.project.is_some() { self.up() } else { PathBuf::from(self.name.as_str()) };
        folder.join(host::application::MANIFEST)
    }
}

impl Listed {
    fn all() -> Self {
        let row = |template: Template| Row {
            template: template.word(),
            languages: template.languages().iter().map(|language| language.word()).collect(),
            about: template.about(),
        };
        Self { templates: Template::ALL.into_iter().map(row).collect() }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.templates.iter().try_for_each(|Row { template, languages, about }| {
            writeln!(f, "{template:<12}{about}\n{:<12}{}", "", languages.join(", "))
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, folder, manifest, files, next, .. } = self;
        writeln!(
            f,
            "{name} is in {}: {} files; {} says how it runs",
            folder.display(),
            files.len(),
            manifest.display()
        )?;
        writeln!(f, "\nnext:")?;
        next.iter().try_for_each(|command| writeln!(f, "  {command}"))
    }
}
