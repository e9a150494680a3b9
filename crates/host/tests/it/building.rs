//! Building what is stale.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use host::application::{Application, Bounds, Built, Step};
use host::limits::{BUILD_OUTPUT_MAX, BUILD_TIME_MAX, COMPONENT_BYTES_MAX, WATCHED_FILES_MAX};
use tempfile::TempDir;
use testkit::application::chain;

use crate::scene::assert_like;

/// Writes a component that does nothing.
const BUILD: &str = r"printf '\000asm\015\000\001\000' > one.wasm";

fn application(build: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "manifest = 1\n[application]\nname = \"test\"\n[actors.one]\ncomponent = \"app/one.wasm\"\nbuild = {{ {build} }}\n"
    );
    fs::create_dir_all(folder.path().join("app/src/deep")).unwrap();
    fs::create_dir_all(folder.path().join("app/target/src")).unwrap();
    fs::create_dir_all(folder.path().join("wit")).unwrap();
    fs::write(folder.path().join("lath.toml"), text).unwrap();
    folder
}

fn open(folder: &TempDir, bounds: &Bounds) -> Result<Vec<&'static str>, String> {
    let mut steps = Vec::new();
    let mut progress = |step| {
        steps.push(match step {
            Step::Building { .. } => "building",
            Step::Built { .. } => "built",
            Step::Compiling { .. } | Step::Compiled { .. } => "other",
        });
    };
    let opened = Application::open_within(bounds, folder.path(), &mut progress);
    match opened {
        Ok(_) => Ok(steps),
        Err(error) => Err(chain(&error).replace(folder.path().to_str().unwrap(), "DIR")),
    }
}

