//! An application whose answers count and say which version made them, on a lattice of processes, and its patches.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use host::application::Piece;
use host::operate::{Deployed, Waited};
use model::ids::ActorName;

use crate::caller::word;
use crate::lattice::processes::Processes;
use crate::record::{Attempt, Outcome, Record};
use crate::versions::{Does, versioned};

/// Where it answers.
pub const PATH: &str = "/count";
/// How long a patch may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// What versions are asked before they take calls.
pub const READY: &str = "ready = { call = \"test:versioned/health#ready\", within = \"2s\" }\n";
/// A counter on one of the hosts.
pub const ONE_STORE: &str = "links.\"lath:keyvalue/counter\" = { to = \"kv\", reach = \"lattice\" }\n\
                             [providers]\nkv = { use = \"keyvalue/embedded\" }\n";
/// A counter that all hosts share.
pub const SHARED_STORE: &str =
    "links.\"lath:keyvalue/counter\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/nats\" }\n";

/// The actor `counter` in its first version, placed so, as part of a manifest.
pub fn counting(lattice: &Processes, place: &str, store: &str) -> Result<String> {
    let component = lattice.folder().join("one.wasm");
    std::fs::write(&component, versioned("one", Does::Good)?)?;
    Ok(format!("[actors.counter]\ncomponent = \"{}\"\nplace = {{ {place} }}\n{store}", component.display()))
}

/// Deploys it as the application `count`, and waits until it answers at every host of these.
pub async fn count(lattice: &Processes, place: &str, store: &str, hosts: &[&str]) -> Result<()> {
    let counting = counting(lattice, place, &format!("{READY}{store}"))?;
    let route = format!("[[routes]]\npath = \"{PATH}\"\nto = \"counter\"\n");
    lattice.up_text(&format!("[application]\nname = \"count\"\n{counting}{route}")).await?;
    for host in hosts {
        stands_at(lattice, host, PATH).await?;
    }
    Ok(())
}

/// The same with an actor in front, into which it is fused; it answers at [`FUSED_PATH`] of every host.
pub async fn count_fused(lattice: &Processes, hosts: &[&str]) -> Result<()> {
    let counting = counting(lattice, "replicas = 3", ONE_STORE)?;
    let manifest = format!(
        "[application]\nname = \"count\"\n[actors.front]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/faulty_http.wasm\"\n\
         place = {{ replicas = 3 }}\nlinks.\"lath:httpserver/handler\" = {{ to = \"counter\", reach = \"fused\" }}\n\
         {counting}[[routes]]\npath = \"{FUSED_PATH}\"\nto = \"front\"\n"
    );
    lattice.up_text(&manifest).await?;
    for host in hosts {
        stands_at(lattice, host, FUSED_PATH).await?;
    }
    Ok(())
}

/// Where it answers behind the actor that it is fused into.
pub const FUSED_PATH: &str = "/next/count";

/// Patches the actor to a version, and waits for what becomes of that.
pub async fn patched(lattice: &Processes, version: &str, does: Does) -> Result<Waited> {
    let actor: ActorName = word("counter");
    let path = lattice.folder().join(format!("{version}.wasm"));
    std::fs::write(&path, versioned(version, does)?)?;
    let piece = Piece::read(&actor, &path)?;
    let deployed = lattice.operator().patch(&word("count"), &actor, &piece, &mut |_| {}).await?;
    ensure!(deployed.is_new, "{deployed:?}");
    waited(lattice, &deployed).await
}

/// Waits for what becomes of a version.
pub async fn waited(lattice: &Processes, deployed: &Deployed) -> Result<Waited> {
    let deadline = Instant::now() + PATIENCE;
    Ok(lattice.operator().wait(&deployed.application, deployed.version, deadline, &mut |_| {}).await?)
}

/// The counter of `path` without a change.
pub async fn stands_at(lattice: &Processes, host: &str, path: &str) -> Result<i64> {
    let (answer, _) = lattice.answered(host, &format!("{path}?amount=0"), Duration::from_secs(30)).await?;
    let body: serde_json::Value = serde_json::from_str(&answer.body)?;
    let counter = body.get("counter").and_then(serde_json::Value::as_i64);
    counter.with_context(|| format!("no counter: {}", answer.body))
}

/// The versions that answered requests which began in that time.
pub fn answers(record: &Record, since: Duration, until: Option<Duration>) -> Result<Vec<String>> {
    let within = record
        .attempts
        .iter()
        .filter(|attempt| attempt.began > since && until.is_none_or(|until| attempt.began < until));
    let mut versions = Vec::new();
    for attempt in within {
        if let Outcome::Answered { status: 200, body } = &attempt.outcome {
            let body: serde_json::Value = serde_json::from_str(body)?;
            let version = body.get("version").and_then(serde_json::Value::as_str);
            versions.push(version.context("an answer does not say its version")?.to_owned());
        }
    }
    Ok(versions)
}

/// Requests that were not answered with 200.
pub fn failures(record: &Record) -> Vec<&Attempt> {
    let answered = |attempt: &&Attempt| matches!(attempt.outcome, Outcome::Answered { status: 200, .. });
    record.attempts.iter().filter(|attempt| !answered(attempt)).collect()
}
