//! Applications and figures that the tests of real lattices share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::operate::status::Status;
use lattice::authority::Identity;
pub(crate) use testkit::counting::{failures, stands_at};
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, LATTICE, Processes, ready_on};
use testkit::record::{Attempt, Outcome, Record};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, MutexGuard};

use crate::lath::{command, ended};

/// One lattice at a time: what is measured is not to be the other tests.
static ONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

pub(crate) const HOSTS: [&str; 3] = ["h1", "h2", "h3"];

/// Runs a test that has the machine for itself, as far as this program is concerned.
pub(crate) fn alone<T>(test: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
    runtime()?.block_on(async {
        let _alone: MutexGuard<'_, ()> = ONE.lock().await;
        test().await
    })
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Three hosts.
pub(crate) async fn three() -> Result<Processes> {
    Processes::of(env!("CARGO_BIN_EXE_lath"), &HOSTS).await
}

/// A host with this label.
pub(crate) fn labelled(key: &str, value: &str) -> HostOptions {
    HostOptions { labels: vec![(key.to_owned(), value.to_owned())], ..HostOptions::default() }
}

/// examples/kvcounter as an application of this name, at the path `/NAME/*`.
pub(crate) fn counter(name: &str, place: &str, provider: &str) -> String {
    format!(
        "[application]\nname = \"{name}\"\n[actors.counter]\n\
         component = \"{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"\n\
         place = {{ {place} }}\nlinks.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n\
         [providers]\nkv = {{ use = \"{provider}\" }}\n[[routes]]\npath = \"/{name}/*\"\nto = \"counter\"\n"
    )
}

/// examples/shop with its parts on hosts of their own, the tax in Python.
pub(crate) fn shop() -> String {
    "[application]\nname = \"shop\"\n[actors.cart]\n\
     component = \"{root}/examples/shop/cart/target/wasm32-wasip2/release/cart.wasm\"\nlinks.\"acme:tax/rates\" = { to = \"tax\", reach = \"lattice\", idempotent = [\"assess\"] }\n\
     [actors.tax]\ncomponent = \"{root}/examples/shop/tax/build/tax.wasm\"\n\
     [[routes]]\npath = \"/cart\"\nmethods = [\"GET\"]\nto = \"cart\"\n"
        .to_owned()
}

pub(crate) const CART: &str = "/cart?item=book:2:1250&item=wine:1:990&country=de";

/// The only host on which a part is ready.
pub(crate) async fn only_host(processes: &Processes, app: &str, part: &str) -> Result<String> {
    let found = RefCell::new(BTreeSet::new());
    let one = |status: &Status| {
        found.replace(ready_on(status, app, part));
        found.borrow().len() == 1
    };
    processes.seen(&format!("{app}/{part} is on one host"), AMPLE, one).await?;
    found.into_inner().pop_first().context("it is on no host")
}

/// A figure for whoever reads the log of CI.
#[expect(clippy::print_stdout, reason = "figures of a test, shown with --nocapture")]
pub(crate) fn figure(what: &str, took: Duration) {
    println!("{what}: {:.1} s", took.as_secs_f64());
}

/// The beginning of the last request that was not answered with 200.
pub(crate) fn last_begun(failures: &[&Attempt]) -> Duration {
    failures.iter().map(|attempt| attempt.began).max().unwrap_or_default()
}

/// A remark for whoever reads the log of CI.
#[expect(clippy::print_stdout, reason = "figures of a test, shown with --nocapture")]
pub(crate) fn note(text: &str) {
    println!("{text}");
}

/// How long after `fault` a request was first answered that had been sent after it.
pub(crate) fn recovered(record: &Record, fault: Duration) -> Result<Duration> {
    let answered = record
        .attempts
        .iter()
        .filter(|attempt| attempt.began > fault && matches!(attempt.outcome, Outcome::Answered { status: 200, .. }));
    let first = answered.map(|attempt| attempt.ended).min();
    first.map(|ended| ended - fault).with_context(|| format!("nothing was answered after {fault:?}"))
}

/// `lath` with the settings in `folder`.
pub(crate) fn lath(folder: &Path, args: &[&str]) -> Command {
    let mut lath = command(args);
    lath.env("XDG_CONFIG_HOME", folder).current_dir(folder);
    lath
}

/// Puts the context of a user in use.
pub(crate) fn become_user(lattice: &Processes, folder: &Path, name: &str, identity: &Identity) -> Result<()> {
    let (credentials, url) = (lattice.credentials(identity)?.display().to_string(), lattice.url());
    let add = ["context", "add", name, "--url", &url, "--lattice", LATTICE, "--credentials", &credentials];
    ended(&mut lath(folder, &add)).success();
    ended(&mut lath(folder, &["context", "use", name])).success();
    Ok(())
}