/// Makes a file that is this much newer than all there is.
fn touch(path: &Path, seconds: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = File::options().create(true).append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_component_is_built_when_it_is_stale() {
    let watch = r#"["src/**", "*.toml", "exact.txt", "assets", "../wit/*.wit", "{a,b}/x", "not-there/**"]"#;
    let folder = application(&format!("run = '''{BUILD}''', dir = \"app\", watch = {watch}"));
    let (built, fresh) = (Ok(vec!["building", "built"]), Ok(vec![]));
    assert_eq!(open(&folder, &Bounds::default()), built, "it is missing");
    assert_eq!(open(&folder, &Bounds::default()), fresh, "it was built just now");
    for (file, stale) in [
        ("app/src/lib.rs", true),
        ("app/src/deep/er.rs", true),
        ("app/Cargo.toml", true),
        ("app/src/../exact.txt", true),
        ("app/assets/logo.svg", true),
        ("wit/world.wit", true),
        ("app/b/x", true),
        ("app/other.txt", false),
        ("app/sub/Cargo.toml", false),
        ("app/c/x", false),
        ("app/target/src/lib.rs", false),
        ("app/src/target/made.rs", false),
        ("app/src/.hidden/file", false),
        ("wit/deep/world.wit", false),
        ("wit/readme.md", false),
    ] {
        let path = folder.path().join(file);
        touch(&path, 3_600);
        assert_eq!(open(&folder, &Bounds::default()), if stale { built.clone() } else { fresh.clone() }, "{file}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn without_patterns_the_build_decides() {
    let folder = application(&format!("run = '''{BUILD}''', dir = \"app\""));
    for _ in 0..2 {
        assert_eq!(open(&folder, &Bounds::default()), Ok(vec!["building", "built"]));
    }
}

#[test]
fn a_build_that_fails_says_why() {
    for (build, expected) in [
        (
            "run = 'echo to stdout; echo to stderr >&2; exit 3', dir = 'app'",
            "actor one could not be built: `echo to stdout; echo to stderr >&2; exit 3` failed with exit status: 3; its last \
             output:…",
        ),
        (
            "run = 'not-a-command-of-anyone', dir = 'app'",
            "actor one could not be built: `not-a-command-of-anyone` failed with exit status: 127; its last output:…",
        ),
        (
            "run = 'true', dir = 'nowhere'",
            "actor one could not be built: cannot start `true` in DIR/nowhere; check `build.run` …",
        ),
        (
            "run = 'true', dir = 'app'",
            "the component of actor one is not at DIR/app/one.wasm; build it, or say how with `build = { run = \"…\" }`",
        ),
    ] {
        assert_like(&open(&application(build), &Bounds::default()).unwrap_err(), expected);
    }
}

#[test]
fn a_pattern_must_be_one() {
    let folder = application("run = 'true', dir = 'app', watch = ['src/{a']");
    fs::write(folder.path().join("app/one.wasm"), b"").unwrap();
    let expected = "actor one could not be built: watch pattern `src/{a` is not a glob; write for instance `src/**`: …";
    assert_like(&open(&folder, &Bounds::default()).unwrap_err(), expected);
}

#[test]
fn a_slow_build_is_stopped() {
    let folder = application("run = 'echo begun; exec sleep 600', dir = 'app'");
    let bounds = Bounds { build_time: Duration::from_millis(200), ..Bounds::default() };
    assert_eq!(
        open(&folder, &bounds).unwrap_err(),
        "actor one could not be built: `echo begun; exec sleep 600` did not finish within 0.2 s and was stopped; its last \
         output:\nbegun"
    );
}

#[test]
fn the_end_of_the_output_is_kept() {
    let lines = "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo out $i; echo err $i >&2; done; exit 1";
    let text = open(&application(&format!("run = '{lines}', dir = 'app'")), &Bounds::default()).unwrap_err();
    assert!(text.contains("\nout 5000") && text.contains("\nerr 5000"), "{text}");
    assert!((BUILD_OUTPUT_MAX..2 * BUILD_OUTPUT_MAX + 500).contains(&text.len()), "{}", text.len());
}

#[test]
fn the_files_looked_at_are_bounded() {
    let folder = application("run = 'true', dir = 'app', watch = ['src/**', '../wit/**']");
    touch(&folder.path().join("app/one.wasm"), 3_600);
    fs::write(folder.path().join("app/one.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    touch(&folder.path().join("app/one.wasm"), 3_600);
    for file in ["app/src/a", "app/src/deep/b", "wit/c"] {
        touch(&folder.path().join(file), 0);
    }
    // Three files and the folder `deep`.
    let within = |watched_files| open(&folder, &Bounds { watched_files, ..Bounds::default() });
    assert_eq!(within(4), Ok(vec![]));
    assert_eq!(
        within(3).unwrap_err(),
        "actor one could not be built: cannot look for changes in DIR/app; check `dir` and `watch`: there are more than 3 files"
    );
}

#[test]
fn the_bounds_are_those_of_the_limits() {
    let bounds =
        Bounds { build_time: BUILD_TIME_MAX, watched_files: WATCHED_FILES_MAX, component_bytes: COMPONENT_BYTES_MAX };
    assert_eq!(Bounds::default(), bounds);
}

/// Actors with these builds, each in a folder of its own but where it names another's.
fn several(builds: &[(&str, &str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "manifest = 1\n[application]\nname = \"test\"\n".to_owned();
    for (actor, dir, run) in builds {
        fs::create_dir_all(folder.path().join(dir)).unwrap();
        let build = format!("build = {{ run = '''{run}''', dir = \"{dir}\" }}");
        text += &format!("[actors.{actor}]\ncomponent = \"{dir}/{actor}.wasm\"\n{build}\n");
    }
    fs::write(folder.path().join("lath.toml"), text).unwrap();
    folder
}

/// What became of each actor, and what was built.
fn built(folder: &TempDir) -> (Vec<String>, Vec<String>) {
    let mut commands = Vec::new();
    let outcomes = host::application::build(None, folder.path(), &mut |step| {
        if let Step::Building { actor, .. } = step {
            commands.push(actor.to_string());
        }
    });
    let told = |(actor, built): (_, Built)| match built {
        Built::Nohow => format!("{actor}: nohow"),
        Built::Fresh => format!("{actor}: fresh"),
        Built::Done(_) => format!("{actor}: done"),
        Built::Failed(error) => format!("{actor}: {:?}", error.help()),
        Built::Like(other) => format!("{actor}: like {other}"),
    };
    commands.sort();
    (outcomes.unwrap().into_iter().map(told).collect(), commands)
}

#[test]
fn builds_run_side_by_side() {
    if std::thread::available_parallelism().unwrap().get() == 1 {
        return; // They run one after the other there.
    }
    // Each waits for the other.
    let (tell, hear) = ("mkfifo ../pipe 2>/dev/null; echo x > ../pipe", "mkfifo ../pipe 2>/dev/null; cat ../pipe");
    let (outcomes, _) = built(&several(&[("one", "one", tell), ("two", "two", hear)]));
    assert_eq!(outcomes, ["one: done", "two: done"]);
}

#[test]
fn a_command_of_several_runs_once() {
    let run = "echo x >> ran; touch one.wasm two.wasm";
    let folder = several(&[("one", "app", run), ("three", "other", run), ("two", "app", run)]);
    let (outcomes, commands) = built(&folder);
    assert_eq!(
        (outcomes.join(" "), commands.join(" ")),
        ("one: done three: done two: done".into(), "one three".into())
    );
    assert_eq!(fs::read_to_string(folder.path().join("app/ran")).unwrap(), "x\n");
}

#[test]
fn what_fails_keeps_nothing_else_from_being_built_and_names_what_is_missing() {
    let rustc = "echo \"error[E0463]: can't find crate for core\n  = note: the \\`wasm32-wasip2\\` target may not be installed\" >&2; exit 101";
    let folder = several(&[
        ("a-shell", "a", "componentize-py-not --version"),
        ("b-like", "a", "componentize-py-not --version"),
        ("c-target", "c", rustc),
        ("d-subcommand", "d", "echo 'error: no such command: `component`' >&2; exit 101"),
        ("e-known", "e", "echo 'sh: line 1: jco: command not found' >&2; exit 127"),
        ("f-other", "f", "exit 3"),
        ("g-good", "g", "true"),
    ]);
    let (outcomes, _) = built(&folder);
    let some = |text: &str| format!("{:?}", Some(text));
    let shell = some("componentize-py-not is missing: install it, or put the folder that it is in into PATH");
    let target = some("the target wasm32-wasip2 of Rust is missing: rustup target add wasm32-wasip2");
    let subcommand = some("the command component of cargo is missing: cargo install cargo-component");
    let known = some("jco is missing: npm install --global @bytecodealliance/jco");
    let expected = [
        format!("a-shell: {shell}"),
        "b-like: like a-shell".to_owned(),
        format!("c-target: {target}"),
        format!("d-subcommand: {subcommand}"),
        format!("e-known: {known}"),
        "f-other: None".to_owned(),
        "g-good: done".to_owned(),
    ];
    assert_eq!(outcomes, expected);
}
