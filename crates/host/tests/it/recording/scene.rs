//! Actors that are recorded, and files made by hand.

use std::path::{Path, PathBuf};

use host::Sources;
use host::application::Application;
use host::record::{Bounds, Mask, Masks, RecordError, Recorded, Recorder, Recording, RecordingError};
use host::replay::{Verdict, replay};
use model::digest::Digest;
use testkit::application::{Running, example, folder, guest, root, run_given};
use testkit::http::get;

use crate::scene::FAULTY;

/// A running application, one actor of which is recorded.
pub struct Taped {
    pub running: Running,
    pub recorder: Recorder,
}

/// A recorder of `actor` of the application at `path`.
pub fn recorder(path: &Path, actor: &str, masks: Vec<Mask>, bounds: Bounds) -> Result<Recorder, RecordError> {
    let application = Application::open(path, &mut |_| {}).unwrap();
    let plan = application.plan(None).unwrap();
    Recorder::new(&plan.blueprint, &actor.parse().unwrap(), Masks(masks), bounds)
}

impl Taped {
    pub async fn start(path: &Path, actor: &str, masks: Vec<Mask>, bounds: Bounds) -> Self {
        let recorder = recorder(path, actor, masks, bounds).unwrap();
        let sources = Sources { recorder: Some(recorder.clone()), ..Sources::default() };
        Self { running: run_given(path, sources).await.unwrap(), recorder }
    }

    /// The guest `faulty`, with these further lines in its table.
    pub async fn faulty(lines: &str, bounds: Bounds) -> Self {
        let head = "manifest = 1\n[application]\nname = \"test\"";
        let folder = folder(&format!("{head}\n[actors.faulty]\ncomponent = \"{FAULTY}\"\n{lines}")).unwrap();
        Self::start(folder.path(), "faulty", Vec::new(), bounds).await
    }

    /// The recording, once all calls have ended.
    pub async fn finish(self) -> (String, Recorded) {
        self.running.host.drain().await.unwrap();
        let (bytes, recorded) = self.recorder.finish();
        (String::from_utf8(bytes).unwrap(), recorded)
    }
}

/// The recording of three requests of the first example, one of which its store refuses.
pub async fn kvcounter(masks: Vec<Mask>) -> String {
    let folder = example("kvcounter", &[]).unwrap();
    let taped = Taped::start(folder.path(), "counter", masks, Bounds::default()).await;
    for path in ["/alice/4711?amount=5", "/max?amount=2147483647", "/max?amount=1"] {
        get(&taped.running.url(path).unwrap()).await.unwrap();
    }
    taped.finish().await.0
}

pub fn faulty_component() -> Vec<u8> {
    std::fs::read(guest("wasm32-wasip2", "faulty")).unwrap()
}

pub fn reads(text: &str) -> Result<Recording, RecordingError> {
    Recording::parse(Path::new("it.rec"), text.as_bytes())
}

pub async fn replayed(text: &str, component: &[u8]) -> Verdict {
    let recording = reads(text).unwrap();
    replay(Some(cache()), &recording, component).await.unwrap()
}

pub fn cache() -> PathBuf {
    root().join("target/tools/compiled")
}

/// These lines but the last, and another last one that ends them.
pub fn sealed(lines: &[String]) -> String {
    let body: String = lines[..lines.len() - 1].iter().map(|line| format!("{line}\n")).collect();
    let (count, digest) = (lines.len() - 1, Digest::of(body.as_bytes()));
    format!("{body}{{\"end\":\"stopped\",\"lines\":{count},\"digest\":\"{digest}\"}}\n")
}
