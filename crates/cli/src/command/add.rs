//! `lath add`: what an actor needs to call a contract, written where its tools and the manifest have it.

mod change;
mod origin;
mod target;
mod world;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::{Actor, LinkTarget};
use serde::Serialize;

use self::change::Change;
use self::origin::{Origin, usage};
use self::target::Target;
use crate::error::CliError;
use crate::output::{Outcome, Output};
use crate::project::Project;

/// Let an actor call a contract
///
/// Writes the contract's WIT into `wit/deps` of the actor, the import into its world, and the link into the manifest, whose
/// comments stay; then says what the code imports. What is there already stays as it is.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The contract: `namespace:package/interface@version`, or less where that is unique
    contract: String,
    /// The actor that is to call it
    #[arg(long, value_name = "ACTOR")]
    to: ActorName,
    /// Where it comes from: a WIT file or folder, a component, or an actor; by default the actor that exports it
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
}

/// What was done, and what is left to do.
#[derive(Serialize)]
struct Report {
    contract: String,
    actor: String,
    /// The files that were written; none where everything was there.
    written: Vec<PathBuf>,
    /// Who answers, where that is known.
    link: Option<String>,
    /// What the code says to call it, where its language is known.
    import: Option<String>,
    /// What is left to do by hand.
    left: Vec<String>,
}

impl Add {
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let unreadable = |source| CliError::File { verb: "read", path: PathBuf::from("."), source };
        let here = env::current_dir().and_then(|here| here.canonicalize()).map_err(unreadable)?;
        let Some(project) = Project::around(&here)? else {
            let help = "type it in the folder of an application, or make one with `lath new`";
            return Err(usage("there is no lath.toml here, nor in a folder above".to_owned(), help));
        };
        let actor = self.actor(&project)?;
        let target = Target::of(&project, &self.to, actor)?.ok_or_else(|| {
            usage(format!("actor {} has no folder `wit`", self.to), "make one beside its sources, with its world in it")
        })?;
        let origin = match &self.from {
            Some(from) => Origin::named(&project, from)?,
            None => Origin::found(&project, &self.contract, &self.to)?,
        };
        let change = Change::of(&target, &origin, &self.contract)?;
        let answering = self.answering(&project, &change.contract);
        let manifest = self.linked(&project, actor, &change.contract, answering.as_ref())?;
        // Everything can be done: now it is.
        change::write_all(&change.files, || manifest.as_ref().map_or(Ok(()), |text| project.replace(text)))?;
        let written =
            change.files.iter().map(|(path, _)| path.as_path()).chain(manifest.as_ref().map(|_| project.path()));
        let written = written.map(|path| shown(path, &here)).collect();
        output.print(&self.report(&target, &change, answering.as_ref(), written, &here))?;
        Ok(Outcome::Success)
    }

    fn actor<'a>(&self, project: &'a Project) -> Result<&'a Actor, CliError> {
        let actors = &project.manifest().actors;
        actors.get(&self.to).ok_or_else(|| {
            let known: Vec<_> = actors.keys().map(ActorName::as_str).collect();
            usage(format!("there is no actor {}", self.to), &format!("the application has {}", known.join(", ")))
        })
    }

    /// Who is to answer: the actor that the contract was taken from, else the only one who does.
    fn answering(&self, project: &Project, contract: &ContractName) -> Option<LinkTarget> {
        let named =
            self.from.as_ref().and_then(|from| project.manifest().actors.keys().find(|name| name.as_str() == from));
        match named {
            Some(name) => Some(LinkTarget::Actor(name.clone())),
            None => origin::answering(project, contract, &self.to),
        }
    }

    /// The manifest's text with the link; nothing where it is there, or nobody answers.
    fn linked(
        &self,
        project: &Project,
        actor: &Actor,
        contract: &ContractName,
        answering: Option<&LinkTarget>,
    ) -> Result<Option<String>, CliError> {
        let version = contract.version.as_ref().map_or(String::new(), |version| format!("@{version}"));
        let package = contract.package_name();
        let keys = [contract.to_string(), contract.unversioned(), format!("{package}{version}"), package];
        let there = keys.iter().find_map(|key| actor.links.get(key.as_str()));
        match (there, answering) {
            (None, Some(target)) => {
                project.with_link(self.to.as_str(), &contract.unversioned(), name(target)).map(Some)
            }
            (Some(link), Some(target)) if self.from.is_some() && link.to != *target => Err(usage(
                format!("actor {} has a link of {contract} to {} already, not to {target}", self.to, link.to),
                "change `to` in the manifest, where it is to lead elsewhere",
            )),
            _ => Ok(None),
        }
    }

    fn report(
        &self,
        target: &Target,
        change: &Change,
        to: Option<&LinkTarget>,
        written: Vec<PathBuf>,
        here: &Path,
    ) -> Report {
        let contract = &change.contract;
        let world = target.world.as_ref().map_or("the world".to_owned(), |world| format!("world {}", world.name));
        let line =
            change.line.as_ref().map(|line| format!("{world} in {}: {line}", shown(&target.folder, here).display()));
        let link = to.is_none().then(|| {
            let key = contract.unversioned();
            format!("[actors.{}] in the manifest, once somebody answers: links.\"{key}\" = {{ to = \"…\" }}", self.to)
        });
        Report {
            contract: contract.to_string(),
            actor: self.to.to_string(),
            written,
            link: to.map(|target| name(target).to_owned()),
            import: target.language.map(|language| language.import(contract, &change.function)),
            left: line.into_iter().chain(link).collect(),
        }
    }
}

fn name(target: &LinkTarget) -> &str {
    match target {
        LinkTarget::Actor(name) => name.as_str(),
        LinkTarget::Provider(name) => name.as_str(),
    }
}

/// A path as one may type it here.
fn shown(path: &Path, here: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.strip_prefix(here).map_or_else(|_| path.clone(), Path::to_owned)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contract, actor, written, link, import, left } = self;
        match link {
            Some(link) => writeln!(f, "{actor} calls {contract} of {link}")?,
            None => writeln!(f, "{actor} imports {contract}")?,
        }
        written.iter().try_for_each(|path| writeln!(f, "  written: {}", path.display()))?;
        if written.is_empty() && left.is_empty() {
            writeln!(f, "  everything was there already")?;
        }
        left.iter().try_for_each(|line| writeln!(f, "  to add by hand, in {line}"))?;
        import.iter().try_for_each(|import| writeln!(f, "  in the code: {import}"))
    }
}
