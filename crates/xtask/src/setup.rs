//! `cargo x setup`: what guests are built with and tests run, at pinned versions, under `target/tools`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::guests::{self, Guest};
use crate::pins::{
    COMPONENTIZE_PY, COMPONENTIZE_QJS, NATS_PY, NATS_SERVER, Pin, REDIS_SERVER, RUST_TARGETS, WASM_TOOLS,
};
use crate::process::{self, say};
use crate::project::Project;

const RUST_MEND: &str = "install Rust with rustup (https://rustup.rs)";
const TARGET_MEND: &str = "install rustup (https://rustup.rs), or add the target to your Rust by other means";
const PYTHON_MEND: &str =
    "install Python 3.10 or newer with its `venv` module (on Debian: apt-get install python3-venv)";
const PIP_MEND: &str = "check that Python is 3.10 or newer and that this machine reaches PyPI, then try again";
const NODE_MEND: &str =
    "install Node.js 20 or newer with npm (https://nodejs.org), and check that this machine reaches its registry";
const CRATES_MEND: &str = "check that this machine reaches crates.io, then try again";

/// Installs everything that is missing; a second run does nothing.
///
/// # Errors
///
/// As for [`install_for`].
pub fn run(project: &Project) -> Result<()> {
    {
        let _alone = project.alone()?;
        install_for(project, &guests::GUESTS.each_ref())?;
    }
    nats(project)?;
    redis(project)?;
    scripts(project)
}

/// Installs the NATS server, and its Python client for the tests of outsiders, where they are missing.
///
/// # Errors
///
/// Python is missing, or PyPI cannot be reached; the message says what to do.
pub fn nats(project: &Project) -> Result<()> {
    let _alone = project.alone()?;
    python(&project.tools().join("nats"), &[NATS_SERVER, NATS_PY])
}

/// Installs the Redis server where it is missing.
///
/// # Errors
///
/// As for [`nats`].
pub fn redis(project: &Project) -> Result<()> {
    let _alone = project.alone()?;
    python(&project.tools().join("redis"), &[REDIS_SERVER])
}

/// Fetches the reference tests of the component model where they are missing. Nothing of their package is compiled.
///
/// # Errors
///
/// crates.io cannot be reached, or the package has no tests any more.
pub fn scripts(project: &Project) -> Result<()> {
    let _alone = project.alone()?;
    let folder = project.tools().join("wast");
    install(&folder, &[WASM_TOOLS], || {
        let manifest = format!(
            "[package]\nname = \"scripts\"\nedition = \"2024\"\n[lib]\npath = \"Cargo.toml\"\n[workspace]\n[dependencies]\n\
             {} = {{ version = \"={}\", default-features = false }}\n",
            WASM_TOOLS.package, WASM_TOOLS.version
        );
        fs::write(folder.join("Cargo.toml"), manifest).context("cannot write Cargo.toml")?;
        let mut vendor = Command::new("cargo");
        vendor.current_dir(&folder).args(["vendor", "--quiet", "vendor"]);
        let config = process::output(&mut vendor, CRATES_MEND)?;
        let tests = folder.join("vendor").join(WASM_TOOLS.package).join("tests");
        fs::rename(tests, folder.join("tests")).context("the package carries no tests")?;
        fs::remove_dir_all(folder.join("vendor")).context("cannot remove what else was fetched")?;
        Ok(config)
    })
}

/// Installs what these guests are built with, where it is missing. The caller holds [`Project::alone`].
///
/// # Errors
///
/// A tool that this needs is missing, or a registry cannot be reached; the message says what to do.
pub fn install_for(project: &Project, guests: &[&Guest]) -> Result<()> {
    let uses = |tool: Pin| guests.iter().any(|guest| guest.run.starts_with(tool.package));
    rust_targets()?;
    if uses(COMPONENTIZE_PY) {
        python(&project.tools().join("python"), &[COMPONENTIZE_PY])?;
    }
    if uses(COMPONENTIZE_QJS) {
        node(&project.tools().join("node"), COMPONENTIZE_QJS)?;
    }
    Ok(())
}

fn rust_targets() -> Result<()> {
    let sysroot = process::output(Command::new("rustc").args(["--print", "sysroot"]), RUST_MEND)?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let missing: Vec<&str> =
        RUST_TARGETS.into_iter().filter(|target| !libraries.join(target).join("lib").is_dir()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("setup: adding Rust targets {}", missing.join(", ")));
    process::run(Command::new("rustup").args(["target", "add"]).args(missing), TARGET_MEND)
}

fn python(folder: &Path, packages: &[Pin]) -> Result<()> {
    install(folder, packages, || {
        process::output(Command::new("python3").args(["-m", "venv"]).arg(folder), PYTHON_MEND)?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        process::output(pip.args(packages.iter().map(|pin| format!("{}=={}", pin.package, pin.version))), PIP_MEND)
    })
}

fn node(folder: &Path, package: Pin) -> Result<()> {
    install(folder, &[package], || {
        fs::write(folder.join("package.json"), "{ \"private\": true }\n").context("cannot write package.json")?;
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]);
        process::output(npm.arg(format!("{}@{}", package.package, package.version)), NODE_MEND)
    })
}

/// Installs into a fresh folder unless its stamp says that the packages are there. The stamp is written last, so that
/// a broken install is done again.
fn install(folder: &Path, packages: &[Pin], how: impl FnOnce() -> Result<String>) -> Result<()> {
    let stamp = folder.join("installed");
    let wanted: Vec<String> = packages.iter().map(|pin| format!("{} {}", pin.package, pin.version)).collect();
    let (names, wanted) = (wanted.join(", "), wanted.join("\n") + "\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    say(&format!("setup: installing {names}"));
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    how().with_context(|| format!("cannot install {names}"))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
