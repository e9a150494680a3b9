//! Applications of `lath run` that other commands change while they serve.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use testkit::application::folder;
use testkit::counting::READY;
use testkit::versions::{Does, versioned};

use crate::lath::{Ended, command, ended};
use crate::run::Serving;

/// A counter that runs, with sockets and data of its own.
struct Scene {
    serving: Serving,
    folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let manifest = format!(
            "manifest = 1\n[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"one.wasm\"\n{READY}\
             links.\"lath:keyvalue\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/embedded\" }}\n\
             [[routes]]\npath = \"/count\"\nto = \"counter\"\n"
        );
        let folder = folder(&manifest).unwrap();
        std::fs::write(folder.path().join("one.wasm"), versioned("one", Does::Good).unwrap()).unwrap();
        let serving = Serving::start_with(folder.path(), &folder.path().join("data"), &[], &runtime_of(&folder));
        Self { serving, folder }
    }

    fn lath(&self, args: &[&str]) -> Ended {
        lath_at(self.folder.path(), args)
    }

    fn patch(&self, version: &str, does: Does) -> Ended {
        let path = self.folder.path().join(format!("{version}.wasm"));
        std::fs::write(&path, versioned(version, does).unwrap()).unwrap();
        self.lath(&["patch", "count/counter", path.to_str().unwrap(), "--format", "json"])
    }

    fn status(&self) -> Value {
        self.lath(&["status", "count", "--format", "json"]).json()
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("lath/count.sock")
    }
}

fn lath_at(runtime: &Path, args: &[&str]) -> Ended {
    ended(command(args).env("XDG_RUNTIME_DIR", runtime))
}

