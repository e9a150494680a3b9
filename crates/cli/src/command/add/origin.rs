//! Where a contract comes from: a file or folder, an actor of the application, or what comes with Lath.

use std::path::Path;

use adapter::source::{Source, WitFile};
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::{Actor, ComponentRef, LinkTarget, Manifest};

use super::target::Target;
use crate::error::CliError;
use crate::project::Project;
use crate::source_file::SourceFile;

/// The contracts of the built-in providers, in their files.
const BUILT_IN: [&str; 2] = [
    include_str!("../../../../../wit/lath-keyvalue/keyvalue.wit"),
    include_str!("../../../../../wit/lath-keyvalue/store.wit"),
];

/// A source of contracts.
pub(super) struct Origin {
    pub(super) source: Source,
    /// How messages name it.
    pub(super) subject: String,
}

impl Origin {
    /// The source at `from`: an actor of the application, or a path.
    pub(super) fn named(project: &Project, from: &str) -> Result<Self, CliError> {
        let path = Path::new(from);
        if let Some((name, actor)) = project.manifest().actors.iter().find(|(name, _)| name.as_str() == from) {
            let found = of_actor(project, name, actor)?;
            return found.ok_or_else(|| {
                usage(
                    format!("actor {name} has no WIT folder, and its component is not built"),
                    "build it with `lath plan`, or name its WIT with `--from`",
                )
            });
        }
        if !path.exists() && from.contains(':') {
            return Err(usage(
                format!("{from} would be in a registry, and contracts are not fetched from registries yet"),
                "fetch it with `wkg`, and name its file or folder with `--from`",
            ));
        }
        Ok(Self { source: SourceFile::read(path)?.into_source(path)?, subject: path.display().to_string() })
    }

    /// The one source that has the contract, of the actors that export it and of what comes with Lath.
    pub(super) fn found(project: &Project, contract: &str, but: &ActorName) -> Result<Self, CliError> {
        let mut found = Vec::new();
        for (name, actor) in project.manifest().actors.iter().filter(|(name, _)| *name != but) {
            // What another actor lacks is no reason to fail: it may not be meant.
            if let Ok(Some(origin)) = of_actor(project, name, actor)
                && exports(project, name, actor).iter().any(|export| is_named(export, contract))
            {
                found.push(origin);
            }
        }
        if found.is_empty() {
            let built_in = built_in()?;
            if built_in.source.contract_names().iter().any(|name| is_named(name, contract)) {
                return Ok(built_in);
            }
        }
        match (found.pop(), found.pop()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => Err(usage(
                format!("both {} and {} export {contract}", other.subject, one.subject),
                "name one with `--from ACTOR`",
            )),
            _ => Err(usage(
                format!("no actor of the application exports {contract}"),
                "name where it comes from: `--from FILE`, `--from FOLDER`",
            )),
        }
    }
}

/// Who of the application answers a contract, where exactly one does.
pub(super) fn answering(project: &Project, contract: &ContractName, but: &ActorName) -> Option<LinkTarget> {
    let Manifest { actors, providers, .. } = project.manifest();
    let actors = actors.iter().filter(|(name, actor)| {
        *name != but && exports(project, name, actor).iter().any(|export| export.serves(contract))
    });
    let actors = actors.map(|(name, _)| LinkTarget::Actor(name.clone()));
    let is_keyvalue = contract.package_name() == "lath:keyvalue";
    let providers = providers.iter().filter(|(_, provider)| match &provider.contract {
        Some(answered) => answered.serves(contract),
        None => is_keyvalue && provider.kind.starts_with("keyvalue/"),
    });
    let providers = providers.map(|(name, _)| LinkTarget::Provider(name.clone()));
    let mut all = actors.chain(providers);
    all.next().filter(|_| all.next().is_none())
}

/// What an actor exports, as far as its WIT or its component can be read.
fn exports(project: &Project, name: &ActorName, actor: &Actor) -> Vec<ContractName> {
    match Target::of(project, name, actor) {
        Ok(Some(Target { world: Some(world), .. })) => world.exports,
        _ => component(project, actor)
            .map_or(Vec::new(), |source| source.worlds().into_iter().flat_map(|world| world.exports).collect()),
    }
}

fn of_actor(project: &Project, name: &ActorName, actor: &Actor) -> Result<Option<Origin>, CliError> {
    let source = match Target::of(project, name, actor)? {
        Some(target) => Some(target.source),
        None => component(project, actor),
    };
    Ok(source.map(|source| Origin { source, subject: format!("actor {name}") }))
}

/// The actor's component, where it was built.
fn component(project: &Project, actor: &Actor) -> Option<Source> {
    let ComponentRef::Path(path) = &actor.component;
    let path = project.folder().join(path);
    SourceFile::read(&path).and_then(|file| file.into_source(&path)).ok()
}

fn built_in() -> Result<Origin, CliError> {
    let file = |text: &&str| WitFile { path: "lath".to_owned(), text: (*text).to_owned() };
    let rpc = WitFile { path: "lath:rpc".to_owned(), text: adapter::emit::RPC_WIT.to_owned() };
    let files: Vec<_> = BUILT_IN.iter().map(file).collect();
    let source = Source::from_wit("what comes with Lath", &files, &[vec![rpc]])?;
    Ok(Origin { source, subject: "what comes with Lath".to_owned() })
}

fn is_named(contract: &ContractName, text: &str) -> bool {
    contract.to_string() == text || contract.unversioned() == text || contract.interface == text
}

pub(super) fn usage(message: String, help: &str) -> CliError {
    CliError::Usage { message, help: Some(help.to_owned()) }
}
