//! Hosts that are killed, frozen and cut off, while requests flow.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use host::operate::status::Status;
use rig::proxy::Proxy;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, Processes, ready_on};
use testkit::record::{Attempt, Load, Record, Verdict};
use tokio::time::sleep;

use crate::lattice_support::{
    CART, HOSTS, alone, counter, failures, figure, labelled, last_begun, note, only_host, recovered, shop, stands_at,
    three,
};

/// What the lattice promises.
const RECOVERY: Duration = Duration::from_secs(5);
/// Likewise, of a host that is frozen.
const EJECTION: Duration = Duration::from_secs(3);
/// Likewise, once NATS is back.
const CONVERGENCE: Duration = Duration::from_secs(10);
const RATE: u32 = 60;

/// What is promised where the long tests run; elsewhere the machine may be too busy with other tests for that.
fn allowed(promised: Duration) -> Duration {
    if std::env::var_os("LATH_LONG").is_some() { promised } else { promised * 2 }
}

#[test]
fn a_killed_host_is_replaced_and_nothing_is_lost() -> Result<()> {
    alone(async || {
        let mut lattice = three().await?;
        lattice.up_text(&counter("count", "replicas = 3", "keyvalue/nats")).await?;
        lattice.up_text(&shop()).await?;
        // One cart and one tax answer at every ingress.
        let mut carts = BTreeSet::new();
        for host in HOSTS {
            carts.insert(lattice.answered(host, CART, AMPLE).await?.0.body);
            stands_at(&lattice, host, "/count/a").await?;
        }
        assert_eq!(carts.len(), 1, "{carts:?}");
        let dead = only_host(&lattice, "shop", "tax").await?;
        let living: Vec<&str> = HOSTS.into_iter().filter(|host| *host != dead).collect();
        let targets = [lattice.address(living[0])?, lattice.address(living[1])?];
        let load = Load::start(&targets, "/count/a", RATE);
        let shopping = Load::start(&targets, CART, 10);
        sleep(Duration::from_secs(2)).await;
        lattice.process(&dead)?.kill()?;
        let killed = shopping.elapsed();
        let elsewhere = |status: &Status| ready_on(status, "shop", "tax").iter().any(|host| *host != dead);
        figure("it is ready elsewhere after", lattice.seen("the tax is ready", AMPLE, elsewhere).await?);
        let (cart, _) = lattice.answered(living[0], CART, AMPLE).await?;
        assert!(carts.contains(&cart.body), "{cart:?}");
        sleep(Duration::from_secs(1)).await;
        let (record, shopped) = (load.stop().await, shopping.stop().await);
        let took = recovered(&shopped, killed)?;
        figure("the Python actor of a killed host answers elsewhere after", took);
        assert!(took < allowed(RECOVERY), "{took:?}");
        let verdict = record.judge(0, stands_at(&lattice, living[0], "/count/a").await?);
        note(&format!("{verdict:?}"));
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated, verdict.reordered), (0, 0, 0, 0), "{verdict:?}");
        assert_eq!(verdict.failed, 0, "{:?}", failures(&record));
        lattice.join(&dead, &HostOptions::default()).await?;
        stands_at(&lattice, &dead, "/count/a").await?;
        Ok(())
    })
}

#[test]
fn a_frozen_host_is_passed_over_and_does_nothing_late() -> Result<()> {
    alone(async || {
        let mut lattice = three_working().await?;
        lattice.up_text(&counter("count", "replicas = 2, on = { tier = \"work\" }", "keyvalue/nats")).await?;
        lattice.up_text(&counter("lone", "on = { name = \"h3\" }", "keyvalue/nats")).await?;
        stands_at(&lattice, "h1", "/count/a").await?;
        stands_at(&lattice, "h1", "/lone/a").await?;
        let load = Load::start(&[lattice.address("h1")?], "/count/a", RATE);
        let lone = Load::start(&[lattice.address("h1")?], "/lone/a", RATE);
        sleep(Duration::from_secs(2)).await;
        let began = lone.elapsed();
        lattice.process("h3")?.freeze()?;
        let frozen = lone.elapsed();
        sleep(Duration::from_secs(8)).await;
        let (record, lone) = (load.stop().await, lone.stop().await);
        let failed = failures(&record);
        let ejected = last_begun(&failed).saturating_sub(frozen);
        figure("the last request that a frozen host cost began after", ejected);
        assert!(ejected < allowed(EJECTION), "{failed:?}");
        assert!(failed.iter().all(|attempt| attempt.ended > frozen), "{failed:?}");
        let before = stands_at(&lattice, "h1", "/count/a").await?;
        let verdict = record.judge(0, before);
        note(&format!("{verdict:?}; {:?}", failed.last()));
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated, verdict.reordered), (0, 0, 0, 0), "{verdict:?}");
        lattice.process("h3")?.thaw()?;
        let took = lattice.seen("h3 is back", AMPLE, |status| ready_on(status, "count", "counter").len() == 2).await?;
        figure("a thawed host is back after", took);
        assert!(took < allowed(CONVERGENCE), "{took:?}");
        // Those that ran in it when it was stopped go on; those that had only reached it never begin.
        let after = stands_at(&lattice, "h3", "/count/a").await?;
        assert!((before..=before + running(&record, began, frozen)).contains(&after), "{before}, {after}");
        let acknowledged = lone.judge(0, 0).acknowledged;
        let late = stands_at(&lattice, "h1", "/lone/a").await? - i64::try_from(acknowledged)?;
        // What was refused at once was not sent to it.
        let waited = |attempt: &&&Attempt| attempt.ended > attempt.began + Duration::from_secs(1);
        let buffered: Vec<&Attempt> = failures(&lone).iter().filter(waited).copied().collect();
        figure("the last call for a frozen host was sent after", last_begun(&buffered).saturating_sub(frozen));
        let running = running(&lone, began, frozen);
        note(&format!("of {} calls that waited, {running} may have begun before, {late} ran", buffered.len()));
        assert!(buffered.len() > 10, "{lone:?}");
        assert!(last_begun(&buffered) < frozen + allowed(EJECTION), "{buffered:?}");
        assert!((0..=running).contains(&late), "{late} ran late");
        let load = Load::start(&[lattice.address("h1")?], "/count/a", RATE);
        sleep(Duration::from_secs(2)).await;
        let record = load.stop().await;
        let verdict = record.judge(after, stands_at(&lattice, "h1", "/count/a").await?);
        assert_eq!((verdict.failed, verdict.lost, verdict.doubled), (0, 0, 0), "{:?}", failures(&record));
        Ok(())
    })
}

