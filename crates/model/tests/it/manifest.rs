//! The manifest: what is read, what is refused and how, the JSON schema.

mod errors;
mod overlays;
mod properties;
mod reads;
mod schema;
mod whole;

use model::manifest::{Manifest, parse};

/// A manifest with one actor and `more`.
fn with(more: &str) -> String {
    format!("manifest = 1\n[application]\nname = \"shop\"\n[actors.cart]\ncomponent = \"cart.wasm\"\n{more}")
}

/// The manifest, which must be good.
fn good(text: &str) -> Manifest {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\nin\n{text}"))
}

/// What the errors say, which there must be.
fn bad(text: &str) -> String {
    parse(text).map(|_| ()).expect_err(text).to_string()
}
