//! NATS servers: one, or a cluster of three.

mod cluster;
mod config;
mod server;

pub use cluster::Cluster;
pub use config::{Config, Options};
pub use server::Server;

use std::path::PathBuf;

use anyhow::{Result, bail};

/// The NATS server that `cargo x setup` installed.
///
/// # Errors
///
/// It is not there; the message says how to install it.
pub fn binary() -> Result<PathBuf> {
    installed("bin/nats-server")
}

/// The Python that has the `nats-py` client, for tests of programs that know nothing of Lath.
///
/// # Errors
///
/// It is not there; the message says how to install it.
pub fn python() -> Result<PathBuf> {
    installed("bin/python")
}

fn installed(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats").join(name);
    if !path.is_file() {
        bail!("{} is missing; run `cargo x setup`, which installs a NATS server", path.display());
    }
    Ok(path)
}
