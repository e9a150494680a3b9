//! Platform code: adapters, the generator of them and the wire are replaced under load, and a bad adapter is gone back from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::generate::generate_in;
use anyhow::{Context as _, Result, bail, ensure};
use host::application::Piece;
use host::operate::platform::{NewAdapter, NewGenerator, Patched, PlatformPatch, Rolled};
use host::operate::status::{Phase, Status};
use model::contract::Contract;
use model::view::Shape;
use model::wire::{Side, WireVersion};
use testkit::adapters::trapping;
use testkit::caller::word;
use testkit::counting::{ONE_STORE, PATH, count, failures, stands_at};
use testkit::generators;
use testkit::lattice::processes::Processes;
use testkit::record::Load;
use testkit::versions::{Does, versioned};
use tokio::time::sleep;

use crate::report::{Row, remark};
use crate::rolling::{HOSTS, judged};
use crate::{RATE, Rig, drilled};

/// How long a change may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(180);
/// Actors on one host.
const ACTORS: usize = 100;
/// How soon all of them must use another adapter.
const SWITCHED: Duration = Duration::from_secs(3);
/// How soon a bad adapter must be gone back from.
const ROLLBACK: Duration = Duration::from_secs(5);
/// What generated adapters do not hold.
const MARK: &[u8] = b"\0\x0c\x07made-byhand";

pub(crate) fn code(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let lattice = Processes::of(&rig.lath, &HOSTS).await?;
        count(&lattice, "replicas = 3", ONE_STORE, &HOSTS).await?;
        let mut rows = replaced(rig, &lattice).await?;
        for _ in 0..rig.sized(1, 20) {
            rows.extend(gone_back(&lattice).await?);
        }
        Ok(rows)
    })
}

/// Each kind of platform code in turn, and back.
async fn replaced(rig: &Rig, lattice: &Processes) -> Result<Vec<Row>> {
    let what = "platform code replaced";
    let load = Load::start(&lattice.addresses(), PATH, RATE);
    for _ in 0..rig.sized(1, 20) {
        let (counter, side) = (contract(lattice)?, Side::Sender);
        let marked = [generate_in(&counter, Side::Sender, WireVersion::V1)?.as_slice(), MARK].concat();
        let adapter = NewAdapter::read(&counter.name, side, &kept(lattice, "marked", &marked)?)?;
        let generator = NewGenerator::of(generators::component("marking_generator")?, None).await?;
        for (what, patch) in [
            ("an adapter", PlatformPatch::Adapters(vec![adapter])),
            ("the adapter again", PlatformPatch::Reset(counter.name.clone())),
            ("the generator", PlatformPatch::Generator(generator)),
            ("the wire", PlatformPatch::Wire(WireVersion::V2)),
            ("the generator again", PlatformPatch::BuiltIn),
            ("the wire again", PlatformPatch::Wire(WireVersion::V1)),
        ] {
            let begun = Instant::now();
            let patched = rolled(lattice, &patch).await.with_context(|| what)?;
            ensure!(patched.is_kept, "{what}: {patched:?}\n{}", lattice.tails());
            let changed = patched.applications.values().all(|rolled| matches!(rolled, Rolled::Done(_)));
            ensure!(changed, "{what}: nothing changed: {patched:?}");
            remark(&format!("{what}: {:.1} s", begun.elapsed().as_secs_f64()));
        }
    }
    let record = load.stop().await;
    Ok(judged(what, &record, stands_at(lattice, "h1", PATH).await?, lattice))
}

/// A sender that traps.
async fn gone_back(lattice: &Processes) -> Result<Vec<Row>> {
    let counter = contract(lattice)?;
    let bad = trapping(&generate_in(&counter, Side::Sender, WireVersion::V1)?)?;
    let adapter = NewAdapter::read(&counter.name, Side::Sender, &kept(lattice, "bad", &bad)?)?;
    let load = Load::start(&lattice.addresses(), PATH, RATE);
    sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let patched = rolled(lattice, &PlatformPatch::Adapters(vec![adapter])).await?;
    let took = begun.elapsed();
    let Some(Rolled::RolledBack(status)) = patched.applications.get(&word("count")) else {
        bail!("a bad adapter: {patched:?}\n{}", lattice.tails())
    };
    ensure!(!patched.is_kept, "what was gone back from is for nobody");
    remark(&status.rolled_back.as_ref().context("it was rolled back")?.reason);
    let back = load.elapsed();
    sleep(Duration::from_secs(2)).await;
    let record = load.stop().await;
    let failed = failures(&record);
    let late = failed.iter().filter(|attempt| attempt.began > back).count();
    let minute = RATE as usize * 60;
    Ok(vec![
        Row::time("an adapter that traps: gone back from after".to_owned(), took, ROLLBACK),
        Row::share("an adapter that traps: calls that failed in a minute".to_owned(), failed.len(), minute, 0.01),
        Row::never("an adapter that traps: failed after that".to_owned(), late, record.attempts.len()),
    ])
}

/// One adapter of many actors on one host: how long until the last of them uses the new one.
pub(crate) fn many(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let lattice = Processes::of(&rig.lath, &["h1"]).await?;
        let component = lattice.folder().join("one.wasm");
        std::fs::write(&component, versioned("one", Does::Good)?)?;
        let actor = |number: usize| {
            format!(
                "[actors.a{number}]\ncomponent = \"{}\"\nlinks.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n",
                component.display()
            )
        };
        let actors: String = (0..ACTORS).map(actor).collect();
        let rest = "[providers]\nkv = { use = \"keyvalue/memory\" }\n";
        lattice.up_text(&format!("[application]\nname = \"count\"\n{actors}{rest}")).await?;
        let ready = |version: u64| {
            move |status: &Status| {
                status.applications.iter().any(|app| app.version == version && app.phase == Phase::Ready)
            }
        };
        lattice.seen("all are ready", PATIENCE, ready(1)).await?;
        let counter = contract(&lattice)?;
        let marked = [generate_in(&counter, Side::Sender, WireVersion::V1)?.as_slice(), MARK].concat();
        let adapter = NewAdapter::read(&counter.name, Side::Sender, &kept(&lattice, "marked", &marked)?)?;
        let patch = PlatformPatch::Adapters(vec![adapter]);
        let (patched, switched) =
            tokio::join!(rolled(&lattice, &patch), lattice.seen("all use it", PATIENCE, ready(2)));
        ensure!(patched?.is_kept, "it is gone back from\n{}", lattice.tails());
        Ok(vec![Row::time(
            format!("an adapter of {ACTORS} actors patched, until the last uses it"),
            switched?,
            SWITCHED,
        )])
    })
}

async fn rolled(lattice: &Processes, patch: &PlatformPatch) -> Result<Patched> {
    Ok(lattice.operator().patch_platform(patch, Instant::now() + PATIENCE, &mut |_, _| {}).await?)
}

/// What the actor calls.
fn contract(lattice: &Processes) -> Result<Arc<Contract>> {
    let piece = Piece::read(&word("counter"), &lattice.folder().join("one.wasm"))?;
    let imports = piece.view.imports.into_iter().filter(|port| port.label.starts_with("lath:keyvalue/counter"));
    let found = imports.filter_map(|port| match port.shape {
        Shape::Contract(contract) => Some(contract),
        Shape::Types | Shape::Refused(_) => None,
    });
    found.last().context("it calls no counter")
}

fn kept(lattice: &Processes, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = lattice.folder().join(format!("{name}.wasm"));
    std::fs::write(&path, bytes)?;
    Ok(path)
}
