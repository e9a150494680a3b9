//! What a WIT folder lacks to import a contract, found out before anything is written.

use std::fs;
use std::path::{Path, PathBuf};

use adapter::source::InterfaceText;
use model::contract::ContractName;

use super::origin::{Origin, usage};
use super::target::Target;
use super::world::with_import;
use crate::error::CliError;
use crate::source_file::SourceFile;

/// Files to write, and what the user is left to do.
pub(super) struct Change {
    /// The contract in full.
    pub(super) contract: ContractName,
    /// Its first function.
    pub(super) function: String,
    /// Files with their new texts.
    pub(super) files: Vec<(PathBuf, String)>,
    /// A line of WIT that could not be written, where the world cannot be told.
    pub(super) line: Option<String>,
}

impl Change {
    /// What `target` lacks to import `contract` of `origin`.
    ///
    /// # Errors
    ///
    /// It has the contract in another version or form, or would not be valid WIT with it.
    pub(super) fn of(target: &Target, origin: &Origin, contract: &str) -> Result<Self, CliError> {
        let texts = origin.source.interface_texts(contract)?;
        let (contract, function) = resolved(origin, contract, &texts)?;
        let files = texts.iter().map(|text| lacking(target, origin, text)).filter_map(Result::transpose);
        let files: Vec<_> = files.collect::<Result<_, _>>()?;
        let has_import = target.world.as_ref().is_some_and(|world| world.imports.contains(&contract));
        let with_world = if has_import { None } else { world_file(target, &contract)? };
        if let Some(world) = with_world {
            let all: Vec<_> = files.iter().cloned().chain([world]).collect();
            if check(target, &all).is_ok() {
                return Ok(Self { contract, function, files: all, line: None });
            }
        }
        check(target, &files)?;
        let line = (!has_import).then(|| format!("import {contract};"));
        Ok(Self { contract, function, files, line })
    }
}

/// The full name of what was asked for, and a function of it.
fn resolved(origin: &Origin, wanted: &str, texts: &[InterfaceText]) -> Result<(ContractName, String), CliError> {
    let is_meant = |name: &ContractName| {
        name.to_string() == wanted || name.unversioned() == wanted || name.interface == wanted && !wanted.contains(':')
    };
    let missing = || usage(format!("{} has no contract {wanted}", origin.subject), "write its name in full");
    let name = texts.iter().map(|text| &text.name).find(|name| is_meant(name)).ok_or_else(missing)?;
    // Contracts of resources and streams have functions, too; how they are called is their bindings' matter.
    let contract = origin.source.contract(&name.to_string());
    let function = contract.ok().and_then(|contract| contract.functions.into_keys().next());
    Ok((name.clone(), function.unwrap_or_default()))
}

/// The file that `target` lacks for an interface.
fn lacking(target: &Target, origin: &Origin, wanted: &InterfaceText) -> Result<Option<(PathBuf, String)>, CliError> {
    let name = &wanted.name;
    let known = target.source.contract_names();
    let Some(there) = known.iter().find(|known| known.same_interface(name)) else {
        let folder = format!("deps/{}-{}", name.namespace, name.package);
        let path = target.folder.join(folder).join(format!("{}.wit", name.interface));
        return match path.symlink_metadata() {
            Ok(_) => {
                Err(usage(format!("{} is there, and has no {name}", path.display()), "move it away, and try again"))
            }
            Err(_) => Ok(Some((path, wanted.text.clone()))),
        };
    };
    let folder = target.folder.display();
    if there.version != name.version {
        let message = format!("{folder} has {there}, and {} has {name}", origin.subject);
        return Err(usage(message, "remove the one that is not meant: an actor imports one version"));
    }
    let texts = target.source.interface_texts(&there.to_string())?;
    if texts.iter().any(|text| text.name == *name && text.bare == wanted.bare) {
        return Ok(None);
    }
    let message = format!("{name} is not the same in {folder} and in {}", origin.subject);
    Err(usage(message, "give one of them another version, or copy the one that is meant over the other"))
}

/// The file of the target's world with the import; nothing where it cannot be told.
fn world_file(target: &Target, contract: &ContractName) -> Result<Option<(PathBuf, String)>, CliError> {
    let Some(world) = &target.world else { return Ok(None) };
    let changed = texts(&target.folder)?
        .into_iter()
        .find_map(|(path, text)| with_import(&text, &world.name, &contract.to_string()).map(|text| (path, text)));
    Ok(changed)
}

/// Whether the folder is valid WIT once it has these files: tried on a copy.
fn check(target: &Target, files: &[(PathBuf, String)]) -> Result<(), CliError> {
    let draft =
        tempfile::tempdir().map_err(|source| CliError::File { verb: "make", path: std::env::temp_dir(), source })?;
    let at = |path: &Path| draft.path().join("wit").join(path.strip_prefix(&target.folder).unwrap_or(path));
    let mut all = texts(&target.folder)?;
    for dependency in entries(&target.folder.join("deps"))? {
        all.extend(if dependency.is_dir() { texts(&dependency)? } else { text(&dependency)?.into_iter().collect() });
    }
    all.extend(files.iter().cloned());
    for (path, text) in all {
        write(&at(&path), &text)?;
    }
    let folder = draft.path().join("wit");
    SourceFile::read(&folder)?.into_source(&folder).map(drop).map_err(|error| {
        let shown = target.folder.display().to_string();
        let reason = error.to_string().replace(&folder.display().to_string(), &shown);
        usage(format!("with the contract, {reason}"), "add its WIT by hand")
    })
}

/// Writes the files and does what comes `last`, or takes back what was written where any of it fails.
pub(super) fn write_all(
    files: &[(PathBuf, String)],
    last: impl FnOnce() -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut begun = Vec::new();
    let written = files.iter().try_for_each(|(path, text)| {
        begun.push((path, fs::read(path).ok()));
        write(path, text)
    });
    written
        .and_then(|()| last())
        .inspect_err(|_| begun.iter().for_each(|(path, before)| restore(path, before.as_deref())))
}

/// Puts back what was at a path. What fails here does so for the reason that is told already.
fn restore(path: &Path, before: Option<&[u8]>) {
    if let Some(before) = before {
        let _ = fs::write(path, before);
        return;
    }
    let _ = fs::remove_file(path);
    // The package's folder and `deps`: only what is empty can be removed.
    for folder in path.ancestors().skip(1).take(2) {
        let _ = fs::remove_dir(folder);
    }
}

/// Writes a file, and the folders above it.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|source| CliError::File { verb: "make", path: path.to_owned(), source })
}

fn texts(folder: &Path) -> Result<Vec<(PathBuf, String)>, CliError> {
    entries(folder)?.iter().filter_map(|path| text(path).transpose()).collect()
}

/// A file of WIT.
fn text(path: &Path) -> Result<Option<(PathBuf, String)>, CliError> {
    if !path.is_file() || path.extension().is_none_or(|extension| extension != "wit") {
        return Ok(None);
    }
    let text =
        fs::read_to_string(path).map_err(|source| CliError::File { verb: "read", path: path.to_owned(), source })?;
    Ok(Some((path.to_owned(), text)))
}

/// What a folder holds, in order of names; nothing where it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let listed = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<_> =
        listed.map_err(|source| CliError::File { verb: "read", path: folder.to_owned(), source })?;
    paths.sort();
    Ok(paths)
}
