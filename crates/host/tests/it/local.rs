//! Changing an application that runs by itself.

use std::sync::Arc;
use std::time::Duration;

use host::application::Piece;
use host::limits::LOCAL_VERSIONS_MAX;
use host::local::{Became, ChangeError, Changed, Control};
use host::record::{Bounds, Masks};
use model::ids::ActorName;
use model::placement::Share;
use tempfile::TempDir;
use testkit::application::{Running, folder, run};
use testkit::http::get;
use testkit::versions::{Does, versioned};
use tokio::time::Instant;

struct Scene {
    running: Running,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let manifest = "manifest = 1\n[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"one.wasm\"\n\
             links.\"lath:keyvalue\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/memory\" }\n\
             [[routes]]\npath = \"/count\"\nto = \"counter\"\n";
        let folder = folder(manifest).unwrap();
        std::fs::write(folder.path().join("one.wasm"), versioned("one", Does::Good).unwrap()).unwrap();
        Self { running: run(folder.path()).await.unwrap(), folder }
    }

    fn control(&self) -> &Control {
        self.running.host.control()
    }

    fn piece(&self, version: &str) -> Piece {
        let path = self.folder.path().join(format!("{version}.wasm"));
        std::fs::write(&path, versioned(version, Does::Good).unwrap()).unwrap();
        Piece::read(&counter(), &path).unwrap()
    }

    fn patch(&self, version: &str) -> Result<Changed, ChangeError> {
        self.control().patch(&counter(), &self.piece(version), None)
    }

    async fn wait(&self, changed: Result<Changed, ChangeError>) -> Became {
        self.control().wait(changed.unwrap().version, Instant::now() + Duration::from_secs(60)).await
    }

    async fn version(&self) -> String {
        let answer = get(&self.running.url("/count?amount=0").unwrap()).await.unwrap();
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["version"].as_str().unwrap().to_owned()
    }
}

fn counter() -> ActorName {
    "counter".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_does_not_start_is_given_up() {
    let scene = Scene::start().await;
    // The bytes are not those that were looked at.
    let broken = Piece { bytes: Arc::from(&b"nonsense"[..]), ..scene.piece("two") };
    let became = scene.wait(scene.control().patch(&counter(), &broken, None)).await;
    assert!(
        matches!(&became, Became::Failing(reason) if reason.contains("actor counter cannot be linked")),
        "{became:?}"
    );
    let status = scene.control().status();
    assert_eq!((status.version, status.wanted, status.failing.len()), (Some(1), Some(1), 0), "{status:?}");
    assert_eq!(scene.version().await, "one");
    assert_eq!(scene.wait(scene.patch("two")).await, Became::Serves);
    assert_eq!(scene.version().await, "two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_version_takes_the_place_of_one_that_is_tried() {
    let scene = Scene::start().await;
    let all = Share::per_mille(999);
    let tried = scene.control().patch(&counter(), &scene.piece("two"), all);
    let (tried, later) = (scene.wait(tried), async { scene.wait(scene.patch("three")).await });
    assert_eq!(tokio::join!(tried, later), (Became::Superseded, Became::Serves));
    let nothing = scene.control().wait(4, Instant::now() + Duration::from_millis(50)).await;
    assert_eq!(nothing, Became::Overdue);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_versions_can_be_gone_back_to() {
    let scene = Scene::start().await;
    let last = LOCAL_VERSIONS_MAX as u64 + 1;
    for version in 2..=last {
        assert_eq!(scene.patch(&format!("v{version}")).unwrap(), Changed { version, is_new: true });
    }
    assert_eq!(scene.patch(&format!("v{last}")).unwrap(), Changed { version: last, is_new: false });
    // The one that it was started with stays; the one after it went.
    let gone = scene.control().rollback(Some(2)).unwrap_err();
    let kept: Vec<_> = (3..=last).map(|version| version.to_string()).collect();
    let said = format!("application count has no such version to go back to; it has 1, {}", kept.join(", "));
    assert_eq!(gone.to_string(), said);
    assert_eq!(scene.wait(scene.control().rollback(Some(1))).await, Became::Serves);
    assert_eq!(scene.version().await, "one");
    // What ran before that, which was superseded before it was trusted: it is tried.
    scene.control().rollback(None).unwrap();
    assert_eq!(scene.control().status().version, Some(last + 1));
    let none = scene.control().patch(&"cart".parse().unwrap(), &scene.piece("one"), None).unwrap_err();
    assert_eq!(none.to_string(), "application count has no actor cart; it has counter");
    let control = scene.control().clone();
    scene.running.host.drain().await.unwrap();
    assert!(matches!(control.rollback(None), Err(ChangeError::Stops { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_trusted_is_gone_back_to_at_once_and_recorded() {
    let scene = Scene::start().await;
    let control = scene.control();
    let bad = scene.folder.path().join("bad.wasm");
    std::fs::write(&bad, versioned("bad", Does::Traps).unwrap()).unwrap();
    let bad = Piece::read(&counter(), &bad).unwrap();
    let refused = async |changed: Result<Changed, ChangeError>| {
        let calling = async {
            loop {
                let _ = get(&scene.running.url("/count?amount=0").unwrap()).await;
            }
        };
        tokio::select! {
            became = scene.wait(changed) => assert!(matches!(became, Became::Refused(_)), "{became:?}"),
            () = calling => {}
        }
    };
    let tried = control.patch(&counter(), &bad, Share::per_mille(999));
    let recorded = control.record(&counter(), Masks(Vec::new()), Bounds::default());
    assert!(matches!(recorded, Err(ChangeError::Unsettled { .. })));
    refused(tried).await;
    // Another that does not start is given up; what was refused does not stand in its place.
    let broken = Piece { bytes: Arc::from(&b"nonsense"[..]), ..scene.piece("two") };
    let became = scene.wait(control.patch(&counter(), &broken, None)).await;
    assert!(matches!(became, Became::Failing(_)), "{became:?}");
    scene.patch("three").unwrap();
    assert_eq!(scene.wait(control.rollback(None)).await, Became::Serves);
    assert_eq!(scene.version().await, "one");
    // Who names what was refused gets it tried.
    refused(control.rollback(Some(2))).await;
    assert_eq!(scene.version().await, "one");
}
