//! Actors that are patched while requests flow: no request fails, and a bad version is gone back from by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use host::application::Piece;
use host::operate::{Deployed, Waited};
use model::ids::{ActorName, AppName};
use testkit::lattice::processes::Processes;
use testkit::record::{Load, Outcome, Record};
use testkit::versions::{Does, versioned};
use tokio::time::sleep;

use crate::lattice_support::{HOSTS, alone, failures, figure, labelled, note, only_host, stands_at, three};

/// Requests a second, to three hosts in turn.
const RATE: u32 = 100;
/// Likewise, where each is a write that three hosts agree on.
const SHARED_RATE: u32 = 50;
const PATH: &str = "/count";
/// How soon a bad version must be gone back from, as is promised.
const ROLLBACK: Duration = Duration::from_secs(5);
/// How long a patch may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn patches_under_load_lose_no_request() -> Result<()> {
    alone(async || {
        let lattice = three_counting().await?;
        let load = Load::start(&lattice.addresses(), PATH, RATE);
        let mut done = Vec::new();
        for version in ["two", "three"] {
            let begun = Instant::now();
            match patched(&lattice, version, Does::Good).await? {
                Waited::Done(status) => ensure!(status.watched.is_empty(), "it may yet be gone back from: {status:?}"),
                other => bail!("{version}: {other:?}\n{}", lattice.tails()),
            }
            figure(&format!("version {version} serves everywhere after"), begun.elapsed());
            done.push((load.elapsed(), version));
            sleep(Duration::from_secs(2)).await;
        }
        let begun = Instant::now();
        let back = lattice.operator().rollback(&app(), None).await?;
        ensure!(matches!(waited(&lattice, &back).await?, Waited::Done(_)), "the rollback: {}", lattice.tails());
        figure("the version before serves everywhere after", begun.elapsed());
        done.push((load.elapsed(), "two"));
        sleep(Duration::from_secs(1)).await;
        let record = load.stop().await;
        let verdict = record.judge(0, stands_at(&lattice, "h1", PATH).await?);
        note(&format!("{verdict:?}"));
        assert_eq!(failures(&record).first(), None, "{} failed\n{}", failures(&record).len(), lattice.tails());
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated, verdict.reordered), (0, 0, 0, 0), "{verdict:?}");
        for (at, (since, version)) in done.iter().enumerate() {
            let until = done.get(at + 1).map(|_| *since + Duration::from_secs(1));
            let answers = answers(&record, *since, until)?;
            ensure!(!answers.is_empty(), "nothing was asked after version {version} was done");
            let old: Vec<_> = answers.iter().filter(|answer| answer != version).collect();
            assert!(old.is_empty(), "answers of other versions after {version} was done: {old:?}");
        }
        Ok(())
    })
}

#[test]
fn a_bad_patch_is_gone_back_from_by_itself() -> Result<()> {
    alone(async || {
        let lattice = three_counting().await?;
        for (version, does) in [("traps", Does::Traps), ("hangs", Does::Hangs), ("slow", Does::Slow)] {
            let load = Load::start(&lattice.addresses(), PATH, RATE);
            sleep(Duration::from_secs(2)).await;
            let asked = load.elapsed();
            let begun = Instant::now();
            let status = match patched(&lattice, version, does).await? {
                Waited::RolledBack(status) => status,
                other => bail!("{version}: {other:?}\n{}", lattice.tails()),
            };
            let took = begun.elapsed();
            figure(&format!("a version that {version} is gone back from after"), took);
            let back = status.rolled_back.context("it was rolled back")?;
            note(&back.reason);
            assert!(took < ROLLBACK * 2, "{took:?}");
            let rolled_back = load.elapsed();
            sleep(Duration::from_secs(2)).await;
            let record = load.stop().await;
            let failed = failures(&record);
            let reached = failed.len() + answers(&record, asked, None)?.iter().filter(|who| *who == version).count();
            note(&format!("{reached} of {} requests reached it", record.attempts.len()));
            let late = failed.iter().find(|attempt| attempt.began > rolled_back);
            assert_eq!(late, None, "failed after it was gone back from");
            // One in a hundred of what is asked within a minute.
            assert!(reached <= usize::try_from(RATE * 60 / 100)?, "{reached} requests reached it");
        }
        // What was refused can be mended.
        ensure!(matches!(patched(&lattice, "mended", Does::Good).await?, Waited::Done(_)), "{}", lattice.tails());
        Ok(())
    })
}

