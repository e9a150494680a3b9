//! Many hosts with many actors, all real: processes, a server, components. A few run always; with `LATH_LONG=1` it is 50
//! hosts with 1,000 actors, and the figures are worth reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use host::node::NodeSettings;
use host::operate::status::{OnHost, Status};
use testkit::caller::word;
use testkit::lattice::Lattice;
use testkit::lattice::processes::{HostOptions, Processes};

use crate::lattice_support::{alone, counter, figure, note};

/// Far longer than anything here takes on a machine of two cores.
const PATIENCE: Duration = Duration::from_secs(600);
/// Hosts that are started side by side.
const WAVE: usize = 10;

/// How much of everything there is.
struct Size {
    hosts: usize,
    applications: usize,
    /// Of each application.
    actors: usize,
}

/// Only this host.
const WORKER: &str = "on = { tier = \"work\" }";

const SHORT: Size = Size { hosts: 5, applications: 2, actors: 10 };
const LONG: Size = Size { hosts: 50, applications: 20, actors: 50 };

#[test]
fn who_has_nothing_to_do_with_a_change_is_not_told_of_it() -> Result<()> {
    alone(async || {
        for bystanders in [5, 50] {
            let told = told_of_one_change(bystanders).await?;
            ensure!(told == (0, 0), "{bystanders} hosts were told {told:?} entries and bytes");
        }
        Ok(())
    })
}

/// What `bystanders` are told together of one change of an application: entries of the buckets, and their bytes. They
/// neither run it, nor serve HTTP, nor plan: planners know everything.
async fn told_of_one_change(bystanders: usize) -> Result<(u64, u64)> {
    let mut lattice = Lattice::new();
    lattice.join("planner", |_| {}).await?;
    let idle: Vec<String> = (1..=bystanders).map(|host| format!("idle{host:02}")).collect();
    let follow = |settings: &mut NodeSettings| {
        settings.planner = false;
        settings.listen = None;
    };
    for host in &idle {
        lattice.join(host, follow).await?;
    }
    let work = |settings: &mut NodeSettings| {
        follow(settings);
        settings.labels = [(word("tier"), word("work"))].into();
    };
    lattice.join("worker", work).await?;
    let first = counter("count", WORKER, "keyvalue/memory");
    let version = lattice.up_text(&first).await?;
    lattice.running("count", version, 1).await?;
    let told = |lattice: &Lattice, hosts: &[String]| -> Result<(u64, u64)> {
        hosts.iter().try_fold((0, 0), |(entries, bytes), host| {
            let (more, more_bytes) = lattice.host(host)?.link.told();
            Ok((entries + more, bytes + more_bytes))
        })
    };
    // Each is told its own record once, when it joins; that may come late.
    let own = |lattice: &Lattice| told(lattice, &idle).is_ok_and(|(entries, _)| entries >= bystanders as u64);
    lattice.until("every bystander knows its own record", own).await?;
    let (before, busy) = (told(&lattice, &idle)?, ["planner", "worker"].map(str::to_owned));
    let before_busy = told(&lattice, &busy)?;
    let version = lattice.up_text(&first.replace("/count/*", "/counted/*")).await?;
    lattice.running("count", version, 1).await?;
    lattice.answer("planner", "/counted/a").await?;
    let (after, after_busy) = (told(&lattice, &idle)?, told(&lattice, &busy)?);
    let between = |(entries, bytes): (u64, u64), (later, later_bytes)| (later - entries, later_bytes - bytes);
    let told = between(before_busy, after_busy);
    note(&format!("beside {bystanders} bystanders the planner and the worker were told {told:?} entries and bytes"));
    Ok(between(before, after))
}