/// Requests without an answer that may have run when their host was stopped, which took from `began` to `frozen`: those
/// that were on their way.
fn running(record: &Record, began: Duration, frozen: Duration) -> i64 {
    let failed = failures(record);
    let running = failed.iter().filter(|attempt| attempt.began < frozen && attempt.ended > began);
    i64::try_from(running.count()).unwrap_or(i64::MAX)
}

/// h1 has an ingress only; h2 and h3 work.
async fn three_working() -> Result<Processes> {
    let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
    lattice.join("h1", &HostOptions::default()).await?;
    for host in ["h2", "h3"] {
        let mut options = labelled("tier", "work");
        options.labels.push(("name".to_owned(), host.to_owned()));
        lattice.join(host, &options).await?;
    }
    Ok(lattice)
}

#[test]
fn a_partitioned_host_serves_its_own_and_comes_back() -> Result<()> {
    alone(async || {
        let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
        let proxy = Proxy::to_port(lattice.server(0)?.port()).await?;
        let options = HostOptions { server: Some(proxy.nats_url()), ..labelled("tier", "edge") };
        lattice.join("h1", &options).await?;
        // There is but one host yet: it gets both.
        lattice.up_text(&counter("near", "on = { tier = \"edge\" }", "keyvalue/memory")).await?;
        lattice.up_text(&counter("roams", "replicas = 1", "keyvalue/nats")).await?;
        for host in ["h2", "h3"] {
            lattice.join(host, &HostOptions::default()).await?;
        }
        for host in HOSTS {
            stands_at(&lattice, host, "/near/a").await?;
            stands_at(&lattice, host, "/roams/a").await?;
        }
        let load = Load::start(&[lattice.address("h1")?], "/near/a", RATE);
        let far = Load::start(&[lattice.address("h2")?], "/roams/a", 10);
        proxy.cut();
        let cut = far.elapsed();
        lattice.answered("h2", "/roams/a", AMPLE).await?;
        sleep(Duration::from_secs(3)).await;
        let far = far.stop().await;
        let took = recovered(&far, cut)?;
        figure("the actor of a partitioned host answers elsewhere after", took);
        assert!(took < allowed(RECOVERY), "{took:?}");
        proxy.heal();
        let healed = Instant::now();
        let here = |status: &Status| {
            let alive = status.hosts.iter().all(|host| host.alive);
            alive
                && ready_on(status, "near", "counter") == BTreeSet::from(["h1".to_owned()])
                && ready_on(status, "roams", "counter").len() == 1
        };
        lattice.seen("h1 is back", AMPLE, here).await?;
        // What was placed elsewhere meanwhile, it lets go of.
        lattice.process("h1")?.line("{\"event\":\"withdrawn\",\"application\":\"roams\"}", AMPLE).await?;
        let took = healed.elapsed();
        figure("a partitioned host is back after", took);
        assert!(took < allowed(CONVERGENCE), "{took:?}");
        let record = load.stop().await;
        let verdict = record.judge(0, stands_at(&lattice, "h2", "/near/a").await?);
        note(&format!("{verdict:?}"));
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated), (0, 0, 0), "{verdict:?}");
        assert_eq!(verdict.failed, 0, "{:?}", failures(&record));
        let at = only_host(&lattice, "roams", "counter").await?;
        assert_ne!(at, "h1");
        stands_at(&lattice, "h1", "/roams/a").await?;
        // It was not dead: it was not heard, and who did not hear it says so.
        lattice.process("h2")?.line("was ejected though it was sending", AMPLE).await?;
        Ok(())
    })
}