fn app() -> AppName {
    "count".parse().unwrap()
}

/// One counter, on one of the hosts.
const ONE_STORE: &str = "links.\"lath:keyvalue/counter\" = { to = \"kv\", reach = \"lattice\" }\n\
                         [providers]\nkv = { use = \"keyvalue/embedded\" }\n";
/// One counter, that all hosts share.
const SHARED_STORE: &str =
    "links.\"lath:keyvalue/counter\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/nats\" }\n";

/// The component in its first version, placed so.
fn counting(lattice: &Processes, place: &str, store: &str) -> Result<String> {
    let component = lattice.folder().join("one.wasm");
    std::fs::write(&component, versioned("one", Does::Good)?)?;
    Ok(format!("[actors.counter]\ncomponent = \"{}\"\nplace = {{ {place} }}\n{store}", component.display()))
}

/// Three hosts that run the component, over one counter.
async fn three_counting() -> Result<Processes> {
    let lattice = three().await?;
    let counting = counting(&lattice, "replicas = 3", ONE_STORE)?;
    let route = format!("[[routes]]\npath = \"{PATH}\"\nto = \"counter\"\n");
    lattice.up_text(&format!("[application]\nname = \"count\"\n{counting}{route}")).await?;
    for host in HOSTS {
        stands_at(&lattice, host, PATH).await?;
    }
    Ok(lattice)
}

/// Patches the actor to a version, and waits for what becomes of that.
async fn patched(lattice: &Processes, version: &str, does: Does) -> Result<Waited> {
    let actor: ActorName = "counter".parse()?;
    let path = lattice.folder().join(format!("{version}.wasm"));
    std::fs::write(&path, versioned(version, does)?)?;
    let piece = Piece::read(&actor, &path)?;
    let deployed = lattice.operator().patch(&app(), &actor, &piece, &mut |_| {}).await?;
    ensure!(deployed.is_new, "{deployed:?}");
    waited(lattice, &deployed).await
}

async fn waited(lattice: &Processes, deployed: &Deployed) -> Result<Waited> {
    let deadline = Instant::now() + PATIENCE;
    Ok(lattice.operator().wait(&deployed.application, deployed.version, deadline, &mut |_| {}).await?)
}

/// The versions that answered requests which began in that time.
fn answers(record: &Record, since: Duration, until: Option<Duration>) -> Result<Vec<String>> {
    let within = record
        .attempts
        .iter()
        .filter(|attempt| attempt.began > since && until.is_none_or(|until| attempt.began < until));
    let mut versions = Vec::new();
    for attempt in within {
        if let Outcome::Answered { status: 200, body } = &attempt.outcome {
            let body: serde_json::Value = serde_json::from_str(body)?;
            versions.push(body["version"].as_str().context("a version")?.to_owned());
        }
    }
    Ok(versions)
}

/// A component that is fused into another is replaced in the composite of the other, as one.
#[test]
fn what_is_fused_is_patched_under_load_as_well() -> Result<()> {
    alone(async || {
        let lattice = three().await?;
        let counting = counting(&lattice, "replicas = 3", ONE_STORE)?;
        let manifest = format!(
            "[application]\nname = \"count\"\n[actors.front]\n\
             component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/faulty_http.wasm\"\n\
             place = {{ replicas = 3 }}\nlinks.\"lath:httpserver/handler\" = {{ to = \"counter\", reach = \"fused\" }}\n\
             {counting}[[routes]]\npath = \"/next/count\"\nto = \"front\"\n"
        );
        lattice.up_text(&manifest).await?;
        let path = "/next/count";
        for host in HOSTS {
            stands_at(&lattice, host, path).await?;
        }
        let load = Load::start(&lattice.addresses(), path, RATE);
        ensure!(matches!(patched(&lattice, "two", Does::Good).await?, Waited::Done(_)), "{}", lattice.tails());
        let done = load.elapsed();
        sleep(Duration::from_secs(1)).await;
        let record = load.stop().await;
        let verdict = record.judge(0, stands_at(&lattice, "h1", path).await?);
        note(&format!("{verdict:?}"));
        assert_eq!(failures(&record).first(), None, "{}", lattice.tails());
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated, verdict.reordered), (0, 0, 0, 0), "{verdict:?}");
        let answers = answers(&record, done, None)?;
        assert!(!answers.is_empty() && answers.iter().all(|version| version == "two"), "{answers:?}");
        Ok(())
    })
}

