//! Hosts that die and hosts that stand still, under calls that may be tried again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use testkit::counting::failures;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, Processes, ready_on};
use testkit::record::Load;
use tokio::time::sleep;

use crate::report::{Row, remark};
use crate::{Rig, drilled};

/// Requests a second: each is a call of Rust that calls Python.
const RATE: u32 = 40;
/// How soon as many run as are asked for.
const RECOVERY: Duration = Duration::from_secs(5);

const CART: &str = "/cart?item=book:2:1250&item=wine:1:990&country=de";

/// `cart` at the ingress, which calls `tax`, on two of the other hosts, over the lattice.
async fn shop(rig: &Rig) -> Result<Processes> {
    let mut lattice = Processes::start(&rig.lath).await?;
    let labelled =
        |tier: &str| HostOptions { labels: vec![("tier".to_owned(), tier.to_owned())], ..HostOptions::default() };
    lattice.join("h1", &labelled("front")).await?;
    lattice.join_all(&["h2", "h3", "h4"], &labelled("work")).await?;
    lattice
        .up_text(
            "[application]\nname = \"shop\"\n[actors.cart]\n\
             component = \"{root}/examples/shop/cart/target/wasm32-wasip2/release/cart.wasm\"\n\
             place = { on = { tier = \"front\" } }\n\
             links.\"acme:tax/rates\" = { to = \"tax\", reach = \"lattice\", idempotent = [\"assess\"] }\n\
             [actors.tax]\ncomponent = \"{root}/examples/shop/tax/build/tax.wasm\"\n\
             place = { replicas = 2, on = { tier = \"work\" } }\n\
             [[routes]]\npath = \"/cart\"\nmethods = [\"GET\"]\nto = \"cart\"\n",
        )
        .await?;
    lattice.answered("h1", CART, AMPLE).await?;
    Ok(lattice)
}

/// A host with the tax.
async fn victim(lattice: &Processes) -> Result<String> {
    let on = ready_on(&lattice.status().await?, "shop", "tax");
    on.first().cloned().context("the tax is on no host")
}

fn failed(what: &str, record: &testkit::record::Record, lattice: &Processes) -> Row {
    let failed = failures(record);
    if let Some(first) = failed.first() {
        remark(&format!("{what}: {first:?}\n{}", lattice.tails()));
    }
    Row::never(format!("{what}: idempotent calls failed"), failed.len(), record.attempts.len())
}

pub(crate) fn killed(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let mut lattice = shop(rig).await?;
        let mut rows = Vec::new();
        for _ in 0..rig.sized(1, 100) {
            let dead = victim(&lattice).await?;
            let load = Load::start(&[lattice.address("h1")?], CART, RATE);
            sleep(Duration::from_secs(2)).await;
            lattice.process(&dead)?.kill()?;
            let begun = Instant::now();
            let full = |status: &_| ready_on(status, "shop", "tax").iter().filter(|host| **host != dead).count() == 2;
            lattice.seen("two run again", AMPLE, full).await?;
            let took = begun.elapsed();
            sleep(Duration::from_secs(2)).await;
            let record = load.stop().await;
            rows.push(failed("a host killed", &record, &lattice));
            rows.push(Row::time("a host killed: as many run as are asked for after", took, RECOVERY));
            let work = HostOptions { labels: vec![("tier".to_owned(), "work".to_owned())], ..HostOptions::default() };
            lattice.join(&dead, &work).await?;
        }
        Ok(rows)
    })
}

pub(crate) fn frozen(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let mut lattice = shop(rig).await?;
        let mut rows = Vec::new();
        for _ in 0..rig.sized(1, 50) {
            let still = victim(&lattice).await?;
            let load = Load::start(&[lattice.address("h1")?], CART, RATE);
            sleep(Duration::from_secs(2)).await;
            lattice.process(&still)?.freeze()?;
            sleep(rig.sized(Duration::from_secs(10), Duration::from_secs(30))).await;
            lattice.process(&still)?.thaw()?;
            let alive = |status: &host::operate::status::Status| status.hosts.iter().all(|host| host.alive);
            lattice.seen("it is back", AMPLE, alive).await?;
            sleep(Duration::from_secs(2)).await;
            let record = load.stop().await;
            rows.push(failed("a host frozen", &record, &lattice));
        }
        Ok(rows)
    })
}
