//! What the documents tell a reader to type does what they say.

use std::env;
use std::fs;
use std::path::Path;

use testkit::application::root;

use crate::lath::{command_named, ended};

/// The lines of shell blocks that begin with `lath`.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.flat_map(|(block, _)| block.lines()).filter(|line| line.starts_with("lath ")).collect()
}

#[test]
fn the_commands_of_the_readme_run() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().canonicalize().unwrap().join("examples"), folder.path().join("examples"))
        .unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_lath")).parent().unwrap();
    let path = env::join_paths([bin.to_owned()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())));
    let path = path.unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    // Those that need servers are run with them by the tests of `operate`.
    let needs_servers =
        |line: &&str| ["up", "status", "patch", "rollback", "drain"].iter().any(|it| line[5..].starts_with(it));
    let here = commands(&readme).into_iter().filter(|line| !needs_servers(line));
    let (served, ended_by_itself): (Vec<_>, Vec<_>) = here.partition(|line| line.starts_with("lath run "));
    // What serves, and commands, are run by tests of their own.
    assert!(served.len() == 3 && ended_by_itself.len() > 3, "{readme}");
    for line in ended_by_itself {
        let ended = ended(command_named("sh", ["-c", line]).current_dir(folder.path()).env("PATH", &path));
        let told = ended.success().trim_end();
        // A result in the remark is the one that is printed.
        let remark = line.split_once("# ").map_or("", |(_, remark)| remark);
        assert!(!remark.starts_with("ok(") || remark == told, "{line}: {told}");
    }
}