/// Hosts are replaced one after the other, as by newer ones: drained, ended, and started again.
#[test]
fn hosts_are_replaced_under_load() -> Result<()> {
    alone(async || {
        let work = labelled("tier", "work");
        let mut lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1"]).await?;
        lattice.join_all(&["h2", "h3"], &work).await?;
        let counting = counting(&lattice, "on = { tier = \"work\" }", SHARED_STORE)?;
        let route = format!("[[routes]]\npath = \"{PATH}\"\nto = \"counter\"\n");
        lattice.up_text(&format!("[application]\nname = \"count\"\n{counting}{route}")).await?;
        stands_at(&lattice, "h1", PATH).await?;
        let load = Load::start(&[lattice.address("h1")?], PATH, SHARED_RATE);
        for _ in 0..2 {
            sleep(Duration::from_secs(1)).await;
            let host = only_host(&lattice, "count", "counter").await?;
            let begun = Instant::now();
            lattice.operator().drain(&host.parse()?, false).await?;
            lattice.process(&host)?.ended(PATIENCE).await?;
            lattice.join(&host, &work).await?;
            figure(&format!("{host} was replaced after"), begun.elapsed());
        }
        let record = load.stop().await;
        let verdict = record.judge(0, stands_at(&lattice, "h1", PATH).await?);
        note(&format!("{verdict:?}"));
        assert_eq!(failures(&record).first(), None, "{}", lattice.tails());
        assert_eq!((verdict.lost, verdict.doubled, verdict.repeated, verdict.reordered), (0, 0, 0, 0), "{verdict:?}");
        Ok(())
    })
}

/// Where a link leads, what a provider is, a setting of the actor, its limits, the routes: one after the other.
#[test]
fn an_edited_manifest_is_taken_up_under_load() -> Result<()> {
    alone(async || {
        let lattice = three_counting().await?;
        let load = Load::start(&lattice.addresses(), PATH, RATE);
        let component = lattice.folder().join("one.wasm");
        let edited = |link: &str, actor: &str, rest: &str| {
            format!(
                "[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"{}\"\nplace = {{ replicas = 3 }}\n{actor}\n\
                 links.\"lath:keyvalue/counter\" = {{ {link}, reach = \"lattice\" }}\n\
                 [[routes]]\npath = \"{PATH}\"\nto = \"counter\"\n{rest}",
                component.display()
            )
        };
        let (old, new) = ("kv = { use = \"keyvalue/embedded\" }", "other = { use = \"keyvalue/embedded\" }");
        let both = format!("[providers]\n{old}\n{new}\n");
        let swapped = format!("[providers]\n{old}\nother = {{ use = \"keyvalue/memory\" }}\n");
        let routed = format!("{swapped}[[routes]]\npath = \"/more\"\nto = \"counter\"\n");
        let third = "[providers]\nthird = { use = \"keyvalue/embedded\" }\n".to_owned();
        let third = format!("{third}[[routes]]\npath = \"/more\"\nto = \"counter\"\n");
        let settings = "grants = { env = { COLOUR = \"blue\" } }";
        let limits = "grants = { env = { COLOUR = \"blue\" } }\nlimits = { instances = 50 }";
        for (what, manifest) in [
            ("a link is led elsewhere", edited("to = \"other\"", "", &both)),
            ("a provider is another", edited("to = \"other\"", "", &swapped)),
            ("a setting is another", edited("to = \"other\"", settings, &swapped)),
            ("a limit is another", edited("to = \"other\"", limits, &swapped)),
            ("a route is added", edited("to = \"other\"", limits, &routed)),
            ("a provider takes the place of all others", edited("to = \"third\"", limits, &third)),
        ] {
            let begun = Instant::now();
            lattice.up_text(&manifest).await.with_context(|| what)?;
            figure(what, begun.elapsed());
        }
        let record = load.stop().await;
        assert_eq!(failures(&record).first(), None, "{:#?}\n{}", failures(&record), lattice.tails());
        for host in HOSTS {
            assert_eq!(lattice.get(host, "/more?amount=0").await?.status, 200);
        }
        Ok(())
    })
}
