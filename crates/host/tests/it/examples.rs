//! The examples that serve HTTP over keys and values, as their manifests say and with other backends.

mod json_api;
mod page_cache;
mod url_shortener;

use std::time::{Duration, Instant};

use rig::redis::Server;
use serde_json::Value;
use tempfile::TempDir;
use testkit::application::{Running, example, run, run_with};
use testkit::http::{Answer, request};
use testkit::lattice::AMPLE;

const EMBEDDED: &str = "kv = { use = \"keyvalue/embedded\" }";

/// An example on a host of its own.
struct Example {
    running: Running,
    _manifest: TempDir,
}

impl Example {
    /// The example with these pieces of its manifest changed, each of which is there once. Its component is the one that
    /// `cargo x guests` built.
    async fn start(name: &str, changes: &[(&str, &str)]) -> Self {
        let manifest = example(name, changes).unwrap();
        Self { running: run(manifest.path()).await.unwrap(), _manifest: manifest }
    }

    /// The same, with data that was there before.
    async fn start_in(data: &TempDir, name: &str, changes: &[(&str, &str)]) -> Self {
        let manifest = example(name, changes).unwrap();
        Self { running: run_with(manifest.path(), data.path()).await.unwrap(), _manifest: manifest }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        request(method, &self.running.url(path).unwrap(), &[], body).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Waits until `path` is answered with this status, not for ever.
    async fn until_status(&self, path: &str, status: u16) {
        let give_up = Instant::now() + AMPLE;
        loop {
            let answer = self.get(path).await;
            if answer.status == status {
                return;
            }
            assert!(Instant::now() < give_up, "{path} is never {status}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) {
        self.running.host.drain().await.unwrap();
    }
}

/// The provider's line for this server.
fn redis(server: &Server) -> String {
    format!("kv = {{ use = \"keyvalue/redis\", config = {{ url = \"{}\" }} }}", server.url())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}
