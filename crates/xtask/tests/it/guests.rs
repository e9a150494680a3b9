use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use xtask::guests::{GUESTS, Guest, freshen};
use xtask::pins::{COMPONENTIZE_PY, COMPONENTIZE_QJS};
use xtask::project::Project;
use xtask::setup::install_for;

#[test]
fn guests_have_their_own_names_and_outputs() {
    let names: BTreeSet<&str> = GUESTS.iter().map(|guest| guest.name).collect();
    assert_eq!(names.len(), GUESTS.len());
    let outputs: Vec<&str> = GUESTS.iter().flat_map(|guest| guest.outputs).copied().collect();
    assert_eq!(outputs.iter().collect::<BTreeSet<_>>().len(), outputs.len());
}

#[test]
fn guests_are_built_from_what_is_there() {
    let project = Project::find().unwrap();
    for guest in &GUESTS {
        for path in guest.inputs.iter().chain([&guest.dir]) {
            assert!(project.at(path).exists(), "the guest {} has no {path}", guest.name);
        }
    }
}

/// A guest that is built by copying.
const COPY: Guest = Guest {
    name: "copy",
    dir: "copy",
    run: "cp in out && echo built >> log",
    inputs: &["copy/in"],
    outputs: &["copy/out"],
};

#[test]
fn a_guest_is_built_again_where_what_goes_in_or_came_out_has_changed() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xtask-guests");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("copy")).unwrap();
    let project = Project::at_root(&root);
    let check = |file: &str, builds: usize| {
        fs::write(root.join("copy").join(file), file).unwrap();
        freshen(&project, &COPY).unwrap();
        assert_eq!(fs::read_to_string(root.join("copy/log")).unwrap().lines().count(), builds, "{file}");
        assert_eq!(fs::read_to_string(root.join("copy/out")).unwrap(), "in");
    };
    check("in", 1);
    check("in", 1);
    check("other", 1);
    check("out", 2);
    fs::remove_file(root.join("copy/out")).unwrap();
    check("in", 3);
}

#[test]
fn one_at_a_time_installs_and_builds() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xtask-alone");
    let project = Project::at_root(&root);
    let first = project.alone().unwrap();
    let second = File::create(root.join("target/tools/lock")).unwrap();
    assert!(second.try_lock().is_err());
    drop(first);
    second.try_lock().unwrap();
}

#[test]
fn only_what_a_guest_is_built_with_is_installed() {
    for guest in &GUESTS {
        let tool = guest.run.split(' ').next().unwrap();
        assert!(["cargo", COMPONENTIZE_PY.package, COMPONENTIZE_QJS.package].contains(&tool), "{}", guest.name);
    }
    let project = Project::at_root(Path::new(env!("CARGO_TARGET_TMPDIR")).join("xtask-setup"));
    install_for(&project, &[&COPY]).unwrap();
    assert!(!project.tools().exists());
}
