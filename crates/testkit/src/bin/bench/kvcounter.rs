//! The example that is served: the counter in Rust, with the store and the reuse that a section asks for.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::lab::Lab;

/// The path that every request asks for, and so the counter that every request adds to.
pub(crate) const PATH: &str = "/visits/home";

const RUST: &str = "{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm";
const PYTHON: &str = "{root}/examples/kvcounter/python/build/kvcounter.wasm";

/// An application folder: the counter in Rust with this store, an instance serving `reuse` requests.
pub(crate) fn application(lab: &Lab, name: &str, store: &str, reuse: u32) -> Result<PathBuf> {
    lab.application(name, &manifest(RUST, store, reuse))
}

/// The same in Python; none where that was not built.
pub(crate) fn python(lab: &Lab) -> Result<Option<PathBuf>> {
    let built = testkit::application::root().join(PYTHON.trim_start_matches("{root}/"));
    if !Path::new(&built).is_file() {
        return Ok(None);
    }
    lab.application("python", &manifest(PYTHON, "keyvalue/memory", 1)).map(Some)
}

fn manifest(component: &str, store: &str, reuse: u32) -> String {
    format!(
        "manifest = 1\napplication = {{ name = \"bench\" }}\n\
         [actors.counter]\ncomponent = \"{component}\"\nlimits = {{ reuse = {reuse} }}\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n\
         [providers]\nkv = {{ use = \"{store}\" }}\n\
         [[routes]]\npath = \"/*\"\nto = \"counter\"\n"
    )
}
