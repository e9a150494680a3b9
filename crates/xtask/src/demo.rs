//! `cargo x demo`: the first example, running; on one machine, or on a lattice.

mod lattice;
mod traffic;

pub use lattice::run as lattice;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::project::Project;
use crate::{ci, guests};

const PORT: u16 = 8080;

/// Builds the counter example and the host, and runs them until Ctrl-C.
///
/// # Errors
///
/// Something could not be built, or the host failed.
pub fn run(project: &Project) -> Result<()> {
    guests::run(project, &["kvcounter".to_owned()])?;
    process::run(ci::cargo(project)?.args(["build", "--release", "--bin", "lath"]), ci::CARGO_MEND)?;
    let address = format!("127.0.0.1:{}", free_port()?);
    say(&format!(
        "\nOpen http://{address}/a/b?amount=5 (or any other path), or:\n\n  curl 'http://{address}/a/b?amount=5'\n\n\
         Ctrl-C stops it; the counters stay in target/demo.\n"
    ));
    let mut lath = ci::cargo(project)?;
    lath.args(["run", "--quiet", "--release", "--bin", "lath", "--", "run", "examples/kvcounter"]);
    lath.args(["--listen", &address, "--data", "target/demo"]);
    become_it(&mut lath)
}

/// The usual port, or any that is free.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("there is no free port on this machine")?;
    Ok(listener.local_addr().context("cannot tell which port is free")?.port())
}

/// Hands this process over, so that Ctrl-C reaches the host alone and its drain is waited for.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", process::line_of(command)))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<()> {
    process::run(command, ci::CARGO_MEND)
}