/// The versions of the answers to requests that are sent one after the other, and those that were none.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Load {
    /// Sends requests until it is stopped.
    fn of<'s>(scope: &'s thread::Scope<'s, '_>, serving: &'s Serving) -> Self {
        let load = Self { stop: Arc::default(), answers: Arc::default() };
        let (stop, answers) = (Arc::clone(&load.stop), Arc::clone(&load.answers));
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let answer = serving.get("/count");
                let body = answer.split_once("\r\n\r\n").map_or(answer.as_str(), |(_, body)| body);
                let version = serde_json::from_str::<Value>(body).ok();
                let version = version.and_then(|body| Some(body["version"].as_str()?.to_owned()));
                answers.lock().unwrap().push(version.unwrap_or(answer));
                thread::sleep(Duration::from_millis(5));
            }
        });
        load
    }

    fn answers(&self) -> Vec<String> {
        self.answers.lock().unwrap().clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_patch_under_load_fails_nothing_and_is_gone_back_from_at_once() {
    let scene = Scene::start();
    assert_eq!(scene.status()["state"], "ready");
    thread::scope(|scope| {
        let load = Load::of(scope, &scene.serving);
        let patched = scene.patch("two", Does::Good);
        assert_eq!((patched.code, patched.json()["waited"].as_str()), (0, Some("done")), "{patched:#?}");
        let again = scene.lath(&["patch", "count/counter", scene.folder.path().join("two.wasm").to_str().unwrap()]);
        assert_eq!(again.success(), "count: version 2 stands already, nothing was changed\n");
        let status = scene.status();
        assert_eq!((&status["version"], &status["patched"][0]), (&2.into(), &"counter".into()), "{status}");
        let back = scene.lath(&["rollback", "count"]);
        assert_eq!(back.success(), "count: version 3 serves\n");
        let before = load.answers();
        until(|| load.answers().len() > before.len() + 1);
        assert_eq!(load.answers().last().unwrap(), "one");
        assert!(before.iter().any(|version| version == "two"));
        let odd: Vec<_> = before.iter().filter(|version| !["one", "two"].contains(&version.as_str())).collect();
        assert!(odd.is_empty(), "{odd:?}");
    });
    scene.serving.signal("TERM");
    let (socket, Scene { serving, folder }) = (scene.socket(), scene);
    assert_eq!(serving.end().1, 0);
    assert!(!socket.exists());
    let gone = lath_at(folder.path(), &["status", "count"]);
    assert!(gone.failure().contains("no `lath run` of yours serves an application count"), "{gone:#?}");
}

#[test]
fn bad_versions_leave_what_runs() {
    let scene = Scene::start();
    thread::scope(|scope| {
        let load = Load::of(scope, &scene.serving);
        for (version, does, reason) in [
            ("traps", Does::Traps, "calls failed, of the version before"),
            ("unready", Does::Unready, "was not ready within 2s"),
        ] {
            let patched = scene.patch(version, does);
            let done = patched.json();
            assert_eq!((patched.code, done["waited"].as_str()), (1, Some("rolled-back")), "{patched:#?}");
            assert!(done["reason"].as_str().unwrap().contains(reason), "{done}");
            assert_eq!(done["status"]["version"], 1);
        }
        assert!(load.answers().iter().any(|answer| answer == "one"));
    });
    // What cannot be: no such actor, a component that lacks what is called, none at all.
    let one = scene.folder.path().join("one.wasm");
    let refused = scene.lath(&["patch", "count/counters", one.to_str().unwrap()]);
    assert!(refused.failure().contains("application count has no actor counters; it has counter"), "{refused:#?}");
    let other = testkit::application::guest("wasm32-wasip2", "typed");
    let refused = scene.lath(&["patch", "count/counter", other.to_str().unwrap()]);
    assert!(refused.failure().contains("application count cannot run with it; it stays as it is"), "{refused:#?}");
    assert!(refused.stderr.contains("actor counter is to be asked `test:versioned/health#ready`"), "{refused:#?}");
    let refused = scene.lath(&["patch", "count/counter", "nowhere.wasm"]);
    assert!(refused.failure().contains("nowhere.wasm"), "{refused:#?}");
    let broken = versioned("broken", Does::Good).unwrap();
    std::fs::write(scene.folder.path().join("broken.wasm"), &broken[..broken.len() / 2]).unwrap();
    let refused = scene.lath(&["patch", "count/counter", scene.folder.path().join("broken.wasm").to_str().unwrap()]);
    assert!(refused.failure().contains("the component of actor counter cannot be used"), "{refused:#?}");
    let refused = scene.lath(&["rollback", "count", "17"]);
    assert!(refused.failure().contains("it has 1, 2, 3"), "{refused:#?}");
    assert_eq!(scene.status()["refused"]["version"], 3);
}

#[test]
fn garbage_on_the_socket_is_answered_or_ends() {
    let scene = Scene::start();
    assert_eq!(std::fs::metadata(scene.socket().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let ask = |text: &[u8]| {
        let mut stream = UnixStream::connect(scene.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let _ = stream.write_all(text);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for text in [&b"nonsense\n"[..], b"{\"patch\":{}}\n", b"{\"status\":{\"watch\":false,\"more\":1}}\n", b"[]\n"] {
        assert!(ask(text).contains("does not understand"), "{}", String::from_utf8_lossy(text));
    }
    assert!(!ask(&vec![b'x'; 70 << 10]).contains("ready"));
    // As many as there may be say nothing: one more is sent away, until they are.
    let silent: Vec<_> = (0..8).map(|_| UnixStream::connect(scene.socket()).unwrap()).collect();
    until(|| scene.lath(&["status", "count"]).code == 1);
    until(|| scene.lath(&["status", "count"]).code == 0);
    drop(silent);
    // Those that watch and go make room at once.
    for _ in 0..20 {
        let mut watching = UnixStream::connect(scene.socket()).unwrap();
        watching.write_all(b"{\"status\":{\"watch\":true}}\n").unwrap();
        watching.read_exact(&mut [0; 1]).unwrap();
    }
    until(|| scene.lath(&["status", "count"]).code == 0);
}

#[test]
fn a_run_of_the_same_name_goes_on_without_a_socket_and_a_stale_one_is_replaced() {
    let scene = Scene::start();
    let second =
        Serving::start_with(scene.folder.path(), &scene.folder.path().join("more"), &[], &runtime_of(&scene.folder));
    assert!(second.get("/count").contains("\"version\":\"one\""));
    second.signal("TERM");
    assert_eq!(second.end().1, 0);
    assert_eq!(scene.status()["state"], "ready");
    scene.serving.signal("KILL");
    let Scene { serving, folder } = scene;
    drop(serving);
    let third = Serving::start_with(folder.path(), &folder.path().join("third"), &[], &runtime_of(&folder));
    let status = lath_at(folder.path(), &["status", "--format", "json"]);
    assert_eq!((status.code, status.json()["application"].as_str()), (0, Some("count")), "{status:#?}");
    third.signal("TERM");
    assert_eq!(third.end().1, 0);
}

/// A `lath record` that has begun; its file.
fn recording(scene: &Scene, name: &str) -> (Child, String) {
    let file = scene.folder.path().join(name).to_str().unwrap().to_owned();
    let mut lath = command(["record", "count/counter", "-o", &file]);
    lath.env("XDG_RUNTIME_DIR", scene.folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = lath.spawn().unwrap();
    let mut told = [0; 9];
    child.stderr.as_mut().unwrap().read_exact(&mut told).unwrap();
    assert_eq!(&told, b"recording");
    (child, file)
}

fn told(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_runs_is_recorded_and_goes_on_without() {
    let scene = Scene::start();
    let (child, file) = recording(&scene, "one.rec");
    for sum in 1..=3 {
        assert!(scene.serving.get("/count").contains(&format!("{{\"counter\":{sum},\"version\":\"one\"}}")));
    }
    let sent = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let (code, recorded) = told(child);
    // It was asked whether it is ready, too.
    assert!(code == Some(0) && recorded.starts_with(&format!("recorded 4 calls of counter in {file}, ")), "{recorded}");
    assert!(scene.serving.get("/count").contains("\"counter\":4"));
    let one = scene.folder.path().join("one.wasm");
    let replayed = lath_at(scene.folder.path(), &["replay", &file, one.to_str().unwrap()]);
    assert!(replayed.success().contains("4 calls"), "{replayed:#?}");
    // A patch ends it, and what there is is kept.
    let (child, file) = recording(&scene, "two.rec");
    scene.serving.get("/count");
    let patched = scene.patch("two", Does::Good);
    assert_eq!(patched.code, 0, "{patched:#?}");
    let (code, recorded) = told(child);
    assert!(code == Some(0) && recorded.starts_with(&format!("recorded 2 calls of counter in {file}, ")), "{recorded}");
    assert_eq!(scene.status()["patched"][0], "counter");
    for (args, said) in [
        (
            ["record", "count/cart", "-o", "x.rec"],
            "application count has no actor `cart` that runs by itself; there is counter",
        ),
        (["record", "count/counter", "-o", "no/where.rec"], "the recording cannot go to no/where.rec"),
        (["record", "shop/counter", "-o", "x.rec"], "no `lath run` of yours serves an application shop"),
    ] {
        let refused = scene.lath(&args);
        assert!(refused.code != 0 && refused.stderr.contains(said), "{refused:#?}");
    }
}

fn runtime_of(folder: &TempDir) -> [(String, &str); 1] {
    [("XDG_RUNTIME_DIR".to_owned(), folder.path().to_str().unwrap())]
}

fn until(mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < give_up, "it never came true");
        thread::sleep(Duration::from_millis(20));
    }
}
