//! Compiled code on disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::{Engine, EngineSettings};

use crate::guest;
use crate::scene::small;

fn open(folder: &Path) -> Engine {
    Engine::new(EngineSettings { cache_dir: Some(folder.to_owned()), ..small() }).unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Whether the guest was in the cache of a new engine.
fn is_cached(folder: &Path) -> bool {
    open(folder).load(&guest::PLAIN).unwrap().cached
}

#[test]
fn what_was_compiled_once_is_loaded_afterwards() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/code");
    for expected in [false, true, true] {
        assert_eq!(is_cached(&folder), expected);
    }
    // The other engine's code is another entry.
    for expected in [false, true] {
        assert_eq!(open(&folder).load(&guest::CONCURRENT).unwrap().cached, expected);
    }
    assert_eq!(entries(&folder).len(), 2);
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_spoilt_entry_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_cached(folder.path()));
    let file = entries(folder.path()).remove(0);
    let good = fs::read(&file).unwrap();
    let flipped = {
        let mut bytes = good.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    for bad in [&b""[..], b"short", &good[..good.len() - 1], &flipped, &[0; 4096]] {
        fs::write(&file, bad).unwrap();
        assert!(!is_cached(folder.path()), "{} bytes", bad.len());
        assert!(is_cached(folder.path()));
    }
}

#[test]
fn an_entry_that_others_could_have_written_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_cached(folder.path()));
    let file = entries(folder.path()).remove(0);
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    assert!(!is_cached(folder.path()));

    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert!(!is_cached(folder.path()));
    assert!(is_cached(folder.path()));
}

#[test]
fn a_folder_that_others_can_write_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    for _ in 0..2 {
        assert!(!is_cached(folder.path()));
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_folder_that_cannot_be_made_costs_only_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        assert!(!is_cached(&path));
    }
}

#[test]
fn the_least_recently_used_entries_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let component = |n: u32| guest::component(&format!("(component (core module (func (result i32) i32.const {n})))"));
    for n in 0..3 {
        engine.load(&component(n)).unwrap();
    }
    let bytes: Vec<u64> = entries(folder.path()).iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    // The oldest is used again: now the second is the oldest.
    assert!(engine.load(&component(0)).unwrap().cached);
    let bytes_max = bytes.iter().sum::<u64>();
    let settings = EngineSettings { cache_dir: Some(folder.path().to_owned()), cache_bytes_max: bytes_max, ..small() };
    let engine = Engine::new(settings).unwrap();
    assert!(!engine.load(&component(3)).unwrap().cached);
    assert_eq!(entries(folder.path()).len(), 3);
    assert!(engine.load(&component(0)).unwrap().cached);
    assert!(!engine.load(&component(1)).unwrap().cached);
}
