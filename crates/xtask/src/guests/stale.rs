//! Whether a guest must be built: by the content of what it is built from, not by times, which a checkout changes.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::Guest;
use crate::files;
use crate::pins::{COMPONENTIZE_PY, COMPONENTIZE_QJS};
use crate::project::Project;

/// A number for the command, the tools and the content of every input.
pub(super) fn fingerprint(root: &Path, guest: &Guest) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    (guest.run, COMPONENTIZE_PY.version, COMPONENTIZE_QJS.version).hash(&mut hasher);
    hash_content(root, &inputs(root, guest)?, &mut hasher)?;
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// A number for the content of every output: `lath run` builds too, perhaps from sources that are gone again.
fn made(project: &Project, guest: &Guest) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let outputs: Vec<PathBuf> = guest.outputs.iter().map(|output| project.at(output)).collect();
    hash_content(project.root(), &outputs, &mut hasher)?;
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn hash_content(root: &Path, paths: &[PathBuf], hasher: &mut DefaultHasher) -> Result<()> {
    for file in paths {
        let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        (files::relative(root, file), content).hash(hasher);
    }
    Ok(())
}

/// True where the guest was last built from what has this fingerprint, and is as it was built. Its outputs are then made newer than its
/// inputs, for those who go by times, as `lath run` does.
pub(super) fn is_fresh(project: &Project, guest: &Guest, print: &str) -> Result<bool> {
    let stamped = fs::read_to_string(stamp_path(project, guest)).unwrap_or_default();
    let fresh =
        stamped.strip_prefix(print).is_some_and(|stamped| made(project, guest).is_ok_and(|made| made == stamped));
    if fresh {
        touch_outputs(project, guest)?;
    }
    Ok(fresh)
}

/// Notes that the guest was built from what has this fingerprint.
pub(super) fn stamp(project: &Project, guest: &Guest, print: &str) -> Result<()> {
    for output in guest.outputs {
        fs::metadata(project.at(output))
            .with_context(|| format!("the build of the guest {} made no {output}", guest.name))?;
    }
    touch_outputs(project, guest)?;
    let path = stamp_path(project, guest);
    fs::create_dir_all(path.parent().unwrap_or(&path)).context("cannot make a folder for stamps")?;
    fs::write(&path, print.to_owned() + &made(project, guest)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

fn stamp_path(project: &Project, guest: &Guest) -> PathBuf {
    project.tools().join("guests").join(guest.name)
}

fn inputs(root: &Path, guest: &Guest) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for input in guest.inputs {
        found.extend(files::below(&root.join(input))?);
    }
    Ok(found)
}

fn touch_outputs(project: &Project, guest: &Guest) -> Result<()> {
    let newest = inputs(project.root(), guest)?.iter().filter_map(|file| changed(file)).max();
    for output in guest.outputs {
        let path = project.at(output);
        if changed(&path) < newest {
            let file = File::options().append(true).open(&path);
            file.and_then(|file| file.set_modified(SystemTime::now()))
                .with_context(|| format!("cannot set the time of {output}"))?;
        }
    }
    Ok(())
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
