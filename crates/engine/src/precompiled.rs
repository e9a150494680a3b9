//! Loading compiled code from a file: the one unsafe thing in this workspace.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// The component whose compiled code is in `file`.
///
/// wasmtime maps the file and runs what is in it. The caller, [`Cache`](crate::cache::Cache), lets only files
/// through that this program wrote itself: in a folder and owned by this user, writable by nobody else, whole
/// (their checksum is right), and for this very engine configuration (the key).
#[allow(unsafe_code, reason = "wasmtime offers no safe way to load precompiled code")]
pub(crate) fn load(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the contents come from `Component::serialize`, as said above, and nobody else can change them.
    unsafe { Component::deserialize_file(engine, file) }
}
