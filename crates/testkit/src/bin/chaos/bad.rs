//! Versions that do worse: they are gone back from, soon, and hardly anybody meets them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use host::operate::Waited;
use testkit::counting::{ONE_STORE, PATH, answers, count, failures, patched};
use testkit::lattice::processes::Processes;
use testkit::record::Load;
use testkit::versions::Does;
use tokio::time::sleep;

use crate::report::{Row, remark};
use crate::{RATE, Rig, drilled};

/// How soon a bad version must be gone back from.
const ROLLBACK: Duration = Duration::from_secs(5);
/// Of which calls those that reach it are a share.
const MINUTE: usize = 60;
/// The share of them.
const REACHED: f64 = 0.01;

pub(crate) fn versions(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let hosts = ["h1", "h2", "h3"];
        let lattice = Processes::of(&rig.lath, &hosts).await?;
        count(&lattice, "replicas = 3", ONE_STORE, &hosts).await?;
        let mut rows = Vec::new();
        for round in 0..rig.sized(1, 50) {
            for (word, does) in [
                ("traps", Does::Traps),
                ("hangs", Does::Hangs),
                ("is slow", Does::Slow),
                ("is not ready", Does::Unready),
            ] {
                rows.extend(gone_back(&lattice, word, &format!("bad{}", rows.len() + round), does).await?);
            }
        }
        // What was refused can be mended.
        ensure!(matches!(patched(&lattice, "mended", Does::Good).await?, Waited::Done(_)), "{}", lattice.tails());
        Ok(rows)
    })
}

async fn gone_back(lattice: &Processes, word: &str, version: &str, does: Does) -> Result<Vec<Row>> {
    let load = Load::start(&lattice.addresses(), PATH, RATE);
    sleep(Duration::from_secs(2)).await;
    let (asked, begun) = (load.elapsed(), Instant::now());
    let status = match patched(lattice, version, does).await? {
        Waited::RolledBack(status) => status,
        other => bail!("a version that {word}: {other:?}\n{}", lattice.tails()),
    };
    let (took, back) = (begun.elapsed(), load.elapsed());
    remark(&status.rolled_back.context("it was rolled back")?.reason);
    sleep(Duration::from_secs(2)).await;
    let record = load.stop().await;
    let failed = failures(&record);
    let reached = failed.len() + answers(&record, asked, None)?.iter().filter(|who| *who == version).count();
    let late = failed.iter().filter(|attempt| attempt.began > back).count();
    Ok(vec![
        Row::time(format!("a version that {word}: gone back from after"), took, ROLLBACK),
        Row::share(
            format!("a version that {word}: calls it got in a minute"),
            reached,
            RATE as usize * MINUTE,
            REACHED,
        ),
        Row::never(format!("a version that {word}: failed after that"), late, record.attempts.len()),
    ])
}
