//! Components on disk.

use std::time::{Duration, SystemTime};

use host::executor::Disk;
use model::digest::Digest;

#[test]
fn what_is_kept_is_found_and_what_is_damaged_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("components"), 1_000).unwrap();
    let digest = Digest::of(b"one");
    assert!(disk.take(digest).is_none());
    disk.keep(digest, b"one");
    assert_eq!(&*disk.take(digest).unwrap(), b"one");
    let file = std::fs::read_dir(folder.path().join("components")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"two").unwrap();
    assert!(disk.take(digest).is_none());
    assert!(!file.exists(), "it is thrown away, and fetched again");
}

#[test]
fn the_least_recently_used_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path(), 250).unwrap();
    let bytes = |byte: u8| vec![byte; 100];
    for byte in [1, 2] {
        disk.keep(Digest::of(&bytes(byte)), &bytes(byte));
    }
    // Times of files are coarse: say that the first was used long ago, and the second longer.
    for (byte, age) in [(1, 10), (2, 20)] {
        let name = Digest::of(&bytes(byte)).to_string();
        let file = std::fs::File::open(folder.path().join(name.trim_start_matches("sha256:"))).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    disk.keep(Digest::of(&bytes(3)), &bytes(3));
    let there = [1, 2, 3].map(|byte| disk.take(Digest::of(&bytes(byte))).is_some());
    assert_eq!(there, [true, false, true]);
}
