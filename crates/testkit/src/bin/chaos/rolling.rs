//! Good changes: no request fails, none is lost, doubled or answered by what was replaced.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use host::operate::Waited;
use testkit::caller::word;
use testkit::counting::{
    FUSED_PATH, ONE_STORE, PATH, SHARED_STORE, answers, count, count_fused, failures, patched, stands_at, waited,
};
use testkit::lattice::processes::{HostOptions, Processes, ready_on};
use testkit::record::{Load, Record, Verdict};
use testkit::versions::Does;
use tokio::time::sleep;

use crate::report::Row;
use crate::{RATE, Rig, drilled};

pub(crate) const HOSTS: [&str; 3] = ["h1", "h2", "h3"];
/// Requests a second where each is a write that three hosts agree on.
const SHARED_RATE: u32 = 50;
/// How long a host may take to end.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn patches(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let lattice = Processes::of(&rig.lath, &HOSTS).await?;
        count(&lattice, "replicas = 3", ONE_STORE, &HOSTS).await?;
        patched_until(&lattice, "patches of an actor", PATH, rig.sized(6_000, 320_000)).await
    })
}

pub(crate) fn fused(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let lattice = Processes::of(&rig.lath, &HOSTS).await?;
        count_fused(&lattice, &HOSTS).await?;
        patched_until(&lattice, "patches of a fused callee", FUSED_PATH, rig.sized(4_000, 160_000)).await
    })
}

/// Patches the actor again and again, until so many requests were sent, and goes back once.
async fn patched_until(lattice: &Processes, what: &str, path: &str, requests: usize) -> Result<Vec<Row>> {
    let load = Load::start(&lattice.addresses(), path, RATE);
    let lasts = Duration::from_secs_f64(requests as f64 / f64::from(RATE));
    let mut done = Vec::new();
    let mut number = 1;
    while load.elapsed() < lasts {
        number += 1;
        let version = format!("v{number}");
        match patched(lattice, &version, Does::Good).await? {
            Waited::Done(status) => ensure!(status.watched.is_empty(), "{version} is not trusted in time: {status:?}"),
            other => bail!("{version}: {other:?}\n{}", lattice.tails()),
        }
        done.push((load.elapsed(), version));
        sleep(Duration::from_secs(1)).await;
    }
    let Some(before) = done.iter().rev().nth(1).map(|(_, version)| version.clone()) else { bail!("too few patches") };
    let back = lattice.operator().rollback(&word("count"), None).await?;
    ensure!(matches!(waited(lattice, &back).await?, Waited::Done(_)), "the rollback: {}", lattice.tails());
    done.push((load.elapsed(), before));
    sleep(Duration::from_secs(1)).await;
    let record = load.stop().await;
    let stands = stands_at(lattice, "h1", path).await?;
    let (mut stale, mut fresh) = (0, 0);
    for (since, version) in &done {
        let answers = answers(&record, *since, Some(*since + Duration::from_secs(1)))?;
        stale += answers.iter().filter(|answer| *answer != version).count();
        fresh += answers.len();
    }
    let mut rows = judged(what, &record, stands, lattice);
    rows.push(Row::never(format!("{what}: answers of an old version after \"done\""), stale, fresh));
    Ok(rows)
}

/// What a load on one counter that began at nothing shows.
pub(crate) fn judged(what: &str, record: &Record, stands: i64, lattice: &Processes) -> Vec<Row> {
    let Verdict { failed, lost, doubled, repeated, reordered, .. } = record.judge(0, stands);
    if let Some(first) = failures(record).first() {
        crate::report::remark(&format!("{what}: {first:?}\n{}", lattice.tails()));
    }
    let of = record.attempts.len();
    let wrong = lost + doubled + repeated + reordered;
    vec![
        Row::never(format!("{what}: failed requests"), failed, of),
        Row::never(format!("{what}: lost, doubled or reordered"), wrong, of),
    ]
}

/// Each of two hosts in turn, as by a newer one: drained, ended, and started again.
pub(crate) fn hosts(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let what = "hosts replaced";
        let work = HostOptions { labels: vec![("tier".to_owned(), "work".to_owned())], ..HostOptions::default() };
        let mut lattice = Processes::of(&rig.lath, &["h1"]).await?;
        lattice.join_all(&["h2", "h3"], &work).await?;
        count(&lattice, "on = { tier = \"work\" }", SHARED_STORE, &["h1"]).await?;
        let load = Load::start(&[lattice.address("h1")?], PATH, SHARED_RATE);
        let begun = Instant::now();
        for _ in 0..rig.sized(2, 100) {
            sleep(Duration::from_secs(1)).await;
            let on = ready_on(&lattice.status().await?, "count", "counter");
            let Some(host) = on.first() else { bail!("it is on no host\n{}", lattice.tails()) };
            lattice.operator().drain(&host.parse()?, false).await?;
            lattice.process(host)?.ended(PATIENCE).await?;
            lattice.join(host, &work).await?;
        }
        sleep(rig.sized(Duration::from_secs(20), Duration::from_secs(60)).saturating_sub(begun.elapsed())).await;
        let record = load.stop().await;
        let stands = stands_at(&lattice, "h1", PATH).await?;
        Ok(judged(what, &record, stands, &lattice))
    })
}
