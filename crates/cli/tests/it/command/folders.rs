//! Folders: what is granted, and no way round it.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::said;

/// A folder with a file `old`, a folder `sub`, and beside it a file `secret`.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for place in ["ro", "rw"] {
            fs::create_dir_all(folder.path().join(place).join("sub")).unwrap();
            fs::write(folder.path().join(place).join("old"), "text").unwrap();
        }
        fs::write(folder.path().join("secret"), "secret").unwrap();
        Self { folder }
    }

    /// What the program says of a file, with one folder to read and one to write.
    fn file(&self, words: &[&str]) -> String {
        let place = |name: &str, rights: &str| format!("{}::/{name}{rights}", self.folder.path().join(name).display());
        let (ro, rw) = (place("ro", ""), place("rw", ":rw"));
        let words: Vec<&str> = ["file"].into_iter().chain(words.iter().copied()).collect();
        said(&["--dir", &ro, "--dir", &rw], &words)
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(path)).ok()
    }
}

#[test]
fn without_a_grant_there_are_no_files() {
    for path in ["/", ".", "/etc/passwd", "Cargo.toml"] {
        assert!(said(&[], &["file", "list", path]).starts_with("error: "), "{path}");
    }
}

#[test]
fn a_folder_is_read_and_one_that_says_so_is_written() {
    let scene = Scene::new();
    assert_eq!(scene.file(&["list", "/ro"]), "old sub");
    assert_eq!(scene.file(&["read", "/ro/old"]), "text");
    for (words, done) in [
        (&["write", "/rw/new", "fresh"][..], "written"),
        (&["append", "/rw/new", "er"], "appended"),
        (&["rename", "/rw/new", "/rw/sub/newer"], "renamed"),
        (&["link", "/rw/sub/newer", "/rw/linked"], "linked"),
        (&["mkdir", "/rw/made"], "made"),
        (&["rmdir", "/rw/made"], "removed"),
        (&["truncate", "/rw/old"], "truncated"),
        (&["remove", "/rw/old"], "removed"),
    ] {
        assert_eq!(scene.file(words), done, "{words:?}");
    }
    assert_eq!(scene.text("rw/linked").unwrap(), "fresher");
    assert_eq!(scene.text("rw/old"), None);
}

/// Each change is refused where only reading is granted, and leaves everything as it was.
#[test]
fn what_is_only_read_stays_as_it_is() {
    let scene = Scene::new();
    for words in [
        &["write", "/ro/old", "x"][..],
        &["append", "/ro/old", "x"],
        &["truncate", "/ro/old"],
        &["create", "/ro/new"],
        &["create", "/ro/sub/new"],
        &["remove", "/ro/old"],
        &["mkdir", "/ro/new"],
        &["rmdir", "/ro/sub"],
        &["rename", "/ro/old", "/ro/new"],
        &["touch", "/ro/old"],
        // Across folders of different rights, both ways.
        &["rename", "/ro/old", "/rw/new"],
        &["rename", "/rw/old", "/ro/new"],
        &["link", "/ro/old", "/rw/new"],
        &["link", "/rw/old", "/ro/new"],
        &["link", "/ro/old", "/ro/new"],
    ] {
        let said = scene.file(words);
        assert!(said.starts_with("error: "), "{words:?}: {said}");
        assert_eq!(scene.file(&["list", "/ro"]), "old sub", "{words:?}");
        assert_eq!(scene.file(&["list", "/rw"]), "old sub", "{words:?}");
        assert_eq!(scene.text("ro/old").unwrap(), "text", "{words:?}");
    }
}

#[test]
fn there_is_no_way_out() {
    let scene = Scene::new();
    let at = |path: &str| scene.folder.path().join(path);
    symlink(at("secret"), at("ro/absolute")).unwrap();
    symlink("../secret", at("ro/relative")).unwrap();
    symlink("..", at("ro/up")).unwrap();
    symlink("../..", at("rw/sub/out")).unwrap();
    symlink("/proc/self/root", at("rw/root")).unwrap();
    symlink("old", at("rw/inside")).unwrap();
    let secret = at("secret").display().to_string();
    for path in [
        "/ro/../secret",
        "/ro/sub/../../secret",
        "/ro/absolute",
        "/ro/relative",
        "/ro/relative/",
        "/ro/up/secret",
        "/ro/up/",
        "/ro/up/.",
        "/rw/sub/out/secret",
        "/rw/root/etc/passwd",
        "/ro/./../secret/",
        "/secret",
        &secret,
    ] {
        for words in [["read", path], ["list", path], ["truncate", path], ["remove", path]] {
            // A link itself is in the folder, and goes where it may be removed: from `rw`, not from `ro`.
            let said = scene.file(&words);
            assert!(said.starts_with("error: "), "{words:?}: {said}");
        }
    }
    assert_eq!(scene.text("secret").unwrap(), "secret");
    // The test bites: what leads inside works.
    assert_eq!(scene.file(&["read", "/rw/inside"]), "text");
    assert_eq!(scene.file(&["read", "/rw/sub/../old"]), "text");
}

#[test]
fn a_trailing_slash_is_a_folder() {
    let scene = Scene::new();
    for words in [["read", "/rw/old/"], ["truncate", "/rw/old/"], ["create", "/rw/new/"], ["remove", "/rw/old/"]] {
        let said = scene.file(&words);
        assert!(said.starts_with("error: "), "{words:?}: {said}");
    }
    assert_eq!(scene.text("rw/old").unwrap(), "text");
    assert_eq!(scene.file(&["list", "/rw/sub/"]), "");
}

/// 256 files, the granted folders among them.
#[test]
fn open_files_are_bounded() {
    let scene = Scene::new();
    assert_eq!(scene.file(&["open-many", "/ro/old", "200"]), "200");
    assert_eq!(scene.file(&["open-many", "/ro/old", "300"]), "254 then QuotaExceeded");
    let place = format!("{}::/", scene.folder.path().display());
    let next = super::ended(&mut super::of("command_next", &["--dir", &place], &["files", "secret", "300"]));
    assert_eq!(next.success(), "255 of 300\n");
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let ended = super::run(&["--dir", "/nowhere/at/all"], &["env"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("/nowhere/at/all"), "{ended:#?}");
}
