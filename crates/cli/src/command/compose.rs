//! `lath compose`: the composites of an application, written to files.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use adapter::compose::labels::Labels;
use clap::Args;
use host::application::Application;
use model::blueprint::{Blueprint, CompositePlan};
use model::digest::Digest;
use model::ids::ActorName;
use model::manifest::{Actor, ComponentRef, Manifest};
use serde::Serialize;

use crate::application::{Overlay, open, planned};
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Write the composites of an application: each actor linked with its adapters and fused actors
///
/// One file, ACTOR.wasm, for each actor that runs by itself: the same bytes that a host would run.
#[derive(Debug, Args)]
pub(crate) struct Compose {
    /// A folder with a `lath.toml`, a manifest, or a component
    #[arg(default_value = ".")]
    app: PathBuf,
    #[command(flatten)]
    overlay: Overlay,
    /// Where to write them; made if it is not there
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(Serialize)]
struct Report {
    composites: Vec<Composite>,
}

#[derive(Serialize)]
struct Composite {
    actor: String,
    file: PathBuf,
    size: usize,
    digest: String,
    labels: Labels,
}

impl Compose {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let application = open(&self.app, &self.overlay, output)?;
        let plan = planned(&application)?;
        self.spare_sources(&application, &plan.blueprint)?;
        fs::create_dir_all(&self.output).map_err(|source| unwritable(&self.output, source))?;
        let composites = plan.blueprint.composites.iter();
        let composites = composites
            .map(|(actor, composite)| self.write(&application, actor, composite))
            .collect::<Result<_, _>>()?;
        output.print(&Report { composites })?;
        Ok(Outcome::Success)
    }

    fn file(&self, actor: &ActorName) -> PathBuf {
        self.output.join(format!("{actor}.wasm"))
    }

    /// Refuses to write a composite over a component: a lone one has the name of its actor.
    fn spare_sources(&self, application: &Application, blueprint: &Blueprint) -> Result<(), CliError> {
        let Manifest { actors, adapters, .. } = application.manifest();
        let components = actors.values().map(|Actor { component: ComponentRef::Path(path), .. }| path);
        let sources = components.chain(adapters.values().flat_map(|pair| [&pair.sender, &pair.receiver]));
        let sources: Vec<_> = sources.filter_map(|path| application.folder().join(path).canonicalize().ok()).collect();
        for file in blueprint.composites.keys().map(|actor| self.file(actor)) {
            if file.canonicalize().is_ok_and(|file| sources.contains(&file)) {
                return Err(CliError::Usage {
                    message: format!("{} is a component of the application itself", file.display()),
                    help: Some("name another folder with `-o FOLDER`".to_owned()),
                });
            }
        }
        Ok(())
    }

    fn write(&self, application: &Application, actor: &ActorName, plan: &CompositePlan) -> Result<Composite, CliError> {
        let bytes = application
            .compose(plan)
            .map_err(|source| CliError::Compose { actor: actor.clone(), source: Box::new(source) })?;
        let file = self.file(actor);
        fs::write(&file, &bytes).map_err(|source| unwritable(&file, source))?;
        Ok(Composite {
            actor: actor.to_string(),
            file,
            size: bytes.len(),
            digest: Digest::of(&bytes).to_string(),
            labels: Labels::of(plan),
        })
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> CliError {
    CliError::File { verb: "write", path: path.to_owned(), source }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.composites.iter().try_for_each(|Composite { file, size, digest, labels, .. }| {
            writeln!(f, "{}: {size} bytes, {digest}", file.display())?;
            write!(f, "{}", super::inspect::LabelTable(labels))
        })
    }
}