/// Where each actor is ready, by application and name.
type Placed = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn many_hosts_run_many_actors_and_one_may_be_lost() -> Result<()> {
    let size = if std::env::var_os("LATH_LONG").is_some() { LONG } else { SHORT };
    alone(async || {
        let mut lattice = joined(&size).await?;
        deploy(&lattice, &size).await?;
        let before = ready(&lattice.status().await?);
        ensure!(before.len() == size.applications * size.actors, "{} are ready", before.len());
        ensure!(before.values().all(|hosts| hosts.len() == 1), "{before:#?}");
        let names = lattice.names();
        let asked = Instant::now();
        answer(&lattice, before.keys(), &names).await?;
        figure("each has answered, and called another, within", asked.elapsed());
        memory(&mut lattice)?;
        let dead = before.values().flatten().next().context("nothing is ready")?.clone();
        lattice.process(&dead)?.kill()?;
        let killed = Instant::now();
        let elsewhere = |status: &Status| {
            let now = ready(status);
            now.len() == before.len() && now.values().all(|hosts| hosts.len() == 1 && !hosts.contains(&dead))
        };
        lattice.seen("all are ready without the dead host", PATIENCE, elsewhere).await?;
        figure("what a killed host ran is ready elsewhere after", killed.elapsed());
        let after = ready(&lattice.status().await?);
        let (lost, stayed): (Vec<_>, Vec<_>) = before.iter().partition(|(_, hosts)| hosts.contains(&dead));
        for (actor, hosts) in stayed {
            ensure!(after.get(actor) == Some(hosts), "{actor:?} has moved from {hosts:?} to {:?}", after.get(actor));
        }
        note(&format!("{} actors of {} had to move, and nothing else did", lost.len(), before.len()));
        let living: Vec<String> = names.into_iter().filter(|name| *name != dead).collect();
        answer(&lattice, lost.into_iter().map(|(actor, _)| actor), &living).await
    })
}

/// The hosts, in waves: a machine has only so many cores.
async fn joined(size: &Size) -> Result<Processes> {
    let begun = Instant::now();
    let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
    let names: Vec<String> = (1..=size.hosts).map(|host| format!("h{host:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for wave in names.chunks(WAVE) {
        lattice.join_all(wave, &HostOptions::default()).await?;
    }
    figure(&format!("{} hosts have joined within", size.hosts), begun.elapsed());
    Ok(lattice)
}

async fn deploy(lattice: &Processes, size: &Size) -> Result<()> {
    let begun = Instant::now();
    for at in 0..size.applications {
        let one = Instant::now();
        lattice.up_text(&application(&format!("app{at}"), size.actors)).await?;
        figure(&format!("{} actors of application {at} are ready within", size.actors), one.elapsed());
    }
    figure("all are ready within", begun.elapsed());
    Ok(())
}

/// Actors of one small component, each of which calls the next over the lattice.
fn application(name: &str, actors: usize) -> String {
    let mut text = format!("[application]\nname = \"{name}\"\n");
    for at in 0..actors {
        let next = (at + 1) % actors;
        let _ = write!(
            text,
            "[actors.a{at}]\n\
             component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/faulty_http.wasm\"\n\
             links.\"lath:httpserver/handler\" = {{ to = \"a{next}\", reach = \"lattice\" }}\n\
             [[routes]]\npath = \"/next/{name}/a{at}\"\nto = \"a{at}\"\n"
        );
    }
    text
}

/// Where each actor is ready.
fn ready(status: &Status) -> Placed {
    let parts = status.applications.iter().flat_map(|app| app.actors.iter().map(move |part| (app, part)));
    let placed = parts.map(|(app, part)| {
        let on = part.hosts.iter().filter(|(_, on)| **on == OnHost::Ready);
        ((app.name.to_string(), part.name.clone()), on.map(|(host, _)| host.to_string()).collect())
    });
    placed.filter(|(_, hosts): &(_, BTreeSet<String>)| !hosts.is_empty()).collect()
}

/// Each of these actors answers, at an ingress of `hosts` in turn, what the actor after it has answered it.
async fn answer<'a>(
    lattice: &Processes,
    actors: impl Iterator<Item = &'a (String, String)>,
    hosts: &[String],
) -> Result<()> {
    let path = |(app, actor): &(String, String)| format!("/{app}/{actor}");
    let paths: Vec<String> = actors.map(path).collect();
    let asked = paths.iter().zip(hosts.iter().cycle()).map(|(path, host)| (host.clone(), format!("/next{path}")));
    let answers = lattice.all_answered(&asked.collect::<Vec<_>>(), PATIENCE).await?;
    for (path, answer) in paths.iter().zip(answers) {
        ensure!(answer.body == format!("served {path}"), "{path}: {answer:?}");
    }
    Ok(())
}

fn memory(lattice: &mut Processes) -> Result<()> {
    let mut bytes = Vec::new();
    for name in lattice.names() {
        bytes.push(lattice.process(&name)?.resident_bytes()?);
    }
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (least, most) = (bytes.iter().min().copied(), bytes.iter().max().copied());
    let (least, most) = (mebibytes(least.unwrap_or_default()), mebibytes(most.unwrap_or_default()));
    note(&format!("a host is resident with {least:.1} to {most:.1} MiB"));
    Ok(())
}