#[test]
fn without_nats_calls_inside_hosts_go_on() -> Result<()> {
    alone(async || {
        let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
        let mut near = Vec::new();
        for host in HOSTS {
            lattice.join(host, &labelled("name", host)).await?;
            lattice.up_text(&counter(host, &format!("on = {{ name = \"{host}\" }}"), "keyvalue/memory")).await?;
        }
        lattice.up_text(&counter("count", "replicas = 1", "keyvalue/nats")).await?;
        for host in HOSTS {
            let path = format!("/{host}/a");
            stands_at(&lattice, host, &path).await?;
            stands_at(&lattice, host, "/count/a").await?;
            near.push((host, Load::start(&[lattice.address(host)?], &path, RATE / 3), path));
        }
        sleep(Duration::from_secs(1)).await;
        lattice.server(0)?.kill()?;
        let answer = lattice.get("h1", "/count/a").await?;
        assert!(answer.status >= 500, "{answer:?}");
        note(&format!("without NATS: {answer:?}"));
        sleep(Duration::from_secs(6)).await;
        lattice.server(0)?.restart().await?;
        let back = Instant::now();
        for host in HOSTS {
            lattice.answered(host, "/count/a", AMPLE).await?;
        }
        let all = |status: &Status| {
            status.hosts.iter().all(|host| host.alive)
                && ready_on(status, "count", "counter").len() == 1
                && HOSTS.iter().all(|host| ready_on(status, host, "counter") == BTreeSet::from([(*host).to_owned()]))
        };
        lattice.seen("all hosts are back", AMPLE, all).await?;
        let took = back.elapsed();
        figure("all converges after the return of NATS within", took);
        assert!(took < allowed(CONVERGENCE), "{took:?}");
        for (host, load, path) in near {
            let record = load.stop().await;
            let verdict = record.judge(0, stands_at(&lattice, host, &path).await?);
            let Verdict { failed, lost, doubled, repeated, .. } = verdict;
            assert_eq!((failed, lost, doubled, repeated), (0, 0, 0, 0), "{host}: {:?}", failures(&record));
        }
        lattice.up_text(&counter("later", "replicas = 3", "keyvalue/nats")).await?;
        stands_at(&lattice, "h3", "/later/a").await?;
        Ok(())
    })
}

#[test]
fn one_of_three_servers_may_be_lost() -> Result<()> {
    // Elections take seconds, some of them many.
    if std::env::var_os("LATH_LONG").is_none() {
        return Ok(());
    }
    alone(async || {
        let mut lattice = Processes::start_cluster(env!("CARGO_BIN_EXE_lath")).await?;
        for host in HOSTS {
            lattice.join(host, &HostOptions::default()).await?;
        }
        lattice.up_text(&counter("count", "replicas = 3", "keyvalue/nats")).await?;
        lattice.up_text(&shop()).await?;
        for host in HOSTS {
            stands_at(&lattice, host, "/count/a").await?;
            lattice.answered(host, CART, AMPLE).await?;
        }
        let load = Load::start(&lattice.addresses(), "/count/a", RATE / 3);
        sleep(Duration::from_secs(1)).await;
        let (leader, before) = (lattice.leader().await?, lattice.status().await?);
        lattice.server(leader)?.kill()?;
        let killed = load.elapsed();
        for host in HOSTS {
            stands_at(&lattice, host, "/count/a").await?;
        }
        sleep(Duration::from_secs(2)).await;
        let record = load.stop().await;
        figure("without the server that led, counters count again after", recovered(&record, killed)?);
        let verdict = record.judge(0, stands_at(&lattice, "h1", "/count/a").await?);
        note(&format!("{verdict:?}"));
        let Verdict { lost, doubled, repeated, reordered, .. } = verdict;
        assert_eq!((lost, doubled, repeated, reordered), (0, 0, 0, 0));
        // All hosts live.
        let tax = ready_on(&before, "shop", "tax");
        let all =
            |status: &Status| status.hosts.iter().all(|host| host.alive) && ready_on(status, "shop", "tax").len() == 1;
        lattice.seen("all hosts are alive", AMPLE, all).await?;
        // A host that was connected to the lost one may have been silent for too long.
        let moved = ready_on(&lattice.status().await?, "shop", "tax") != tax;
        note(if moved { "the actor moved" } else { "the actor stayed" });
        // Two servers are a quorum: hosts are replaced as ever.
        let dead = only_host(&lattice, "shop", "tax").await?;
        let living = HOSTS.into_iter().find(|host| *host != dead).unwrap_or_default();
        let shopping = Load::start(&[lattice.address(living)?], CART, 10);
        lattice.process(&dead)?.kill()?;
        let killed = shopping.elapsed();
        lattice.answered(living, CART, AMPLE).await?;
        sleep(Duration::from_secs(1)).await;
        let took = recovered(&shopping.stop().await, killed)?;
        figure("with two servers of three, the actor of a killed host answers elsewhere after", took);
        assert!(took < allowed(RECOVERY), "{took:?}");
        lattice.server(leader)?.restart().await?;
        lattice.up_text(&counter("later", "replicas = 2", "keyvalue/nats")).await?;
        Ok(())
    })
}
